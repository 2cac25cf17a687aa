"""The wire formats: the models that write each, how it is detected in a chat template, and a sample call."""

from __future__ import annotations

from collections.abc import Iterator

from tests.docs import families
from tests.docs.made import code, table
from turngrammar.format_docs import FormatDoc, format_docs
from turngrammar.formats import FENCED, FORMATS
from turngrammar.formats.choice import MARKS


def part() -> str:
    """A table of all formats, and a call in each."""
    docs = format_docs()
    rows = [
        (f"[{code(name)}](#{name})", doc.about, _marks(name), _reasoning(name), families.held(name))
        for name, doc in docs.items()
    ]
    listed = table(("name", "written by", "detected by", "reasoning between", "turns held"), rows)
    return "\n\n".join([listed, *(_shown(name, doc) for name, doc in docs.items())])


def _marks(name: str) -> str:
    """Any of these, each with its place in the order in which they are tried."""
    ways = [f"{place}. {_joined(marks)}" for place, (known, marks) in enumerate(MARKS, 1) if known == name]
    return "<br>".join([*ways, *(["no other format"] if name == FENCED.name else [])])


def _joined(marks: tuple[str, ...]) -> str:
    return " and ".join(code(mark.replace("\n", "⏎")) for mark in marks)


def _reasoning(name: str) -> str:
    frame = FORMATS[name].reasoning
    return f"{code(frame.open.strip())} {code(frame.close.strip())}" if frame else ""


def _shown(name: str, doc: FormatDoc) -> str:
    return "\n".join(_lines(name, doc))


def _lines(name: str, doc: FormatDoc) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield f"{doc.about} {doc.notes}"
    yield ""
    yield "````text"
    yield doc.sample
    yield "````"
