"""The parsers: shards of every wire format, in any order and at any chunking. And bodies that are almost JSON."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from latticework import Settings
from latticework.doors.openai import envelope
from latticework.errors import BadRequest
from latticework.http import body
from tests.fuzz.target import Target
from tests.turngrammar.laws import read
from tests.turngrammar.test_parser import TOOLS
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, Turn

CALLS = [Call("f", '{"a": "b", "c": [1, {"d": null}]}'), Call("g", "{}")]
NOISE = [
    "some text",
    " ",
    "\n",
    '"',
    "\\",
    "é",
    "]",
    "}",
    "None",
    "{",
    "<",
    ">",
    "[",
    "😀",
    "\x00",
    "</",
    "```",
    "<think>",
]
BODY = json.dumps(
    {"model": "m", "messages": [{"role": "user", "content": "é\\ud83d"}], "n": 1.5e3, "a": [[], {}]}
).encode()
BYTES = [
    b"",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"\\ud800",
    b"\\u0000",
    b"NaN",
    b"1e999",
    b"\xff",
    b"\xc3",
    b"9" * 500,
    b"-",
]


@cache
def shards(format: Format) -> Sequence[str]:
    """What a model of the format could write, in pieces that need not be whole."""
    text = render(format, CALLS)
    frames = [frame for frame in (format.answer, format.preamble, format.reasoning) if frame]
    parts = [text[start : start + size] for start in range(0, len(text), 3) for size in (1, 4, 9)]
    return [
        *parts,
        *(part for frame in frames for part in (frame.open, frame.close, frame.resume) if part),
        text,
        *NOISE,
    ]


@cache
def plans(format: Format) -> Sequence[Plan]:
    turns = [
        Turn(format, TOOLS, reasoning="may"),
        Turn(format, TOOLS, content=JsonContent({"type": "object"})),
        Turn(format),
    ]
    return [compile_turn(turn) for turn in turns]


def _pieces(number: int) -> tuple[str, int, list[str]]:
    rng = random.Random(number)
    name = rng.choice(sorted(FORMATS))
    return name, rng.randrange(3), rng.choices(shards(FORMATS[name]), k=rng.randint(1, 16))


def reads(value: tuple[str, int, Sequence[str]]) -> str:
    """The same at every chunking; calls that ended hold JSON objects."""
    name, turn, pieces = value
    plan, text = plans(FORMATS[name])[turn], "".join(pieces)
    message = read(plan, [text])
    assert read(plan, pieces) == message
    assert read(plan, list(text)) == message
    if message.malformed:
        return "malformed"
    return "calls" if message.calls else "text"


def _bytes(number: int) -> bytes:
    rng, data = random.Random(number), BODY
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(BYTES) * rng.choice([1, 1, 3, 200]) + data[at + rng.randrange(3) :]
    return data


def decodes(data: bytes) -> str:
    try:
        decoded: Any = asyncio.run(body.decode(data, Settings())).value
    except BadRequest as error:
        envelope(error)
        return "refused"
    json.dumps(decoded, ensure_ascii=False).encode()
    return "decoded"


NUMBERS = st.integers(0, 2**64 - 1)
FORMATS_AT_ANY_CHUNKING = Target("wire formats", NUMBERS.map(_pieces), reads)
BODIES = Target("bodies", NUMBERS.map(_bytes), decodes)
