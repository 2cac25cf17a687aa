"""Cost of a streamed chunk above the engine: microseconds of CPU from a piece of text to the bytes for the socket.

    python -m benchmarks.chunk_cost [--json]

The app answers real requests, in process; its engine has the tokens in memory and returns them at once, and the app's
output is discarded. Time is measured from the first piece to the last, so costs per request are excluded. Each figure
is the best of several rounds, which removes the noise.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from benchmarks.modelless import Modelless
from latticework import create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.vocabulary import Trial, Vocabulary

PIECES = 4_000  # a token each
ROUNDS = 7
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "<b>", "and", "[x]", "{y}"]
SCOPE: Mapping[str, Any] = {
    "type": "http",
    "method": "POST",
    "query_string": b"",
    "headers": [(b"content-type", b"application/json")],
}
ITEM = {"type": "object", "properties": {"name": {"type": "string"}, "price": {"type": "number"}}}
NOTE = {"type": "object", "properties": {"text": {"type": "string"}, "items": {"type": "array", "items": ITEM}}}
AS_NOTE = {"type": "json_schema", "json_schema": {"name": "note", "schema": NOTE}}
SAVE_NOTE: dict[str, Any] = {"type": "function", "function": {"name": "save_note", "parameters": NOTE}}


class ByteTokenizer:
    """The comment in the template selects the wire format and the reasoning tokens."""

    chat_template = "{# <tool_call> <think></think>\\n\\n #}{{ messages[0]['content'] }}"
    response_template: Mapping[str, Any] | None = None
    named_tokens: Mapping[str, str] = {}
    special_tokens: Mapping[str, int] = {}
    ends: tuple[int, ...] = ()
    added_tokens: Mapping[str, bool] = {}
    vocabulary_size = 256

    def encode(self, text: str, special: bool = False) -> list[int]:
        return list(text.encode())

    def decode(self, token_ids: Sequence[int]) -> str:
        return bytes(token_ids).decode(errors="replace")

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        return [self.decode([token_id]) for token_id in token_ids]

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        return self.encode("".join(segments))

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary("byte")

    @property
    def encoder(self) -> None:
        """No prompt is long."""

    def remember(self, grammar: str, trial: Trial) -> None:
        """This engine generates nothing."""


@dataclass
class FromMemory(Modelless):
    """An engine with a prepared answer. `seconds` is the CPU time between its first piece and its last."""

    answer: Sequence[Piece]
    model_ids: tuple[str, ...] = ("memory",)
    max_model_len: int = 100_000
    tokenizer: ByteTokenizer = field(default_factory=ByteTokenizer)
    seconds: float = 0.0

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        started = time.process_time()
        for piece in self.answer:
            yield piece
        self.seconds = time.process_time() - started
        yield Piece("", (), finish="stop")


def tokens(text: str) -> list[Piece]:
    """The text in pieces like the tokens of a model: words, and punctuation characters."""
    return [Piece(token, (0,)) for token in re.findall(r" ?\w+|.|\n", text)]


def note(length: int) -> str:
    """A JSON document: half of it one long string, half short members."""
    rng = random.Random(1)
    items = [{"name": rng.choice(WORDS), "price": rng.randint(1, 999) / 4} for _ in range(length // 32)]
    return json.dumps({"text": " ".join(rng.choices(WORDS, k=length // 4)), "items": items})


def text(length: int) -> str:
    return " ".join(random.Random(1).choices(WORDS, k=length // 2))


KINDS: Mapping[str, tuple[dict[str, Any], str]] = {
    "free text": ({}, text(PIECES)),
    "four choices": ({"n": 4}, text(PIECES // 4)),
    "reasoning": ({}, f"<think>\n{text(PIECES)}\n</think>\n\nSo it is."),
    "document": ({"response_format": AS_NOTE}, note(PIECES)),
    "tool call": (
        {"tools": [SAVE_NOTE]},
        f'<tool_call>\n{{"name": "save_note", "arguments": {note(PIECES)}}}\n</tool_call>',
    ),
}


# The same answers as events of /v1/responses, each to be compared with the chunks of the kind before the comma.
RESPONSES: Mapping[str, tuple[dict[str, Any], str]] = {
    "free text, responses": ({}, KINDS["free text"][1]),
    "reasoning, responses": ({}, KINDS["reasoning"][1]),
    "tool call, responses": (
        {"tools": [{"type": "function", **SAVE_NOTE["function"]}]},
        KINDS["tool call"][1],
    ),
}
# And as events of /v1/messages. `incremental`: a call's input is sent while it is generated, as chat chunks are.
MESSAGES: Mapping[str, tuple[dict[str, Any], str]] = {
    "free text, messages": ({}, KINDS["free text"][1]),
    "reasoning, messages": ({}, KINDS["reasoning"][1]),
    "document, messages": (
        {"output_config": {"format": {"type": "json_schema", "schema": NOTE}}},
        KINDS["document"][1],
    ),
    "tool call, messages": (
        {"tools": [{"name": "save_note", "input_schema": NOTE}], "tool_call_streaming": "incremental"},
        KINDS["tool call"][1],
    ),
}
CHAT_PATH, RESPONSES_PATH, MESSAGES_PATH = "/v1/chat/completions", "/v1/responses", "/v1/messages"
CONVERSATION: Mapping[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
ASKED: Mapping[str, Mapping[str, Any]] = {
    CHAT_PATH: CONVERSATION,
    RESPONSES_PATH: {"input": "hi", "store": False},
    MESSAGES_PATH: {**CONVERSATION, "max_tokens": 50_000},
}
ENDS = (b"data: [DONE]\n\n", b'data: {"type":"message_stop"}\n\n')


async def request(app: ASGIApp, path: str, fields: Mapping[str, Any]) -> int:
    """One streamed request; the number of its events."""
    body = {"model": "memory", **ASKED[path], "stream": True, **fields}
    messages: list[Message] = [{"type": "http.request", "body": json.dumps(body).encode()}]
    sent: list[bytes] = []

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])

    scope: Scope = {**SCOPE, "path": path, "raw_path": path.encode(), "state": {}}
    await app(scope, receive, send)
    stream = b"".join(sent)
    assert stream.endswith(ENDS) or b"event: response.completed\n" in stream, stream[-200:]
    return stream.count(b"data: ")


def microseconds_per_chunk(path: str, fields: Mapping[str, Any], answer: str) -> float:
    engine = FromMemory(tokens(answer))
    app = create_app(engine)
    best = float("inf")
    for _ in range(ROUNDS):
        chunks = asyncio.run(request(app, path, fields))
        best = min(best, engine.seconds / chunks)
    return best * 1e6


def measure() -> dict[str, float]:
    kinds = [(CHAT_PATH, KINDS), (RESPONSES_PATH, RESPONSES), (MESSAGES_PATH, MESSAGES)]
    return {
        kind: round(microseconds_per_chunk(path, fields, answer), 2)
        for path, answers in kinds
        for kind, (fields, answer) in answers.items()
    }


def main() -> None:
    figures = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(figures))
        return
    print("µs per chunk")
    for kind, cost in figures.items():
        print(kind.ljust(22), f"{cost:6.2f}")


if __name__ == "__main__":
    main()
