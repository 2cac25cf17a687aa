"""Tools with names, schemas and choices that break, and calls of tools that are not there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.hostile.row import CHAT, GRAMMARS, HALF, Row
from tests.hostile.schemas import EMPTY, TOO_MUCH

LARGE = 500_000
REQUIRED = {"tool_choice": '"required"', "max_tokens": "120"}


def function(name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def sent(*tools: Any) -> Mapping[str, str]:
    return {"tools": json.dumps(list(tools))}


GRAMMAR = '{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": %s}}}'
ALLOWED = '{"type": "allowed_tools", "allowed_tools": %s}'
# What a tool must not be: the JSON text of `tools[0]`.
NO_TOOLS: Sequence[str] = (
    "0", "null", "true", '"f"', "[]", "{}", '{"type": "function"}', '{"type": "banana"}', '{"type": null}', "1e400",
    '{"type": "function", "function": null}', '{"type": "function", "function": []}', '{"type": ["function"]}',
    '{"type": "function", "function": {}}', '{"type": "function", "function": {"name": ""}}',
    '{"function": {"name": "f"}}', '{"type": "function", "function": {"name": 1}}',
    '{"type": "function", "function": {"name": null}}',
    '{"type": "function", "function": {"name": "f", "parameters": []}}', '{"type": "custom"}',
    '{"type": "custom", "custom": {}}', '{"type": "function", "function": {"name": "f", "parameters": "{}"}}',
    '{"type": "custom", "custom": {"name": ""}}', '{"type": "function", "function": {"name": "f", "strict": "yes"}}',
    '{"type": "custom", "custom": {"name": 1}}', '{"type": "function", "function": {"name": "f", "description": 1}}',
    '{"type": "custom", "custom": {"name": "c", "format": 1}}',
    '{"type": "custom", "custom": {"name": "c", "format": {}}}',
    '{"type": "custom", "custom": {"name": "c", "format": {"type": "lark"}}}',
    '{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar"}}}',
    GRAMMAR % '{"syntax": "peg", "definition": "a"}',
    GRAMMAR % '{"syntax": "lark"}',
    f'{{"type": "function", "function": {{"name": {HALF}}}}}',
)  # fmt: skip
# Names that calls carry as any other.
NAMES: Sequence[str] = (
    *("f", "F" * 64, "a-b", "a_b", "a.b", "a/b", "é", "東京", "0", "null", "true", "constructor", "__proto__", "a b"),
    *("{{ 7 * 7 }}", "%s%n", "../../etc/passwd", "$(id)", "';--", "😀"),
)
# Choices of no tool, beside the tool `f`.
NO_CHOICES: Sequence[str] = (
    *("0", "true", "[]", "{}", '"f"', '"banana"', '""', '{"type": "function"}', '{"type": "function", "function": {}}'),
    *('{"type": "function", "function": {"name": "g"}}', '{"type": "function", "function": {"name": 1}}', "1e400"),
    *('{"type": "custom", "custom": {"name": "f"}}', '{"type": "allowed_tools"}'),
    '{"type": "function", "function": "f"}',
    ALLOWED % '{"mode": "auto", "tools": []}',
    ALLOWED % '{"mode": "banana", "tools": [{"type": "function", "function": {"name": "f"}}]}',
    ALLOWED % '{"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]}',
    ALLOWED % '{"mode": "auto", "tools": "f"}',
)  # fmt: skip
# Parameters that are read as the empty ones, or are any.
PARAMETERS: Sequence[Any] = (
    {}, None, {"type": "object"}, {"type": "object", "properties": {}},
    {"type": "object", "properties": {"": {"const": 1}}},
    {"type": "object", "properties": {"a": {"enum": ["</tool_call>", "```", "{}"]}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"const": '"}]}\n```\n'}}, "required": ["a"]},
    {"type": "object", "properties": {"arguments": {"const": "name"}, "name": {"const": 1}}, "required": ["name"]},
    {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "additionalProperties": False},
)  # fmt: skip


def rows() -> Iterator[Row]:
    for path in (CHAT, GRAMMARS):
        for text in NO_TOOLS:
            yield Row({"tools": f"[{text}]"}, 400, "tools[0]", path, name=f"tool {text[:80]}")
        for text in NO_CHOICES:
            yield Row({**sent(function()), "tool_choice": text}, 400, "tool_choice", path, name=f"choice {text[:80]}")
        for text in (*EMPTY, *TOO_MUCH):
            bad = f'{{"type": "function", "function": {{"name": "f", "parameters": {_within(text)}}}}}'
            yield Row({"tools": f"[{bad}]"}, 400, "tools", path, name=f"parameters {text[:70]}")
            if len(text) < LARGE:  # what exceeds the limits of a whole request is nobody's to skip
                good = json.dumps(function("good"))
                skipped = {"tools": f"[{bad}, {good}]", "on_bad_tool": '"skip"'}
                yield Row(skipped, 200, path=path, real=True, name=f"skipped {text[:70]}")
        yield from _together(path)
    for name in NAMES:
        yield Row({**sent(function(name)), **REQUIRED}, 200, real=True, name=f"function {name}")
    for parameters in PARAMETERS:
        yield Row(
            {**sent(function(parameters=parameters)), **REQUIRED}, 200, real=True, name=f"parameters {parameters}"
        )


def _within(schema: str) -> str:
    return f'{{"type": "object", "properties": {{"a": {schema}}}, "required": ["a"]}}'


def _together(path: str) -> Iterator[Row]:
    """Many at once, and twice the same."""
    yield Row(sent(*(function(f"t{number}") for number in range(513))), 400, "tools", path, name="513 tools")
    yield Row(sent(function(), function()), 400, "tools[1]", path, name="two of a name")
    yield Row(
        sent(function(), {"type": "custom", "custom": {"name": "f"}}), 400, "tools[1]", path, name="two kinds of a name"
    )
    yield Row(sent(*(function(f"t{number}") for number in range(128))), 200, path=path, name="128 tools")
