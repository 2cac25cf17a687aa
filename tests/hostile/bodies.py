"""Bodies made to stall a server, as data: each with the answer that it should get, and how far it may come.

`make` makes the body; the largest have some megabytes. Figures are for the default settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from latticework import Settings

CHAT, COMPLETIONS, GRAMMARS = "/v1/chat/completions", "/v1/completions", "/v1/grammars"
MODEL = "scripted"
LARGEST = Settings().max_body_bytes

# "bytes": refused by its bytes, and not decoded. "counts": decoded, and not validated. "values": validated.
Stage = Literal["bytes", "counts", "values"]

CONTEXT = "maximum context length"


@dataclass(frozen=True)
class Hostile:
    """One body.

    Attributes:
        make: the body.
        status: of the response.
        says: what its error says; of a 200, part of a header's value or nothing.
        stage: how far it comes.
    """

    name: str
    make: Callable[[], bytes]
    status: int
    says: str
    stage: Stage
    path: str = CHAT


def asked(**fields: Any) -> bytes:
    """A chat request."""
    return json.dumps({"model": MODEL, "messages": [user("x")], **fields}).encode()


def raw(**fields: Any) -> bytes:
    return json.dumps({"model": MODEL, **fields}).encode()


def user(content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **fields}


def content(value: Any) -> bytes:
    return asked(messages=[user(value)])


def filled(text: str, before: bytes = b"", after: bytes = b"") -> bytes:
    """A message of JSON text, repeated up to the largest body."""
    head = b'{"model": "scripted", "messages": [{"role": "user", "content": "' + before
    end = after + b'"}]}'
    unit = text.encode()
    return head + unit * ((LARGEST - len(head) - len(end)) // len(unit)) + end


def fields(count: int) -> dict[str, int]:
    return {f"field{number}": 0 for number in range(count)}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def past_calls(count: int, arguments: str = "{}") -> bytes:
    function = {"name": "f", "arguments": arguments}
    calls = [{"id": f"c{number}", "type": "function", "function": function} for number in range(count)]
    return asked(messages=[user("x"), {"role": "assistant", "tool_calls": calls}])


def tools(count: int) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": f"t{number}"}} for number in range(count)]


def document(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}


def named_tools(count: int) -> bytes:
    allowed = [{"type": "function", "function": {"name": "t0"}}] * count
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": allowed}}
    return asked(tools=tools(1), tool_choice=choice)


ZEROS = [0]
BAD_PART: Mapping[str, Any] = {"type": "text"}
PART: Mapping[str, Any] = {"type": "text", "text": "x"}

BODIES: tuple[Hostile, ...] = (
    # Lists that are validated.
    Hostile("990,000 zeros as parts", lambda: content(ZEROS * 990_000), 400, "max_body_values", "bytes"),
    Hostile("190,000 zeros as parts", lambda: content(ZEROS * 190_000), 400, "max_content_parts", "counts"),
    Hostile("9,000 zeros as parts", lambda: content(ZEROS * 9_000), 400, "messages[0].content[0]", "values"),
    Hostile("99,000 bad parts", lambda: content([BAD_PART] * 99_000), 400, "max_body_fields", "bytes"),
    Hostile("20,000 bad parts", lambda: content([BAD_PART] * 20_000), 400, "max_content_parts", "counts"),
    Hostile("9,000 bad parts", lambda: content([BAD_PART] * 9_000), 400, "content[0].text", "values"),
    Hostile("9,000 parts", lambda: content([PART] * 9_000), 200, "", "values"),
    Hostile("90,000 messages", lambda: asked(messages=[user("x")] * 90_000), 400, "max_body_fields", "bytes"),
    Hostile("20,000 messages", lambda: asked(messages=[user("x")] * 20_000), 400, "max_messages", "counts"),
    Hostile("9,000 messages", lambda: asked(messages=[user("x")] * 9_000), 400, CONTEXT, "values"),
    Hostile("20,000 past calls", lambda: past_calls(20_000), 400, "max_body_fields", "bytes"),
    Hostile("8,000 past calls", lambda: past_calls(8_000), 400, "max_past_calls", "counts"),
    Hostile("4,000 past calls", lambda: past_calls(4_000), 400, CONTEXT, "values"),
    Hostile("10,000 tools", lambda: asked(tools=tools(10_000)), 400, "max_tools", "counts"),
    Hostile("9,000 allowed tools", lambda: named_tools(9_000), 200, "", "values"),
    Hostile("100,000 stops", lambda: asked(stop=["x"] * 100_000), 400, "max_stops", "counts"),
    Hostile("a stop of a megabyte", lambda: asked(stop="x" * 10**6), 400, "max_stop_length", "counts"),
    Hostile("100,000 bad words", lambda: asked(bad_words=["x"] * 100_000), 400, "max_stops", "counts"),
    Hostile("190,000 token ids", lambda: asked(allowed_token_ids=[5] * 190_000), 400, "allowed_token_ids", "values"),
    Hostile("49,000 biases", lambda: asked(logit_bias=fields(49_000)), 400, "logit_bias", "values"),
    Hostile("190,000 prompts", lambda: raw(prompt=["x"] * 190_000), 400, "at most 2048", "values", COMPLETIONS),
    Hostile("a prompt of 190,000 ids", lambda: raw(prompt=[5] * 190_000), 400, CONTEXT, "values", COMPLETIONS),
    Hostile("190,000 ids to read", lambda: raw(tokens=[5] * 190_000), 200, "", "values", "/detokenize"),
    Hostile("190,000 zeros to tokenize", lambda: content(ZEROS * 190_000), 400, "max_content_parts", "counts",
            "/tokenize"),
    # Objects, and what nobody knows.
    Hostile("450,000 fields", lambda: asked(**fields(450_000)), 400, "max_body_fields", "bytes"),
    Hostile("90,000 fields", lambda: asked(**fields(90_000)), 400, "max_body_fields", "bytes"),
    Hostile("49,000 fields", lambda: asked(**fields(49_000)), 200, "and-48980-more", "values"),
    Hostile("49,000 fields of a message", lambda: asked(messages=[user("x", **fields(49_000))]), 200,
            "and-48980-more", "values"),
    Hostile("90,000 variables", lambda: asked(chat_template_kwargs=fields(90_000)), 400, "max_body_fields", "bytes"),
    Hostile("49,000 variables", lambda: asked(chat_template_kwargs=fields(49_000)), 200, "", "values"),
    Hostile("a variable of megabytes", lambda: asked(chat_template_kwargs={"x": "x" * 7 * 10**6}), 200, "", "values"),
    Hostile("300 levels", lambda: asked(x=nested(300)), 400, "max_body_depth", "bytes"),
    Hostile("100,000 levels", lambda: b"[" * 100_000, 400, "max_body_depth", "bytes"),
    Hostile("95,000 empty lists", lambda: asked(x=[[]] * 95_000), 200, "x", "values"),
    Hostile("190,000 numbers of many digits", lambda: b'{"model": "scripted", "messages": [{"role": "user", '
            b'"content": "x"}], "x": [' + b"0.1234567890123456789," * 190_000 + b"0]}", 200, "x", "values"),
    Hostile("a number of a megabyte", lambda: b'{"x": ' + b"9" * 10**6 + b"}", 400, "too many digits", "values"),
    Hostile("millions of quotes", lambda: b'{"x": [' + b'"",' * 2_600_000 + b"0]}", 400, "max_body_values", "bytes"),
    Hostile("190,000 enum values", lambda: asked(**document({"enum": [5] * 190_000})), 400, "max_enum_values",
            "values"),
    Hostile("190,000 choices", lambda: asked(structured_outputs={"choice": ["x"] * 190_000}), 400, "max_enum_values",
            "values"),
    Hostile("9,000 properties", lambda: raw(**document({"properties": dict.fromkeys(fields(9_000), True)})), 200,
            "", "values", GRAMMARS),
    # Text.
    Hostile("letters", lambda: filled("a"), 400, CONTEXT, "values"),
    Hostile("blanks", lambda: filled(" "), 400, CONTEXT, "values"),
    Hostile("words", lambda: filled("hello "), 400, CONTEXT, "values"),
    Hostile("letters and one of another plane", lambda: filled("a", after="😀".encode()), 400, CONTEXT, "values"),
    Hostile("Chinese", lambda: filled("東京"), 400, CONTEXT, "values"),
    Hostile("line breaks", lambda: filled(r"a\n"), 400, CONTEXT, "values"),
    Hostile("backslashes", lambda: filled(r"\\"), 400, CONTEXT, "values"),
    Hostile("quotes in a text", lambda: filled(r"\""), 400, CONTEXT, "values"),
    Hostile("commas and brackets in a text", lambda: filled("[{,:"), 400, CONTEXT, "values"),
    Hostile("half pairs", lambda: filled(r"a\ud83d"), 400, CONTEXT, "values"),
    Hostile("markup", lambda: filled("<|im_end|>"), 400, CONTEXT, "values"),
    Hostile("no UTF-8 at the end", lambda: filled("a", after=b"\xff"), 400, "UTF-8", "values"),
    Hostile("letters, as a prompt", lambda: raw(prompt="a" * 7 * 10**6), 400, CONTEXT, "values", COMPLETIONS),
    Hostile("letters, cut", lambda: raw(prompt="a" * 4 * 10**6, truncate_prompt_tokens=5), 200, "", "values",
            COMPLETIONS),
    Hostile("letters, to tokenize", lambda: raw(prompt="a" * 7 * 10**6), 400, CONTEXT, "values", "/tokenize"),
    Hostile("a text that fits", lambda: content("hello " * 16_000), 200, "", "values"),
    Hostile("a body that is too large", lambda: filled("a") + b" " * 1_000, 413, "max_body_bytes", "bytes"),
)  # fmt: skip


def body(name: str) -> Hostile:
    (found,) = (one for one in BODIES if one.name == name)
    return found
