"""The interface of an engine: token ids in, pieces of text out.

EngineError            message
├── PromptRefused      the engine refuses this request; the caller's fault
├── GrammarGivenUp     the request's grammar exceeded a limit in the middle of the answer
├── EngineFailed       this request failed inside the engine; others go on
├── EngineBusy         the engine takes no more requests for now
├── AdapterRefused     an adapter can't be loaded
└── EngineDead         no request can be served until the engine is restarted
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from msgspec import Struct

from latticework.engines.encoder import Encoder
from latticework.engines.vocabulary import Trial, Vocabulary

EngineFinish = Literal["stop", "length"]

# The most log probabilities that the layer itself asks an engine for, at one position.
MOST_SCORED = 512


class EngineError(Exception):
    """The message is one sentence."""


class PromptRefused(EngineError):
    """The engine refused a request that the layer above accepted. `param`: the parameter at fault, if it is known."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class GrammarGivenUp(EngineError):
    """The grammar of the request exceeded a limit: the answer can't be continued, and is not complete."""


class EngineFailed(EngineError):
    """One request failed inside the engine."""


class EngineBusy(EngineError):
    """The engine takes no more requests for now."""


class AdapterRefused(EngineError):
    """An adapter can't be loaded: its files, or its fit to the model, are at fault."""


class EngineDead(EngineError):
    """The engine is not running."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's log probability (natural logarithm, at most 0), its bytes and its id.

    `rank`: its place among all tokens at its position, from 1; 0 if unknown.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...]
    id: int = field(default=-1, kw_only=True)
    rank: int = field(default=0, kw_only=True)


@dataclass(frozen=True, slots=True)
class SampledToken(TokenLogprob):
    """The token that was sampled, and the likeliest tokens at its position, best first."""

    top: tuple[TokenLogprob, ...] = ()


class Saved(Struct, frozen=True):
    """Tokens of an answer that took no forward pass of their own: forced by its grammar, or copied and accepted."""

    forced: int = 0
    copied: int = 0

    def __add__(self, other: Saved) -> Saved:
        return Saved(self.forced + other.forced, self.copied + other.copied)


NOTHING_SAVED = Saved()

Source = Literal["forced", "copied", "sampled"]


class TokenSource(Struct, frozen=True):
    """Where a token comes from: forced by its grammar, copied and accepted, or sampled, which took a forward pass.

    `text` is the text that it completes: "" where it is part of a character or ends the answer.
    """

    text: str
    source: Source


class Piece(Struct, frozen=True, gc=False):
    """What the engine produced since the last piece: one token, or any number of them.

    Attributes:
        text: what the tokens complete; may be empty.
        token_ids: all of them, those that end the answer too.
        logprobs, sources: one entry for each token, where the request wants them.
        finish, saved: set on the last piece only; `saved` counts the whole answer's.
        prompt_logprobs: set on the first piece only, where the request wants them: one entry for each token of the
            prompt, None for the first token.
        cached: set on the first piece only: how many tokens of the prompt the engine had in its prefix cache.
        transfer: set on the last piece only: from which another engine gets what this one has computed of the prompt.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[SampledToken, ...] = ()
    finish: EngineFinish | None = None
    saved: Saved = NOTHING_SAVED
    sources: tuple[TokenSource, ...] = ()
    prompt_logprobs: tuple[SampledToken | None, ...] = ()
    cached: int = 0
    transfer: Mapping[str, Any] | None = None

    def end(self, finish: EngineFinish | None) -> Piece:
        """An empty piece, with what this last one has for the end of the answer."""
        return Piece("", (), finish=finish, saved=self.saved, transfer=self.transfer)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. None leaves a choice to the model's generation config. `sampling.PARAMETERS` describes each."""

    max_tokens: int
    grammar: str | None = None  # llguidance Lark
    begun: Sequence[int] | None = None  # tokens of the text at the prompt's end with which the grammar's text begins
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int | None = None  # number of likeliest tokens for each position; None: no log probabilities at all
    prompt_logprobs: int | None = None  # the same for the tokens of the prompt
    min_tokens: int = 0
    ignore_eos: bool = False
    stop_token_ids: Sequence[int] = ()
    special_tokens: bool = True  # whether special tokens appear in `Piece.text`
    sources: bool = False  # whether pieces have each token's source
    single: bool = False  # whether a piece has one token, even if the engine was ahead of its reader
    allowed_token_ids: Sequence[int] | None = None  # no other token is sampled; None: any
    bad_words: Sequence[str] | None = None  # texts that are never completed, as words of their own or within one
    priority: int | None = None  # requests with a lower one are scheduled first; None: 0
    cache_salt: str | None = None  # prompts share a prefix cache only with those of the same salt
    # For the engine's connector to others: where it gets what is computed of the prompt, or that it keeps it for them.
    transfer: Mapping[str, Any] | None = None
    adapter: str | None = None  # the name of the adapter that answers; None: the model itself
    # Whether its log probabilities are to be those under the grammar's mask, at temperature 1, as scoring needs them.
    confidence: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A question to all processes that compute answers.

    Attributes:
        answer: to be awaited; done once each of them has answered.
        allowance: seconds that it may take beyond those of an idle engine.
        starved: how many seconds, since the last call, the processes could not run, because others did.
    """

    answer: Awaitable[object]
    allowance: float = 0.0
    starved: Callable[[], float] = float


@dataclass(frozen=True, slots=True)
class Adapter:
    """Weights that change those of a model (LoRA), under a name of their own.

    Attributes:
        path: a folder on the engine's machine, or a name at Hugging Face.
        parent: the name of the model that it adapts; None: the engine's.
        fused_experts: whether the weights of experts are fused, for engines that take both forms.
    """

    name: str
    path: str
    parent: str | None = None
    fused_experts: bool = False


class Adapters(Protocol):
    """The adapters of an engine that takes some."""

    @property
    def loaded(self) -> Mapping[str, Adapter]:
        """By name."""

    async def load(self, adapter: Adapter) -> None:
        """Perhaps in the place of one with the same name. Raises AdapterRefused."""

    def unload(self, name: str) -> None:
        """Raises KeyError for an unknown one."""


class Tokenizer(Protocol):
    """The model's tokenizer, and what its files have for chats."""

    @property
    def chat_template(self) -> str | None:
        """The Jinja source of the model's chat template; None if its files have none."""

    @property
    def response_template(self) -> Mapping[str, Any] | None:
        """The checkpoint's response template, as transformers has it: how answers are formatted; None without one."""

    @property
    def named_tokens(self) -> Mapping[str, str]:
        """`bos_token`, `eos_token` and the like, as chat templates expect them."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Text and id of each special token, which ordinary text never becomes."""

    @property
    def added_tokens(self) -> Mapping[str, bool]:
        """Text of each token added to the model's vocabulary, and whether it is flagged special."""

    @property
    def ends(self) -> tuple[int, ...]:
        """The tokens that end a turn: the tokenizer's own first, then those of the model's generation config."""

    @property
    def vocabulary_size(self) -> int:
        """Token ids are below this."""

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Token ids of a text; the texts of special tokens in it become these.

        `special`: also add the tokens that the tokenizer puts at the beginning or end of a text, as transformers does
        with `add_special_tokens=True`. A rendered chat prompt has them already.
        """

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included, as vLLM's /detokenize returns it. Skips unknown ids."""

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        """Each token in the vocabulary's notation (`Ġhello`), as vLLM's `return_token_strs` has it; "" if unknown."""

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        """Token ids of text in segments: those at odd places are `markup` tokens, the others never become any.

        If no text looks like markup, the ids are those of the whole text.
        """

    @property
    def encoder(self) -> Encoder | None:
        """What encodes long texts in another process; None where only this one can."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What llguidance needs of it, in this process and in others."""

    def remember(self, grammar: str, trial: Trial) -> None:
        """What llguidance makes of a grammar that a request is about to use, so that it is not compiled again."""


