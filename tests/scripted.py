"""An engine that answers from a script: for faults and timings that a real one can't be made to show."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import Any

from latticework.engines.base import Adapters, EngineDead, Heartbeat, Piece, Sampling
from latticework.engines.vocabulary import Trial, Vocabulary

# The comment is what a format is chosen by.
CHATML = (
    "{# <tool_call> #}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

Script = Callable[[Sequence[int], Sampling], AsyncGenerator[Piece, None]]


def says(*texts: str, finish: str = "stop") -> Script:
    """Answers everything with these texts, one piece each."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        for text in texts:
            yield Piece(text, (0,))
        yield Piece("", (0,), finish="length" if finish == "length" else "stop")

    return script


# The token that `encode(..., special=True)` puts first.
BEGINNING = 1


class ByteTokenizer:
    """One token a byte."""

    chat_template = CHATML
    response_template: Mapping[str, Any] | None = None
    named_tokens: Mapping[str, str] = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    special_tokens: Mapping[str, int] = {}
    ends: tuple[int, ...] = ()
    added_tokens: Mapping[str, bool] = {}
    vocabulary_size = 256
    vocabulary = Vocabulary("byte")

    def encode(self, text: str, special: bool = False) -> list[int]:
        return [BEGINNING] * special + list(text.encode())

    def decode(self, token_ids: Sequence[int]) -> str:
        return bytes(token_ids).decode(errors="replace")

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        return [self.decode([token_id]) for token_id in token_ids]

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        return self.encode("".join(segments))

    @property
    def encoder(self) -> ByteTokenizer:
        return self

    def least_tokens(self, size: int) -> int:
        return size

    def remember(self, grammar: str, trial: Trial) -> None:
        pass


class MarkedTokenizer(ByteTokenizer):
    """One token a byte, and one for each marker: `ScriptedEngine.prompts` has its letter."""

    added_tokens: Mapping[str, bool] = {"<|im_start|>": True, "<|im_end|>": True, "<tool_call>": False}
    letters: Mapping[str, str] = {"<|im_start|>": "\x01", "<|im_end|>": "\x02", "<tool_call>": "\x03"}

    def encode(self, text: str, special: bool = False) -> list[int]:
        for marker, letter in self.letters.items():
            text = text.replace(marker, letter)
        return super().encode(text, special)

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        text = "".join(self.letters[segment] if place % 2 else segment for place, segment in enumerate(segments))
        return list(text.encode())


@dataclass
class ScriptedEngine:
    """`asked` holds the samplings of all requests that reached it; `open` counts the answers not yet ended."""

    script: Script
    model_ids: tuple[str, ...] = ("scripted",)
    max_model_len: int = 100_000
    max_running: int = 256
    recovers: bool = False
    learns_names: bool = False
    adapters: Adapters | None = None
    degraded: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    tokenizer: ByteTokenizer = field(default_factory=ByteTokenizer)
    asked: MutableSequence[Sampling] = field(default_factory=list)
    prompts: MutableSequence[str] = field(default_factory=list)
    open: int = 0
    starts: int = 0
    dead: bool = False

    async def start(self) -> None:
        self.starts += 1

    async def stop(self) -> None:
        self.starts -= 1

    async def check_health(self) -> None:
        if self.dead:
            raise EngineDead("The engine has died.")

    def heartbeat(self) -> Heartbeat | None:
        return None

    def running(self) -> int:
        return self.open

    def metrics(self) -> bytes:
        return b"# HELP scripted nothing is counted\n"

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        return None

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        self.asked.append(sampling)
        self.prompts.append(bytes(prompt).decode(errors="replace"))
        self.open += 1
        try:
            async for piece in self.script(prompt, sampling):
                yield piece
        finally:
            self.open -= 1
