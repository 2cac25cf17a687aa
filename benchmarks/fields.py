"""The fields of extracted documents, against their ground truth in corpus/answers.

A field is a value that is no object and no list, by its JSON pointer. Strings are compared without case and with single
spaces between words. Prose that has no single right form is not scored, nor are the items of such lists.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from benchmarks.workload import CORPUS

# Keys at any depth, by the kind of document. The ground truth has none of them.
UNSCORED: Mapping[str, frozenset[str]] = {
    "job_posting": frozenset(("requirements",)),
    "lab_report": frozenset(("comment",)),
    "meeting_minutes": frozenset(("text", "task")),
    "real_estate_listing": frozenset(("features", "bathrooms")),
    "recipe": frozenset(("steps", "note")),
    "resume": frozenset(("skills",)),
    "support_ticket": frozenset(("summary", "steps_tried")),
}

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Score:
    """Attributes:

    exact: the share of fields that are right, of those that the truth or the answer has.
    f1: the same by words: of what the answer says and of what the truth says, how much is in both.
    """

    exact: float
    f1: float


NOTHING_RIGHT = Score(0.0, 0.0)


@cache
def truth(task: str) -> Fields:
    """Of a task of `workload.extraction`: `invoice-3` is the fourth invoice."""
    kind, _, index = task.rpartition("-")
    answers = json.loads((CORPUS / "answers" / f"{kind}.json").read_text(encoding="utf-8"))
    return fields(answers[int(index)], kind)


def fields(document: Any, kind: str) -> Fields:
    return dict(_fields(document, UNSCORED.get(kind, frozenset()), ""))


def _fields(value: Any, unscored: frozenset[str], pointer: str) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            members = ((key, member) for key, member in value.items() if key not in unscored)
        case list():
            members = ((str(index), item) for index, item in enumerate(value))
        case _:
            yield pointer, value
            return
    for name, member in members:
        yield from _fields(member, unscored, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")


def score(given: Fields, true: Fields) -> Score:
    """Of an optional field that the truth has as null, the answer may have nothing."""
    pointers = [pointer for pointer in {**true, **given} if true.get(pointer) is not None or pointer in given]
    exact = sum(is_right(pointer, given, true) for pointer in pointers) / max(1, len(pointers))
    shared = sum(_shared(given[pointer], true[pointer]) for pointer in pointers if pointer in given and pointer in true)
    expected = len([pointer for pointer in pointers if pointer in true])
    return Score(exact, 2 * shared / max(1, expected + len(given)))


def is_right(pointer: str, given: Fields, true: Fields) -> bool:
    """A field that neither has is null in both."""
    return bool(_plain(given.get(pointer)) == _plain(true.get(pointer)))


def _plain(value: Any) -> Any:
    """A bool is no number, unlike Python's."""
    return " ".join(value.casefold().split()) if isinstance(value, str) else (isinstance(value, bool), value)


def _shared(given: Any, true: Any) -> float:
    """Between 0 and 1: the F1 of the words of two strings, or whether other values are equal."""
    if not (isinstance(given, str) and isinstance(true, str)):
        return float(_plain(given) == _plain(true))
    ours, theirs = Counter(given.casefold().split()), Counter(true.casefold().split())
    words = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / words if words else 1.0
