"""A turn as a chat template shows it, with the whitespace that its grammar writes."""

from __future__ import annotations

from collections.abc import Iterator

from latticework.conformance.cases import Case
from turngrammar.formats import Format
from turngrammar.render import render


def respaced_texts(format: Format, case: Case, text: str) -> Iterator[str]:
    """Texts that differ from `text` in whitespace alone, in the calls or the document that it ends with."""
    canonical = render(format, case.wire_calls) if case.calls else case.text
    at = _begin(text, canonical)
    if at is None:
        return
    before = text[:at]
    yield before + canonical
    yield before.rstrip() + canonical
    yield before.rstrip() + format.lead + canonical


def _begin(text: str, canonical: str) -> int | None:
    """Where the end of `text` begins that is `canonical` in other whitespace; None where it ends otherwise."""
    at = len(text)
    for letter in reversed("".join(canonical.split())):
        at -= 1
        while at >= 0 and text[at].isspace():
            at -= 1
        if at < 0 or text[at] != letter:
            return None
    return at
