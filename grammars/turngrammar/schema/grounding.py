"""Which strings of a finished document have to be spans of a text, by its lowered schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from turngrammar.lowered import Lowered, branches, item_schema, member_schema
from turngrammar.schema.check import Violation
from turngrammar.schema.dialect import pointer
from turngrammar.spans import Quotation, Texts, is_span, quotation
from turngrammar.terminals.strings import SOURCE

Strings = Iterator[tuple[tuple[str | int, ...], str, bool]]


def has_spans(lowered: Any) -> bool:
    """Whether any string of the schema has to be a span."""
    if isinstance(lowered, Mapping):
        return SOURCE in lowered or any(map(has_spans, lowered.values()))
    return isinstance(lowered, list) and any(map(has_spans, lowered))


def quotations(instance: Any, lowered: Lowered, texts: Texts) -> Mapping[str, Quotation]:
    """Where each string with `x-source` stands, by its JSON pointer; without those that are empty."""
    strings = [(path, text) for path, text, _ in _spannable_strings(instance, lowered, lowered)]
    quoted = {text: quotation(text, texts) for text in dict.fromkeys(text for _, text in strings)}
    found = ((path, quoted[text]) for path, text in strings)
    return {pointer(path): place for path, place in found if place is not None}


def ungrounded(instance: Any, lowered: Lowered, texts: Texts) -> Iterator[Violation]:
    """The strings that have to be spans, whatever their alternative, and are not."""
    for path, text, alone in _spannable_strings(instance, lowered, lowered):
        if alone and not is_span(text, texts):
            yield Violation(pointer(path), SOURCE, f"{text!r} is not in the user's text")


def _spannable_strings(value: Any, schema: Lowered, root: Lowered, path: tuple[str | int, ...] = ()) -> Strings:
    """The strings that may have to be spans: path, text, and whether no other strings are allowed in their place."""
    if isinstance(value, str):
        strings = [SOURCE in branch for branch in branches(schema, root) if branch["type"] == "string"]
        if any(strings):
            yield path, value, all(strings)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _spannable_strings(member, member_schema(schema, key, root), root, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _spannable_strings(item, item_schema(schema, index, root), root, (*path, index))
