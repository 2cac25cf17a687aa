"""Completing the arguments of a call that was cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from turngrammar.cache import Cache
from turngrammar.completion.completion import ShortestCompletion
from turngrammar.completion.outline import AddedValues, added_values
from turngrammar.json_style import sort_properties
from turngrammar.lark import CompiledTool
from turngrammar.lowered import Lowered
from turngrammar.plan import Plan
from turngrammar.scan import load_json

MAX_CACHED = 4 * 2**20  # characters of grammars
# Of JSON text that may be cut: a string, a separator, whitespace, anything else.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[,:]|\s+|[^\s",:]+', re.DOTALL)
_SEPARATORS: Mapping[str, str] = {",": ", ", ":": ": "}


def rest_of_arguments(plan: Plan, name: str, begun: str) -> tuple[str, AddedValues] | None:
    """The shortest rest of arguments that have begun, maybe with nothing, and what it adds.

    None where the tool takes a grammar of the client's, or the search for a rest fails. A large schema takes a second.
    """
    tool = next((tool for tool in plan.tools if tool.name == name), None)
    if tool is None or (tool.input and tool.input.grammar):
        return None
    text = _canonical(begun)
    for sort in (False, True):  # some formats write keys in alphabetical order
        completion = _completion(plan, tool, sort=sort).copy()
        rest = completion.shortest() if completion.feed(text) else None
        if rest is not None and _is_json(begun + rest):
            return rest, added_values(completion.outline, rest)
    return None


def _canonical(text: str) -> str:
    """JSON text in the style of completions."""
    return "".join(_SEPARATORS.get(piece, "" if piece.isspace() else piece) for piece in _PIECE.findall(text))


def _is_json(text: str) -> bool:
    try:
        load_json(text)
    except ValueError:
        return False
    return True


def _completion(plan: Plan, tool: CompiledTool, *, sort: bool) -> ShortestCompletion:
    return _COMPLETIONS.get((plan.grammar or "", tool.name, sort), lambda: _new_completion(tool, sort=sort))


def _new_completion(tool: CompiledTool, *, sort: bool) -> ShortestCompletion:
    parameters = tool.parameters
    return ShortestCompletion(replace(parameters, lowered=_sorted(parameters.lowered)) if sort else parameters)


def _sorted(schema: Lowered) -> Any:
    """The schema with the properties of each of its objects in alphabetical order."""
    if isinstance(schema, list):
        return list(map(_sorted, schema))
    if not isinstance(schema, dict):
        return schema
    return sort_properties({key: value if key in _VALUES else _sorted(value) for key, value in schema.items()})


_VALUES = frozenset(("enum", "const", "required"))
_COMPLETIONS: Cache[tuple[str, str, bool], ShortestCompletion] = Cache(MAX_CACHED, lambda key, _: len(key[0]))
