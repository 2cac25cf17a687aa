"""Messages of Anthropic's API: blocks in wrong roles, results of nothing, tools that wait, contradictions.

A row's JSON texts stand beside a plain request's, or instead of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.hostile.parameters import FAR, NOT_BOOLEAN, NOT_INTEGER, NOT_LIST, NOT_NUMBER
from tests.hostile.row import HALF, MESSAGES, USER, Row

Fields = Mapping[str, Any]
ASKED: Fields = {"role": "user", "content": "hi"}
SCHEMA: Fields = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}
ADD: Fields = {"name": "add", "input_schema": SCHEMA}
LATER: Fields = {"name": "later", "input_schema": SCHEMA, "defer_loading": True}
CALL: Fields = {"type": "tool_use", "id": "t", "name": "add", "input": {"n": 1}}
THOUGHT: Fields = {"type": "thinking", "thinking": "hm", "signature": "lw1.!"}
ON: Fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1100}
DOCUMENT: Fields = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}, "max_tokens": 60}
ODD_INPUT = '{"n": 1e300, "\\u0000": {}, "": [null]}'
DEEP = '{"a": ' * 200 + "1" + "}" * 200


def said(role: str, *blocks: Any) -> Fields:
    return {"role": role, "content": list(blocks)}


def text(value: str) -> Fields:
    return {"type": "text", "text": value}


def result(content: Any = "2", call: str = "t") -> Fields:
    return {"type": "tool_result", "tool_use_id": call, "content": content}


def referring(name: str) -> Fields:
    return said("user", result([{"type": "tool_reference", "tool_name": name}]))


MISPLACED: Sequence[Any] = (CALL, THOUGHT, result(), {"type": "image"})
NO_BLOCKS: Sequence[Any] = (0, None, "a", [], {}, {"type": None})
NO_TEXTS: Sequence[Any] = (0, None, [], {})
NO_TOOLS: Sequence[Any] = (0, None, "add", [], {}, {"type": None}, {"type": 1}, {"name": "a"})
NO_NAMES: Sequence[Any] = ("", None, 1, [], {})
NO_SCHEMAS: Sequence[Any] = (None, [], "{}", True, {"type": "string"})
NO_CHOICES: Sequence[Any] = (0, "any", [], {}, {"type": "required"})
NO_THOUGHTS: Sequence[Any] = (0, "enabled", [], {}, {"type": "wild"})
CALLED = said("assistant", CALL)
# Messages, and where the error points; "": they are taken.
CONVERSATIONS: Sequence[tuple[Sequence[Any], str]] = (
    *(([said("user", block)], "messages[0].content[0]") for block in MISPLACED),
    *(([said("user", block)], "messages[0].content[0]") for block in NO_BLOCKS),
    *(([said("user", {"type": "text", "text": value})], "messages[0].content[0].text") for value in NO_TEXTS),
    ([ASKED, said("assistant", result())], "messages[1].content[0]"),
    ([ASKED, said("assistant", {**CALL, "input": []})], "messages[1].content[0].input"),
    ([ASKED, said("assistant", {**CALL, "input": "{}"})], "messages[1].content[0].input"),
    ([ASKED, said("assistant", {**CALL, "id": None})], "messages[1].content[0].id"),
    ([ASKED, said("assistant", {**CALL, "name": 1})], "messages[1].content[0].name"),
    ([ASKED, said("user", result()), CALLED], "messages[1].content[0].tool_use_id"),
    ([ASKED, CALLED, said("user", result(call="T"))], "messages[2].content[0].tool_use_id"),
    ([ASKED, CALLED, said("user", result(call=""))], "messages[2].content[0].tool_use_id"),
    ([ASKED, CALLED, said("user", result(0))], "messages[2].content[0].content"),
    ([ASKED, CALLED, said("user", result([result()]))], "messages[2].content[0].content[0]"),
    ([ASKED, CALLED, said("user", result([None]))], "messages[2].content[0].content[0]"),
    ([ASKED, CALLED, said("user", result([{"type": "image"}]))], "messages[2].content[0].content[0]"),
    ([ASKED, CALLED, said("user", {**result(), "is_error": "yes"})], "messages[2].content[0].is_error"),
    ([ASKED, CALLED, referring("gone")], "messages[2].content[0].content[0].tool_name"),
    ([ASKED, CALLED], "messages[1]"),
    ([ASKED, said("assistant", THOUGHT)], "messages[1]"),
    ([said("system", text("be brief"))], "messages"),
    ([said("system", CALL), ASKED], "messages[0].content[0]"),
    ([said("user", {"type": "container_upload"})], "messages"),
    ([said("wizard", text("hi"))], "messages[0].role"),
    ([{**ASKED, "content": None}], "messages[0].content"),
    ([ASKED, CALLED, referring("add")], "messages[2].content[0].content[0].tool_name"),
    ([ASKED, CALLED, CALLED, said("user", result(), result())], ""),
    ([ASKED, said("assistant", CALL, CALL), said("user", result(None))], ""),
    ([ASKED, CALLED, said("user", result([]), text(""))], ""),
    ([ASKED, CALLED, ASKED], ""),
    ([ASKED, said("assistant")], ""),
    ([ASKED, said("assistant", text(""))], ""),
    ([ASKED, said("assistant", text(" \n"))], ""),
    ([ASKED, said("assistant"), said("user")], ""),
    ([said("user")], ""),
    ([said("assistant", text("I")), ASKED], ""),
    ([said("system", text("a")), ASKED, said("system", text("b"))], ""),
    ([ASKED, said("assistant", THOUGHT, THOUGHT, text("It is"))], ""),
    ([ASKED, said("assistant", {"type": "redacted_thinking", "data": "lw1.AAAA"}), ASKED], ""),
    ([ASKED, said("assistant", {"type": "server_tool_use", "id": 1, "deep": {}})], ""),
    ([said("user", *(text(" ") for _ in range(100)))], ""),
    ([said("user", text("<|im_end|>")), said("assistant", text("</think>")), said("user", text("\x00"))], ""),
)
# Tools and what goes with them, and where the error points.
REQUESTS: Sequence[tuple[Fields, str]] = (
    *(({"tools": [tool]}, "tools[0]") for tool in NO_TOOLS),
    *(({"tools": [{**ADD, "name": name}]}, "tools[0].name") for name in NO_NAMES),
    *(({"tools": [{**ADD, "input_schema": schema}]}, "tools[0].input_schema") for schema in NO_SCHEMAS),
    ({"tools": [ADD, ADD]}, "tools[1].name"),
    ({"tools": [ADD, {"type": "bash_20250124", "name": "add"}]}, "tools[1].name"),
    ({"tools": [{**ADD, "input_examples": [1]}]}, "tools[0].input_examples[0]"),
    ({"tools": [{**ADD, "defer_loading": "yes"}]}, "tools[0].defer_loading"),
    ({"tools": [LATER], "tool_choice": {"type": "any"}}, "tool_choice"),
    ({"tools": [ADD], "tool_choice": {"type": "any"}}, "max_tokens"),
    ({"tools": [], "tool_choice": {"type": "tool", "name": "add"}}, "tool_choice.name"),
    ({"tools": [{**ADD, "type": "web_search_20250305"}], "tool_choice": {"type": "any"}}, "tool_choice"),
    *(({"tools": [ADD], "tool_choice": choice}, "tool_choice") for choice in NO_CHOICES),
    ({"tools": [LATER, ADD], "messages": [ASKED, CALLED, referring("later")]}, ""),
    ({"tools": [ADD], "messages": [ASKED, CALLED, referring("add")]}, ""),
    ({**ON, "max_tokens": 1024}, "thinking.budget_tokens"),
    ({"thinking": {"type": "enabled"}}, "thinking"),
    ({"thinking": {"type": "enabled", "budget_tokens": 0}}, "thinking.budget_tokens"),
    *(({"thinking": value}, "thinking") for value in NO_THOUGHTS),
    ({"output_config": {"effort": "extreme"}}, "output_config.effort"),
    ({"output_config": {"format": {"type": "json_object"}}}, "output_config.format"),
    ({"output_config": {"format": {"type": "json_schema", "schema": []}}}, "output_config.format.schema"),
    ({"output_config": {"format": {"type": "json_schema", "schema": {"not": {}}}}}, "output_config.format.schema"),
    ({**DOCUMENT, "messages": [ASKED, said("assistant", text("It is"))]}, "messages[1]"),
    ({**DOCUMENT, "messages": [ASKED, said("assistant", text('{"n": 10'))]}, "messages[1]"),
    ({"thread": {"type": "create"}}, "thread"),
    ({"mcp_servers": [{}]}, "mcp_servers"),
    ({"system": [0]}, "system[0]"),
    ({"system": [{"type": "image"}]}, "system[0]"),
    ({"stop_sequences": [""]}, "stop_sequences[0]"),
    ({"stop_sequences": "x"}, "stop_sequences"),
    ({"tools": [LATER]}, ""),
    ({"tools": [LATER], "tool_choice": {"type": "tool", "name": "later"}, "max_tokens": 120}, ""),
    ({"tools": [{**LATER, "name": f"t{number}"} for number in range(100)]}, ""),
    ({"tools": [{**ADD, "name": "é {{ 7 * 7 }}"}], "tool_choice": {"type": "any"}, "max_tokens": 190}, ""),
    ({**ON, "tools": [ADD], "tool_choice": {"type": "tool", "name": "add"}}, ""),
    ({**ON, "messages": [ASKED, said("assistant", THOUGHT, text("It is"))]}, ""),
    ({**ON, **DOCUMENT, "max_tokens": 1200}, ""),
    ({**DOCUMENT, "messages": [ASKED, said("assistant", text('{"n": '))]}, ""),
    ({"max_tokens": 1, "stop_sequences": ["\n"] * 4, "tools": [ADD]}, ""),
    ({"system": [text("x-anthropic-billing-header: a"), text(" <total_tokens></total_tokens>")]}, ""),
    (dict.fromkeys(("system", "tools", "tool_choice", "thinking", "output_config", "stream", "thread")), ""),
    ({"metadata": {"user_id": ["x"] * 50}, "betas": 1, "context_management": "x", "service_tier": {}}, ""),
)
# By field: JSON texts that it must not have.
WRONG: Mapping[str, Sequence[str]] = {
    "max_tokens": (*NOT_INTEGER, "0", "-1", "null"),
    "temperature": (*NOT_NUMBER, "-1", "3"),
    "top_p": (*NOT_NUMBER, "2"),
    "top_k": NOT_INTEGER,
    "stream": NOT_BOOLEAN,
    "messages": (*NOT_LIST, "null", "[]", "[0]", "[null]", "[[]]"),
    "system": ("0", "true", "{}", "1e400"),
    "tools": (*NOT_LIST, f'[{{"name": {HALF}, "input_schema": {{}}}}]'),
}
TAKEN: Sequence[Mapping[str, str]] = (
    {"messages": f'[{{"role": "user", "content": {HALF}}}]'},
    {"messages": f'[{{"role": "user", "content": [{{"type": "text", "text": {HALF}}}]}}]'},
    {"system": HALF},
    {"max_tokens": FAR[0]},
    {
        "messages": json.dumps([ASKED, CALLED, said("user", result())]).replace(
            '{"n": 1}', '{"n": 1e300, "\\u0000": {}}'
        )
    },
)


def rows() -> Iterator[Row]:
    for messages, param in CONVERSATIONS:
        yield _row({"messages": messages}, param)
    for fields, param in REQUESTS:
        yield _row(fields, param)
    for name, values in WRONG.items():
        yield from (Row({name: value}, 400, name, MESSAGES) for value in values)
    for taken in TAKEN:
        # As many tokens as the context has take a real engine minutes.
        yield Row(taken, 200, path=MESSAGES, real="max_tokens" not in taken)
    yield Row({"tools": f'[{{"name": "add", "input_schema": {DEEP}}}]'}, 400, "tools", MESSAGES, name="deep")
    yield Row({"messages": USER, "stream": "true"}, 200, path=MESSAGES, real=True)


def _row(fields: Fields, param: str) -> Row:
    texts = {name: json.dumps(value) for name, value in fields.items()}
    status, where = (400, param) if param else (200, None)
    real = status == 200 and "thinking" not in fields  # a budget is at least 1024 tokens, which take a real engine long
    return Row(texts, status, where, MESSAGES, real=real, name=json.dumps(fields)[:80])
