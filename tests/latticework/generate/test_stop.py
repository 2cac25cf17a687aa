"""Stop strings at every chunking."""

from __future__ import annotations

from itertools import product

import pytest

from latticework.generate.stop import StopFilter
from turngrammar.events import ContentDelta, Event, ToolCallStart

CASES = [
    ("hello END world", ["END"], "hello ", True),
    ("hello EN", ["END"], "hello EN", False),
    ("EENDD", ["END"], "E", True),
    ("abcabd", ["abd", "zzz"], "abc", True),
    ("aab", ["ab", "b"], "a", True),
    ("no stops", [], "no stops", False),
    ("ENENEND", ["END"], "ENEN", True),
]


def chunkings(text: str) -> list[list[str]]:
    """Every way to cut a text, up to 2 ** 8 of them."""
    cuts = product((False, True), repeat=min(len(text) - 1, 8))
    return [_cut(text, [index + 1 for index, cut in enumerate(marks) if cut]) for marks in cuts]


def _cut(text: str, places: list[int]) -> list[str]:
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def through(stop: StopFilter, pieces: list[str]) -> str:
    events: list[Event] = []
    for piece in pieces:
        events += stop.feed([ContentDelta(piece)])
    events += stop.close()
    return "".join(event.text for event in events if isinstance(event, ContentDelta))


@pytest.mark.parametrize(("text", "stops", "kept", "stopped"), CASES)
def test_text_ends_before_the_first_stop_string(text: str, stops: list[str], kept: str, stopped: bool) -> None:
    for pieces in chunkings(text):
        stop = StopFilter(stops)
        assert through(stop, pieces) == kept
        assert (stop.found is not None) is stopped


@pytest.mark.parametrize(("text", "stops", "kept", "stopped"), CASES)
def test_a_stop_string_can_be_kept(text: str, stops: list[str], kept: str, stopped: bool) -> None:
    found = next((stop for stop in stops if stopped and text[len(kept) :].startswith(stop)), "")
    for pieces in chunkings(text):
        stop = StopFilter(stops, keeps_stop=True)
        assert through(stop, pieces) == kept + found
        assert (stop.found is not None) is stopped


def test_a_tool_call_lets_go_of_held_text() -> None:
    stop = StopFilter(["END"])
    events = [*stop.feed([ContentDelta("so E")]), *stop.feed([ToolCallStart(0, "f")])]
    assert events == [ContentDelta("so "), ContentDelta("E"), ToolCallStart(0, "f")]


def test_nothing_follows_a_stop_string() -> None:
    stop = StopFilter(["END"])
    assert list(stop.feed([ContentDelta("a END"), ContentDelta("b"), ToolCallStart(0, "f")])) == [ContentDelta("a ")]
