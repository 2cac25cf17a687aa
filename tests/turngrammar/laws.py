"""What the laws of the wire formats are checked with: folding, chunking, and llguidance without a model."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from llguidance import LLMatcher, LLTokenizer

from turngrammar.events import (
    ArgumentsDelta,
    ContentDelta,
    Event,
    Malformed,
    ReasoningDelta,
    RefusalDelta,
    ToolCallEnd,
    ToolCallStart,
)
from turngrammar.plan import Plan
from turngrammar.render import Call
from turngrammar.turn import Tool

BYTES = LLTokenizer("byte")
BYTE_SPECIALS = {"<|tool|>": 256, "<|/tool|>": 257, "<|user|>": 258, "<|system|>": 259, "<|assistant|>": 260}


def placed(*tools: Tool) -> tuple[Tool, ...]:
    """The tools with a pointer to each, as if they stood in a request."""
    return tuple(
        replace(
            tool,
            pointer=f"/tools/{index}/{'input' if tool.input else 'arguments'}",
            name_pointer=f"/tools/{index}/name",
        )
        for index, tool in enumerate(tools)
    )


@dataclass
class Message:
    """What a client would see of a turn: the fold of its events."""

    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[Call] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)


def fold(events: Iterable[Event]) -> Message:
    message = Message()
    for event in events:
        match event:
            case ContentDelta(text):
                message.content += text
            case ReasoningDelta(text):
                message.reasoning += text
            case RefusalDelta(text):
                message.refusal += text
            case ToolCallStart(index, name, id):
                assert index == len(message.calls)
                message.calls.append(Call(name, "", id))
            case ArgumentsDelta(index, text):
                assert index == len(message.calls) - 1
                started = message.calls[index]
                message.calls[index] = Call(started.name, started.arguments + text, started.id)
            case ToolCallEnd(index):
                assert index == len(message.calls) - 1
                message.ended.append(index)
            case Malformed(text, reason):
                assert reason
                message.malformed.append(text)
    return message


def read(plan: Plan, pieces: Iterable[str]) -> Message:
    """What the plan's parser makes of a turn that arrives in these pieces."""
    parser = plan.parser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return fold(events + parser.close())


def chunkings(text: str, rng: random.Random) -> Iterator[list[str]]:
    """The text whole, by characters, cut in two at every place, and cut at random."""
    yield [text]
    yield list(text)
    for cut in range(1, len(text)):
        yield [text[:cut], text[cut:]]
    for _ in range(10):
        cuts = sorted(rng.sample(range(len(text) + 1), min(len(text), rng.randint(1, 12))))
        yield [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def tokens(text: str, special: Mapping[str, int]) -> list[int]:
    """Byte tokens; the special tokens' text becomes their ids."""
    pieces = re.split(f"({'|'.join(map(re.escape, special))})", text) if special else [text]
    return [
        token
        for piece in pieces
        for token in ([special[piece]] if piece in special else BYTES.tokenize_bytes(piece.encode()))
    ]


def generates(grammar: str, text: str, special: Mapping[str, int] | None = None) -> bool:
    """Whether a model that is held by `grammar` can write this text and end there."""
    assert not (error := LLMatcher.validate_grammar(grammar, BYTES)), error
    matcher = LLMatcher(BYTES, grammar)
    ids = tokens(text, special or {})
    return matcher.validate_tokens(ids) == len(ids) and matcher.consume_tokens(ids) and matcher.is_accepting()


def sample(grammar: str, rng: random.Random, most: int, liked: Sequence[str] = ()) -> tuple[str, bool]:
    """A text that a random model writes under `grammar`, and whether it came to an end within `most` tokens.

    The model tries to end whenever it may, one time in eight, and sometimes tries a whole string of `liked`.
    """
    matcher = LLMatcher(BYTES, grammar)
    written: list[int] = []
    while len(written) < most and not matcher.is_stopped():
        step = _step(matcher, rng, liked)
        if step is None:
            return _text(written), True
        assert matcher.consume_tokens(step), matcher.get_error()
        written += step
    return _text(written), matcher.is_accepting()


def _step(matcher: LLMatcher, rng: random.Random, liked: Sequence[str]) -> list[int] | None:
    if forced := matcher.compute_ff_tokens():
        return forced
    if liked and rng.random() < 0.3:
        wish = BYTES.tokenize_bytes(rng.choice(liked).encode())
        if matcher.validate_tokens(wish) == len(wish):
            return wish
    mask = matcher.compute_bitmask()
    allowed = [token for token in range(261) if mask[token // 8] >> token % 8 & 1]
    if matcher.is_accepting() and (not allowed or rng.random() < 0.125):
        return None
    common = [token for token in allowed if token < 128] or allowed
    return [rng.choice(common)]


def _text(ids: Sequence[int]) -> str:
    names = {id: text for text, id in BYTE_SPECIALS.items()}
    return b"".join(names[id].encode() if id in names else bytes([id]) for id in ids).decode(errors="replace")
