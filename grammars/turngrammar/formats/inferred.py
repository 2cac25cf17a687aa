"""An unknown format, inferred from the calls that a chat template renders.

The template renders calls in which names and arguments are marker words. The texts between those words are the literals
of the wire format:

    lead    before the first name              `<calls>[{"name": "`
    middle  between a name and its arguments   `", "arguments": `
    turn    from arguments to the next name    `}, {"name": "`
    rest    behind the last arguments          `}]</calls>`

The common end of `lead` and `turn` is the head of a call; the common beginning of `turn` and `rest` is its tail. Where
arguments are not a JSON object, the same comparison of the text around keys and values gives the markup of an argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turngrammar.formats.atoms import common_end, common_start
from turngrammar.formats.holes import (
    ARGUED,
    NAMED,
    NUMBERED,
    Pattern,
    holed_pattern,
    json_nodes,
    markup_nodes,
    name_end,
)
from turngrammar.wire import Invocation, Key, Lit, Many, Members, Node, Space, Typed, Value, parts, seq

_DECODER = json.JSONDecoder()
_KEY_AND_REST = re.compile(r"(\S+?)(\s*\n\s*)(\S.*)", re.DOTALL)


class Unclear(Exception):
    """The renderings don't show how calls are written. The message is the reason, a clause."""


@dataclass(frozen=True)
class MarkedCall:
    """A call that was rendered."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Calls, and their rendering, from the markup of the first to that of the last."""

    calls: tuple[MarkedCall, ...]
    text: str


@dataclass(frozen=True)
class Samples:
    """The renderings that show a format. Names, arguments' names and strings are words that occur once in a text.

    Attributes:
        strings: a call with two strings.
        integers: the same call, with two integers.
        several: three calls with two strings each; None where a turn has one call.
    """

    strings: Sample
    integers: Sample
    several: Sample | None


@dataclass(frozen=True)
class _Cut:
    """The text between the marker words of a sample.

    Attributes:
        leads: the text before the name of each call.
        inners: for each call, the texts between its name, arguments, keys and values.
        rest: the text behind the last call's arguments.
    """

    leads: tuple[str, ...]
    inners: tuple[tuple[str, ...], ...]
    rest: str


@dataclass(frozen=True)
class _Literals:
    """The literals of calls; `head` ends where the name begins, `tail` begins where the arguments end."""

    open: str
    head: str
    middle: str
    tail: str
    separator: str
    close: str


@dataclass(frozen=True)
class Inferred:
    """`calls` and `alone` of a Format, and whether a turn may have several calls."""

    calls: Node
    alone: bool
    parallel: bool


def infer_calls(samples: Samples) -> Inferred:
    """The format of the samples' calls. Raises Unclear."""
    single = _cut_at_objects(samples.strings)
    if single is None:
        return _with_members(samples)
    several = _cut_at_objects(samples.several) if samples.several else None
    if samples.several and several is None:
        raise Unclear("several calls have another form than a single one")
    return _with_object(_literals(single, several), parallel=several is not None)


def _with_object(literals: _Literals, *, parallel: bool) -> Inferred:
    """Calls whose arguments are one JSON object."""
    begin = len(literals.open)
    head, rest = literals.open + literals.head + NAMED + literals.middle, literals.tail + literals.close
    pattern, end = holed_pattern(head + ARGUED + rest), len(head + ARGUED + literals.tail)
    alone = pattern.start == 0
    # Without markup, only all of the JSON before the arguments distinguishes a call from text.
    cut = len(head) if alone else name_end(pattern.text)
    call = Invocation(pattern.nodes(begin, cut), pattern.nodes(cut, end))
    listed = pattern.start < begin
    separator = json_nodes(literals.separator, within_string=False) if listed else markup_nodes(literals.separator)
    # Objects with nothing between them can't be distinguished from one that text follows.
    parallel &= not alone or bool(literals.separator.strip())
    calls = seq(pattern.nodes(0, begin), _many(call, separator, parallel), pattern.nodes(end, len(pattern.text)))
    return Inferred(_opening_with(calls, pattern.text), alone, parallel)


def _opening_with(calls: Node, text: str) -> Node:
    """`calls`. Raises Unclear where free text can't end before `text`, with which they open."""
    if not text or text[0] in (NAMED, ARGUED):
        raise Unclear("nothing at their beginning distinguishes them from text")
    return calls


def _with_members(samples: Samples) -> Inferred:
    """Calls whose arguments are written one by one."""
    strings, integers = _cut_at_members(samples.strings), _cut_at_members(samples.integers)
    several = _cut_at_members(samples.several) if samples.several else None
    literals = _literals(strings, several)
    if several and any(inner[1:] != strings.inners[0][1:] for inner in several.inners):
        raise Unclear("several calls have another form than a single one")
    before, each, behind = _member(strings, integers, literals)
    pattern = Pattern(literals.open + literals.head + NAMED + before, 0, 0)
    begin, cut = len(literals.open), name_end(pattern.text)
    tail = seq(pattern.nodes(cut, len(pattern.text)), Space(), Members(each), markup_nodes(behind))
    calls = _many(Invocation(pattern.nodes(begin, cut), tail), markup_nodes(literals.separator), several is not None)
    return Inferred(
        _opening_with(seq(pattern.nodes(0, begin), calls, markup_nodes(literals.close)), pattern.text),
        False,
        bool(several),
    )


