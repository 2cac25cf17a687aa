"""Documentation of the formats, from their docstrings: the models, the source, and a sample call."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, takewhile
from types import ModuleType

from turngrammar.formats import (
    FORMATS,
    Format,
    calls,
    dsml,
    json_alone,
    json_lists,
    json_parts,
    json_tags,
    keyed,
    marked,
    tagged,
    xml,
)
from turngrammar.render import Call, render

_MODULES = (calls, dsml, json_alone, json_lists, json_parts, json_tags, keyed, marked, tagged, xml)
_SAMPLE = (Call("get_weather", '{"city": "Oslo", "days": 3}'),)


@dataclass(frozen=True)
class FormatDoc:
    """`about` is a line about the models, `notes` have the source, and `sample` is the text of one call."""

    about: str
    notes: str
    sample: str


def format_docs() -> Mapping[str, FormatDoc]:
    """Documentation by format name, in the order of FORMATS."""
    texts = {format.name: text for module in _MODULES for format, text in _docstrings(module)}
    return {name: _format_doc(texts[name], format) for name, format in FORMATS.items()}


def _docstrings(module: ModuleType) -> Iterator[tuple[Format, str]]:
    """The formats of a module, each with the string below it, which only the source has."""
    for first, second in pairwise(ast.parse(inspect.getsource(module)).body):
        match first, second:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                yield getattr(module, name), text


def _format_doc(text: str, format: Format) -> FormatDoc:
    """The sample is rendered: that in the docstring may be shortened or broken into lines."""
    about, *lines = text.strip().splitlines()
    notes = takewhile(lambda line: not line.startswith(" "), lines)
    return FormatDoc(about, " ".join(line for line in notes if line), render(format, _SAMPLE))
