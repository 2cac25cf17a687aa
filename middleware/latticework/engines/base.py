"""What the layer above needs of an engine: token ids in, pieces of text out.

EngineError            message
├── PromptRefused      the engine won't take this request; the caller's doing
├── EngineFailed       this request broke inside the engine; others go on
├── EngineBusy         the engine has too much to do to take this request now
└── EngineDead         no request can be served until the engine is started again
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from msgspec import Struct

from latticework.engines.vocabulary import Trial, Vocabulary

EngineFinish = Literal["stop", "length"]


class EngineError(Exception):
    """Something about the engine, told in one sentence."""


class PromptRefused(EngineError):
    """The engine refused a request that the layer above let through."""


class EngineFailed(EngineError):
    """One request failed inside the engine."""


class EngineBusy(EngineError):
    """The engine takes no more requests for now."""


class EngineDead(EngineError):
    """The engine does not run."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token's log probability (natural logarithm, at most 0) and the bytes that it stands for."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SampledToken(TokenLogprob):
    """The token that was sampled, and the likeliest ones at its position, best first."""

    top: tuple[TokenLogprob, ...] = ()


class Saved(Struct, frozen=True):
    """How many tokens of an answer took no forward pass of their own: forced by its grammar, or guessed rightly."""

    forced: int = 0
    copied: int = 0

    def __add__(self, other: Saved) -> Saved:
        return Saved(self.forced + other.forced, self.copied + other.copied)


NOTHING_SAVED = Saved()

Source = Literal["forced", "copied", "sampled"]


class TokenSource(Struct, frozen=True):
    """How a token came: forced by its grammar, guessed rightly, or sampled, which took a forward pass.

    `text` is what it completes, as the model wrote it: nothing, where it is part of a character or ends the answer.
    """

    text: str
    source: Source


class Piece(Struct, frozen=True, gc=False):
    """What the engine produced since the last piece. Any chunking: one token, or many merged.

    `logprobs` and `sources` have one entry a token where the request wants them. `prompt_logprobs` is set on the first
    piece only: one entry for each token of the prompt, None for the first token. `finish` and `saved`, which is of the
    whole answer, are set on the last piece only.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[SampledToken, ...] = ()
    finish: EngineFinish | None = None
    saved: Saved = NOTHING_SAVED
    sources: tuple[TokenSource, ...] = ()
    prompt_logprobs: tuple[SampledToken | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. None leaves a choice to the model's own generation config."""

    max_tokens: int
    grammar: str | None = None  # llguidance Lark
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int | None = None  # how many likeliest tokens a position; None: no log probabilities at all
    prompt_logprobs: int | None = None  # the same for the prompt's tokens
    min_tokens: int = 0
    ignore_eos: bool = False
    stop_token_ids: Sequence[int] = ()
    special_tokens: bool = True  # whether special tokens appear in `Piece.text`
    sources: bool = False  # whether each token's source is told


class Tokenizer(Protocol):
    """The model's tokenizer and what its chat needs of it."""

    @property
    def chat_template(self) -> str | None:
        """The Jinja source of the model's chat template; None where its files have none."""

    @property
    def response_template(self) -> Mapping[str, Any] | None:
        """The checkpoint's own description of how answers are written, as transformers has it; None without one."""

    @property
    def named_tokens(self) -> Mapping[str, str]:
        """`bos_token`, `eos_token` and the like, as chat templates expect them."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Text and id of each special token: one that ordinary text never becomes."""

    @property
    def added_tokens(self) -> Mapping[str, bool]:
        """Text of each token that was added to the model's vocabulary, and whether it is flagged special."""

    @property
    def ends(self) -> tuple[int, ...]:
        """The tokens that end a turn: the tokenizer's own first, then what the model's generation config adds."""

    @property
    def vocabulary_size(self) -> int:
        """Token ids are below this."""

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Token ids of a text; special tokens written in it become such.

        `special`: also add the tokens that the tokenizer itself puts at the beginning or end of a text, as transformers
        does with `add_special_tokens=True`. A rendered chat prompt has them already.
        """

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of these ids, special tokens included, as vLLM's /detokenize gives it; ids that no token has are
        left out."""

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        """Each token as the vocabulary has it (`Ġhello`), as vLLM's `return_token_strs` gives it; "" for no token."""

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        """The same of text in segments: those at even places become none of the `markup` tokens, the others are such.

        Without the former in it, the same ids as of the whole text.
        """

    @property
    def vocabulary(self) -> Vocabulary:
        """The same for llguidance, in this process and in others."""

    def remember(self, grammar: str, trial: Trial) -> None:
        """A grammar that is about to be generated by, and what llguidance makes of it."""


class Engine(Protocol):
    """A model that generates."""

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The names that requests may call the model by. The first is its own."""

    @property
    def max_model_len(self) -> int:
        """How many tokens prompt and answer may have together."""

    @property
    def max_running(self) -> int:
        """How many answers it generates at once; others wait."""

    @property
    def recovers(self) -> bool:
        """Whether it comes back by itself where it has died. One that does not has to be started again."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """What it does without because its backend lacks it, a sentence each. Complete once it is started."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    async def start(self) -> None:
        """Load the model. May take minutes. Raises EngineDead. After `stop` it can be started again."""

    async def stop(self) -> None:
        """End it and everything it started, dead or alive."""

    async def check_health(self) -> None:
        """Raises EngineDead where no request can be served."""

    def running(self) -> int:
        """How many answers are being generated or wait to be."""

    def metrics(self) -> bytes:
        """What it counts of its own work, in Prometheus' text format."""

    def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        """The parameter that this engine can't honour, and why; None where it can honour all."""

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """One answer to one prompt. Closing the iterator ends the work. Raises EngineError."""
