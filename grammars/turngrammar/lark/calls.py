"""How calls differ from what may be in their place.

From text, calls that stand alone differ by their beginning: a regex. From a document, a call that is one JSON object
differs by its schema: llguidance merges what starts alike only in `%json`, so both must be that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from turngrammar.json_style import JsonStyle, in_order
from turngrammar.lark.expressions import escaped
from turngrammar.schema import SchemaPlan
from turngrammar.wire import (
    Ahead,
    Alt,
    Id,
    Invocation,
    Lit,
    Many,
    May,
    Name,
    Node,
    Opt,
    Ordinal,
    Seq,
    Space,
    Stray,
    Word,
)

_HOLE = "\0arguments"
WORD = r"[A-Za-z0-9_\-]{1,64}"


def head_regex(calls: Node) -> str:
    """A Lark regex of all that the parser takes for the beginning of `calls`, up to the head of the first."""
    return "".join(_head_regex(node) for node in _to_first_head(calls))


def _to_first_head(node: Node) -> Iterator[Node]:
    match node:
        case Invocation(first, _):
            yield first
        case Many(item):
            yield from _to_first_head(item)
        case Seq(inner):
            for part in inner:
                yield from _to_first_head(part)
                if isinstance(part, Invocation | Many):
                    return
        case _:
            yield node


def _head_regex(node: Node) -> str:
    match node:
        case Lit(text) | Ahead(text):
            return escaped(text)
        case Space():
            return r"[ \t\r\n]*"
        case Name():
            return r"[A-Za-z0-9_.\-]+"
        case Ordinal():
            return "[0-9]+"
        case Word():
            return WORD
        case Seq(inner):
            return "".join(map(_head_regex, inner))
        case Alt(options):
            return f"({'|'.join(map(_head_regex, options))})"
        case Opt(body) | May(body) | Stray(body):
            return f"({_head_regex(body)})?"
        case Id(body):
            return _head_regex(body)
        case _:
            raise TypeError(f"{node} can't be in the head of a call")


def json_call(before: str, parameters: SchemaPlan, after: str, style: JsonStyle) -> str | None:
    """The schema text of `before`, arguments, `after`; None where that is not one JSON object in this style."""
    text = before + json.dumps(_HOLE) + after
    try:
        template = json.loads(text)
    except ValueError:
        return None
    if json.dumps(template, separators=(style.item_separator, style.key_separator)) != text:
        return None
    return replace(style, sort_keys=False).schema(_call_schema(template, style, parameters, "#"))


def _call_schema(template: Any, style: JsonStyle, parameters: SchemaPlan, pointer: str) -> dict[str, Any]:
    if template == _HOLE:
        lowered = _rebased(in_order(parameters.lowered) if style.sort_keys else parameters.lowered, pointer)
        return lowered if isinstance(lowered, dict) else {}
    if not isinstance(template, dict):
        return {"const": template}
    properties = {
        key: _call_schema(value, style, parameters, f"{pointer}/properties/{key}") for key, value in template.items()
    }
    return {"type": "object", "properties": properties, "required": list(template), "additionalProperties": False}


def _rebased(schema: Any, pointer: str) -> Any:
    """`schema` with its references into itself changed so that they hold at `pointer`."""
    if isinstance(schema, list):
        return [_rebased(item, pointer) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rebased = {key: _rebased(value, pointer) for key, value in schema.items()}
    reference = rebased.get("$ref")
    return {**rebased, "$ref": pointer + reference[1:]} if isinstance(reference, str) else rebased
