"""What the layer above needs of an engine: token ids in, pieces of text out.

EngineError            message
├── PromptRefused      the engine won't take this request; the caller's doing
├── EngineFailed       this request broke inside the engine; others go on
└── EngineDead         no request can be served until the engine is started again
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from msgspec import Struct

EngineFinish = Literal["stop", "length"]


class EngineError(Exception):
    """Something about the engine, told in one sentence."""


class PromptRefused(EngineError):
    """The engine refused a request that the layer above let through."""


class EngineFailed(EngineError):
    """One request failed inside the engine."""


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


class Piece(Struct, frozen=True):
    """What the engine produced since the last piece. Any chunking: one token, or many merged.

    `logprobs` has one entry a token where they were asked for. `finish` is set on the last piece only.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[SampledToken, ...] = ()
    finish: EngineFinish | None = None


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
    min_tokens: int = 0
    ignore_eos: bool = False
    stop_token_ids: Sequence[int] = ()
    special_tokens: bool = True  # whether special tokens appear in `Piece.text`


class Tokenizer(Protocol):
    """The model's tokenizer and what its chat needs of it."""

    @property
    def chat_template(self) -> str:
        """The Jinja source of the model's chat template."""

    @property
    def named_tokens(self) -> Mapping[str, str]:
        """`bos_token`, `eos_token` and the like, as chat templates expect them."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Text and id of each special token: one that ordinary text never becomes."""

    @property
    def vocabulary_size(self) -> int:
        """Token ids are below this."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a rendered prompt: special tokens in it count as such, none is added."""

    def grammar_error(self, grammar: str) -> str | None:
        """What llguidance has against this Lark text with this vocabulary; None where it compiles. Slow: seconds."""


class Engine(Protocol):
    """A model that generates."""

    @property
    def model_ids(self) -> tuple[str, ...]:
        """The names that requests may call the model by. The first is its own."""

    @property
    def max_model_len(self) -> int:
        """How many tokens prompt and answer may have together."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    async def start(self) -> None:
        """Load the model. May take minutes. Raises EngineDead."""

    async def stop(self) -> None:
        """End it and everything it started."""

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