class Engine(Protocol):
    """A model that generates answers."""

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The names by which requests may call the model; the first is its own. Those of adapters are among them."""

    @property
    def adapters(self) -> Adapters | None:
        """None where it takes none."""

    @property
    def learns_names(self) -> bool:
        """Whether it knows the names of its model only once it has started."""

    @property
    def max_model_len(self) -> int:
        """The most tokens of prompt and answer together."""

    @property
    def max_running(self) -> int:
        """The most answers that it generates at once; others wait."""

    @property
    def recovers(self) -> bool:
        """Whether it comes back by itself after it has died. One that does not must be restarted."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """What it does without because its backend lacks it, a sentence each. Complete once it has started."""

    @property
    def details(self) -> Mapping[str, str]:
        """How it runs, by its backend's names for that. Complete once it has started."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    async def start(self) -> None:
        """Loads the model, which may take minutes. Raises EngineDead. After `stop` it can be started again."""

    async def stop(self) -> None:
        """Ends it and all that it started, dead or alive."""

    async def check_health(self) -> None:
        """Raises EngineDead if no request can be served."""

    def heartbeat(self) -> Heartbeat | None:
        """Asks for a sign of life; None where an engine can't be asked: that it hangs, only deadlines notice."""

    def running(self) -> int:
        """The number of answers that are being generated or wait to be."""

    def metrics(self) -> bytes:
        """The engine's own metrics, in Prometheus' text format."""

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        """A parameter that this engine can't honour, and why; None if it can honour all."""

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """One answer to one prompt. Closing the iterator aborts it. Raises EngineError."""