def _member(strings: _Cut, integers: _Cut, literals: _Literals) -> tuple[str, Node, str]:
    """One argument's tree, and the literals before the first argument and behind the last."""
    after_key, between, after_other = strings.inners[0][1:]
    _, before_number, *between_numbers = integers.inners[0]
    if after_key != after_other or between_numbers != [between, before_number] or strings.rest != integers.rest:
        raise Unclear("the markup of an argument depends on more than its type")
    prefix = common_end(literals.middle, between).lstrip()
    ending = between.removesuffix(prefix)
    value_end = ending.rstrip()
    if not prefix or not value_end or not literals.tail.startswith(value_end):
        raise Unclear("nothing marks the beginning and the end of an argument")
    space = ending.removeprefix(value_end)
    each = seq(markup_nodes(prefix), _key_and_value(after_key, before_number, value_end), Space(space))
    return literals.middle.removesuffix(prefix), each, literals.tail.removeprefix(value_end).removeprefix(space)


def _key_and_value(before_string: str, before_number: str, end: str) -> Node:
    if before_string != before_number:
        return _typed(before_string, before_number, end)
    match = _KEY_AND_REST.fullmatch(before_string)
    key = [Key(match[1]), Space(match[2]), Lit(match[3])] if match else [Key(before_string)]
    return seq(*key, Value(end))


def _typed(string: str, number: str, end: str) -> Node:
    """A key and a value, with markup that depends on whether the value is a string."""
    start = common_start(string, number)
    string, number = string.removeprefix(start), number.removeprefix(start)
    rest = common_end(string, number)
    typed = Typed(string.removesuffix(rest), number.removesuffix(rest))
    if not start or not typed.string or not typed.other:
        raise Unclear("strings and other values have different markup")
    return seq(Key(start), typed, rest, Value(end))


def _many(call: Node, separator: Node, parallel: bool) -> Node:
    spaced = separator if parts(separator) else Space()
    return Many(call, spaced) if parallel else Many(call, Space(), most=1)


def _literals(single: _Cut, several: _Cut | None) -> _Literals:
    if several is None:
        return _Literals("", single.leads[0], single.inners[0][0], single.rest, "", "")
    lead, turn, again = _numbered(several.leads)
    middles = _numbered([inner[0] for inner in several.inners])
    if turn != again or len(set(middles)) > 1 or (several.leads[0], several.rest) != (single.leads[0], single.rest):
        raise Unclear("several calls have another form than a single one")
    head = common_end(lead, turn).lstrip()
    turn = turn.removesuffix(head)
    tail = common_start(turn, single.rest).rstrip()
    open = lead.removesuffix(head).replace(NUMBERED, "0")
    return _Literals(open, head, middles[0], tail, turn.removeprefix(tail), single.rest.removeprefix(tail))


def _numbered(texts: Sequence[str]) -> list[str]:
    """The texts of the first three calls, with a hole for the number in which they differ."""
    if texts[1] == texts[2]:
        return list(texts)
    return [re.sub(rf"(?<!\w){number}(?!\w)", NUMBERED, text) for number, text in enumerate(texts)]


def _cut_at_objects(sample: Sample) -> _Cut | None:
    """None where the arguments are not in the text as JSON objects."""
    spans: list[tuple[int, int]] = []
    end = 0
    for call in sample.calls:
        start = sample.text.find(call.name, end)
        object = find_object(sample.text, start, call.arguments) if start >= 0 else None
        if object is None:
            return None
        spans += [(start, start + len(call.name)), object]
        end = object[1]
    return _cut(sample, spans)


def find_object(text: str, start: int, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
    """The bounds of `arguments` as JSON in `text`, from `start` on; None where they are not in it."""
    for match in re.compile("{").finditer(text, start):
        try:
            value, end = _DECODER.raw_decode(text, match.start())
        except ValueError:
            continue
        if value == arguments:
            return match.start(), end
    return None


def _cut_at_members(sample: Sample) -> _Cut:
    spans: list[tuple[int, int]] = []
    end = 0
    for call in sample.calls:
        for word in (call.name, *(str(word) for pair in call.arguments.items() for word in pair)):
            start = sample.text.find(word, end)
            if start < 0:
                raise Unclear("arguments are written neither as JSON nor as keys and values")
            end = start + len(word)
            spans.append((start, end))
    return _cut(sample, spans)


def _cut(sample: Sample, spans: Sequence[tuple[int, int]]) -> _Cut:
    """`spans` are the bounds of the marker words, the same number for each call."""
    starts, stops = [start for start, _ in spans], [stop for _, stop in spans]
    between = [sample.text[stop:start] for stop, start in zip([0, *stops], [*starts, len(sample.text)], strict=True)]
    step = len(spans) // len(sample.calls)
    firsts = range(0, len(spans), step)
    inners = tuple(tuple(between[first + 1 : first + step]) for first in firsts)
    return _Cut(tuple(between[first] for first in firsts), inners, between[-1])
