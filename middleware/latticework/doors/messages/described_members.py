"""Keywords and their values in a text, as clients write them into a description, one behind the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from latticework.doors.messages.literals import read_literal_at
from turngrammar.errors import GrammarError
from turngrammar.scan import load_float
from turngrammar.schema.dialect import DIALECTS, LATEST
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.schema.normalize import require_valid

Types = frozenset[str]
Members = Mapping[str, Any]

# The keywords that are read, by the type that they constrain; those of "any" constrain all.
BOUNDS: Mapping[str, str] = {
    keyword: kind
    for kind, keywords in (
        ("string", "minLength maxLength pattern"),
        ("number", "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
        ("array", "minItems maxItems uniqueItems prefixItems contains minContains maxContains unevaluatedItems"),
        ("object", "minProperties maxProperties patternProperties propertyNames dependentRequired dependentSchemas"),
        ("object", "additionalProperties unevaluatedProperties"),
        ("any", "const enum not if then else definitions"),
    )
    for keyword in keywords.split()
}
# What may stand beside them. These assert nothing; `format` does, but clients delete only those that we don't know.
_ANNOTATIONS = frozenset(
    keyword
    for keywords in (
        "title default example examples format deprecated readOnly writeOnly nullable discriminator xml externalDocs",
        "contentEncoding contentMediaType contentSchema $schema $id $comment",
    )
    for keyword in keywords.split()
)
_MOST_KEYWORDS = 16  # in one text; what they are is found in a time that grows with the square of this
_NAME = r"[A-Za-z_$][\w$.-]*"


@dataclass(frozen=True)
class JsonMembers:
    """Values in JSON. `name` is a regex of a keyword, which is its group, and of what is between it and the value."""

    name: str
    separator: str

    def read(self, text: str, types: Types) -> Members:
        """All keywords of the text; {} if one of them can't have its value in a subschema of these types."""
        found: dict[str, Any] = {}
        try:
            for keyword, value in self._members(text):
                if keyword in found:
                    return {}
                found[keyword] = _valid(keyword, value, types) if keyword in BOUNDS else value
        except (ValueError, RecursionError):
            return {}
        return found

    def _members(self, text: str) -> Iterator[tuple[str, Any]]:
        """Raises ValueError where the text is something else."""
        at = 0
        while name := self._name.match(text, at):
            value, at = _DECODER.raw_decode(text, name.end())
            yield name[1], value
            if at == len(text):
                return
            if not text.startswith(self.separator, at):
                break
            at += len(self.separator)
        raise ValueError("no keyword")

    @cached_property
    def _name(self) -> re.Pattern[str]:
        return re.compile(self.name)


@dataclass(frozen=True)
class TextMembers:
    """Values as Python or JavaScript print them: strings without quotes.

    Attributes:
        labels: what is before the value, by keyword; by default the keyword's name.
        implied: the values of keywords that are written without one.
    """

    separator: str
    labels: Mapping[str, str] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)

    def read(self, text: str, types: Types) -> Members:
        """All keywords of the text; {} if it can't be read.

        A value ends before the next keyword from which on all the rest can be read.
        """
        labels = list(self._boundary.finditer(text))
        if not labels or labels[0].start() != 0 or len(labels) > _MOST_KEYWORDS:
            return {}
        keywords = [self._keywords.get(label[1], label[1].removesuffix(": ")) for label in labels]
        ends = [*(label.start() for label in labels[1:]), len(text)]
        read: list[tuple[Any, int] | None] = [None] * len(labels)  # the value, and the label behind it
        for at in reversed(range(len(labels))):
            behind = [end for end in range(at, len(labels)) if end + 1 == len(labels) or read[end + 1]]
            member = self._member(keywords[at], text, labels[at].end(), [ends[last] for last in behind], types)
            read[at] = (member[0], ends.index(member[1]) + 1) if member else None
        return _unequivocal(list(_chain(keywords, read)), types)

    def _member(self, keyword: str, text: str, start: int, ends: list[int], types: Types) -> tuple[Any, int] | None:
        """The value of the keyword that begins there, and at which of the ends it ends."""
        if not ends:
            return None
        if start == ends[0] and keyword in self.implied:
            return self.implied[keyword], start
        if keyword not in BOUNDS or _is_text(keyword, types):
            return text[start : ends[0]], ends[0]
        try:
            value, end = read_literal_at(text, start)
            return (_valid(keyword, value, types), end) if end in ends else None
        except ValueError:
            return None

    @cached_property
    def _keywords(self) -> Mapping[str, str]:
        return {label: keyword for keyword, label in self.labels.items()}

    @cached_property
    def _boundary(self) -> re.Pattern[str]:
        labels = "|".join(map(re.escape, self.labels.values())) or f"{_NAME}: "
        return re.compile(rf"(?:\A|{re.escape(self.separator)})({labels})")


def _chain(keywords: list[str], read: list[tuple[Any, int] | None]) -> Iterator[tuple[str, Any]]:
    at = 0
    while at < len(read) and (member := read[at]) is not None:
        yield keywords[at], member[0]
        at = member[1]


def _unequivocal(members: list[tuple[str, Any]], types: Types) -> Members:
    """Without strings, if a keyword is unknown: where a string ends is seen by the keyword behind it."""
    found = dict(members)
    if len(found) < len(members):
        return {}
    if all(map(_is_known, found)):
        return found
    return {keyword: value for keyword, value in found.items() if not _is_text(keyword, types)}


def _is_text(keyword: str, types: Types) -> bool:
    return keyword == "pattern" or (keyword == "const" and "string" in types)


def _is_known(keyword: str) -> bool:
    return keyword in BOUNDS or keyword in _ANNOTATIONS or keyword.startswith("x-")


def _valid(keyword: str, value: Any, types: Types) -> Any:
    """The value; None for one that was not set. Raises ValueError if the keyword can't have it."""
    if keyword == "const" and types == {"string"} and not isinstance(value, str):
        raise ValueError("no string")
    if value == []:
        raise ValueError("no values")
    if value is not None:
        try:
            require_valid({keyword: value}, DIALECTS[LATEST], KEYWORDS, "")
        except GrammarError as error:
            raise ValueError(str(error)) from error
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=load_float, parse_constant=_refuse_constant)
