"""A checkpoint's `response_template` -> a format, if it describes how calls are written.

Source: Hugging Face transformers from 5.13 on (pull request 45847), `utils/chat_parsing`. It is in
tokenizer_config.json and describes a response by fields. For `tool_calls` it gives what opens and closes a call (`open`
and `close`, or `open_pattern` and `close_pattern` with named groups), how the text between is read (`content` "json" or
"xml-inline", and `content_args`), and its result (`transform`, with references to groups, to `{content}`, and paths
into it). Whitespace that a pattern only allows is not generated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from turngrammar.formats.format import Format, Frame
from turngrammar.formats.inferred import Unclear
from turngrammar.notation import GEMMA4, Notation
from turngrammar.wire import (
    ARGUMENTS,
    NAME,
    Invocation,
    Key,
    Lit,
    Many,
    Members,
    Node,
    NotationArguments,
    Space,
    Value,
    json_text,
    parts,
    seq,
)

_PIECE = re.compile(
    r"\(\?P<(?P<group>\w+)>(?:\[[^]]*\]|\\.|[^()\\])*\)|(?P<space>\\s[*+]|\\n)|\\(?P<escaped>\W)"
    r"|(?P<plain>[^\\\[\](){}*+?.|^$]+)"
)
_PLACEHOLDER = re.compile(r"\{(\w+(?:\.\w+)*)\}")
_KEY, _VALUE = Key(""), Value("")


def read_response_template(spec: Mapping[str, Any]) -> Format:
    """The format, named "inferred". Raises Unclear where the template leaves it open, or uses an unknown feature."""
    fields = _mapping(spec.get("fields"))
    field = _mapping(fields.get("tool_calls"))
    thinking = _mapping(fields.get("thinking", fields.get("reasoning_content", {})))
    open, close = thinking.get("open"), thinking.get("close")
    reasoning = Frame(open, close) if isinstance(open, str) and isinstance(close, str) else None
    return Format("inferred", _calls_tree(field), reasoning=reasoning)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unclear("it does not describe how calls are written")
    return value


def _calls_tree(field: Mapping[str, Any]) -> Node:
    open, close = (_boundary(field, end) for end in ("open", "close"))
    function = _mapping(field.get("transform")).get("function")
    if isinstance(function, Mapping) and function.get("arguments") == "{content}":
        head = _pattern_nodes(open, {_group(function.get("name")): NAME})
        tail = _CONTENTS.get(field.get("content", "text"), _refuse_content)(field)
    elif field.get("content") == "json" and not field.get("content_args"):
        name, arguments = ("name", "arguments") if function == "{content}" else _keys(_mapping(function))
        head = seq(_pattern_nodes(open, {}), json_text(f'{{"{name}": '), '"', NAME, '"')
        tail = seq(json_text(f', "{arguments}": '), ARGUMENTS, json_text("}"))
    else:
        raise Unclear("the place of the name has an unsupported form")
    return Many(
        Invocation(head, seq(tail, _pattern_nodes(close, {}))), Space(), most=None if field.get("repeats") else 1
    )


def _keys(function: Mapping[str, Any]) -> tuple[str, str]:
    """The keys of the name and of the arguments in the JSON object that is a call."""
    paths = [_group(function.get(key, "")).split(".") for key in ("name", "arguments")]
    if any(len(path) != 2 or path[0] != "content" for path in paths):
        raise Unclear("the place of the name has an unsupported form")
    return paths[0][1], paths[1][1]


def _group(placeholder: Any) -> str:
    match = _PLACEHOLDER.fullmatch(placeholder) if isinstance(placeholder, str) else None
    if match is None:
        raise Unclear("the place of the name has an unsupported form")
    return match[1]


def _boundary(field: Mapping[str, Any], end: str) -> str:
    """The pattern of what opens or closes a call."""
    if isinstance(literal := field.get(end), str):
        return re.escape(literal).replace("\\\n", "\\n").replace("\\ ", " ").replace("\\-", "-")
    if isinstance(pattern := field.get(f"{end}_pattern"), str):
        return pattern
    raise Unclear("it does not describe what opens and closes a call")


def _pattern_nodes(pattern: str, groups: Mapping[str, Node]) -> Node:
    """The nodes of a pattern of literals, whitespace and these groups."""
    nodes: list[Node] = []
    at = 0
    while at < len(pattern):
        match = _PIECE.match(pattern, at)
        if match is None or (match["group"] and match["group"] not in groups):
            raise Unclear(f"the pattern {json.dumps(pattern)} is more than literals and names")
        nodes += [_pattern_node(match, groups)] if nodes or not match["space"] else []
        at = match.end()
    return seq(*nodes)


def _pattern_node(match: re.Match[str], groups: Mapping[str, Node]) -> Node:
    if match["space"]:
        return Space("\n" if match["space"] == "\\n" else "")
    return groups[match["group"]] if match["group"] else Lit(match["escaped"] or match["plain"])


def _object_arguments(field: Mapping[str, Any]) -> Node:
    """Arguments as one object, in JSON or in the notation that `content_args` describes."""
    options = field.get("content_args") or {}
    delimiters = options.get("string_delims", [])
    if not options:
        return ARGUMENTS
    if not options.get("unquoted_keys") or len(delimiters) != 1 or delimiters[0][0] != delimiters[0][1]:
        raise Unclear("arguments are in an unsupported notation")
    return seq("{", NotationArguments(_quoted_notation(delimiters[0][0])), "}")


def _quoted_notation(quote: str) -> Notation:
    return replace(GEMMA4, quote=quote)


def _tagged_arguments(field: Mapping[str, Any]) -> Node:
    """Arguments one by one, each in the form of the `tag_pattern`."""
    pattern = _mapping(field.get("content_args")).get("tag_pattern")
    if not isinstance(pattern, str):
        raise Unclear("it does not describe how an argument is written")
    nodes = [
        node for node in parts(_pattern_nodes(pattern, {"key": _KEY, "value": _VALUE})) if not isinstance(node, Space)
    ]
    match nodes:
        case [Lit(start), Key(), Lit(after_key), Value(), Lit(end)]:
            return seq(Space(), Members(seq(start, Key(after_key), Value(end), Space())))
        case _:
            raise Unclear("an argument has an unsupported form")


def _refuse_content(field: Mapping[str, Any]) -> Node:
    raise Unclear(f"{field.get('content', 'text')} is not a content with arguments")


_CONTENTS: Mapping[str, Callable[[Mapping[str, Any]], Node]] = {
    "json": _object_arguments,
    "xml-inline": _tagged_arguments,
}
