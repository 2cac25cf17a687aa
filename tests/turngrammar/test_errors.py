"""Messages: sentences of bounded length that name the tool, the place, the keyword and the fix."""

from __future__ import annotations

import json
import pickle
import random
from decimal import Decimal
from typing import Any

import pytest

from tests import shared
from tests.mutation import mutated
from tests.turngrammar.laws import placed
from turngrammar.errors import MESSAGE_LENGTH, GrammarError, InvalidSchema, cut, shown
from turngrammar.formats import FORMATS, HERMES
from turngrammar.plan import compile_turn
from turngrammar.schema import compile_schema
from turngrammar.turn import ClientGrammar, JsonContent, TextInput, Tool, ToolChoice, Turn

LONG = "x" * 5000
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    # parameters of a tool, the pointer into them, the keyword
    ({"properties": {"a": {"type": "strng"}}}, "/properties/a/type", "type"),
    ({"properties": {"a": {"type": ["string", LONG]}}}, "/properties/a/type/1", "type"),
    ({"properties": {"a": 5}}, "/properties/a", "properties"),
    ({"properties": {"a": {"minLength": -1}}}, "/properties/a/minLength", "minLength"),
    ({"properties": {"a": {"items": {"enum": LONG}}}}, "/properties/a/items/enum", "enum"),
    ({"properties": {"a": {"anyOf": [{"required": LONG}]}}}, "/properties/a/anyOf/0/required", "required"),
    ({"properties": {"a": {"$anchor": "1 a"}}}, "/properties/a/$anchor", "$anchor"),
    ({"properties": {"a": {"$ref": "#/none"}}}, "/properties/a/$ref", "$ref"),
    ({"properties": {"a": {"$ref": f"https://example.com/{LONG}"}}}, "/properties/a/$ref", "$ref"),
    ({"properties": {"a": {"pattern": f"{LONG}("}}}, "/properties/a/pattern", "pattern"),
    ({"properties": 5, "required": "x"}, "/properties", "properties"),
    ({"$schema": "https://example.com/own"}, "/$schema", "$schema"),
    ({"type": "string"}, "/type", "type"),
]


def refusal(turn: Turn) -> GrammarError:
    with pytest.raises(GrammarError) as caught:
        compile_turn(turn)
    return caught.value


def resolve_pointer(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def is_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text


@pytest.mark.parametrize(("parameters", "pointer", "keyword"), REFUSED)
def test_a_message_names_tool_place_and_keyword(parameters: dict[str, Any], pointer: str, keyword: str) -> None:
    error = refusal(Turn(HERMES, placed(Tool("fine"), Tool("search_domains", parameters=parameters))))
    assert (error.tool, error.pointer, error.keyword) == ("search_domains", f"/tools/1/arguments{pointer}", keyword)
    assert error.message.startswith(f"Tool 'search_domains', {pointer}: ")
    assert is_sentence(error.message)
    assert len(error.message) <= MESSAGE_LENGTH


def test_without_a_tool_the_message_names_the_schema() -> None:
    error = refusal(Turn(HERMES, content=JsonContent({"items": {"minItems": "one"}}, "/format/schema")))
    assert error.message == "Schema, /items/minItems: minItems must be a whole number, at least 0; this is 'one'."
    assert error.pointer == "/format/schema/items/minItems"


TURNS = [
    Turn(HERMES, placed(Tool("a"), Tool("a"))),
    Turn(HERMES, placed(Tool(LONG))),
    Turn(HERMES, placed(Tool("a")), ToolChoice(names=(LONG,), pointer="/choice")),
    Turn(HERMES, placed(Tool("a")), ToolChoice(most=0, pointer="/choice")),
    Turn(HERMES, choice=ToolChoice("required", pointer="/choice")),
    Turn(HERMES, placed(Tool("a", input=TextInput("lark", f"start: {LONG}")))),
    Turn(HERMES, placed(Tool("a", input=TextInput("regex", f"{LONG}(")))),
    Turn(HERMES, content=ClientGrammar("regex", f"{LONG}(", "/regex")),
    Turn(HERMES, content=ClientGrammar("grammar", f"root ::= {LONG}", "/grammar")),
    Turn(FORMATS["qwen3_coder"], placed(Tool("a", parameters={"properties": {f"{LONG}>\n": {}}}))),
]


@pytest.mark.parametrize("turn", TURNS)
def test_every_message_is_short(turn: Turn) -> None:
    error = refusal(turn)
    assert len(error.message) <= MESSAGE_LENGTH
    assert error.message[0].isupper() or error.message.startswith("/")
    assert is_sentence(error.message)
    assert LONG not in error.message


def test_of_any_broken_schema_the_message_is_short_and_names_a_keyword_at_a_place_that_exists() -> None:
    rng = random.Random(8)
    schemas = [row["schema"] for row in shared.rows("jsonschemabench_dev")]
    schemas = [schema for schema in schemas if len(json.dumps(schema)) < 2000]
    refused = 0
    for _ in range(600):
        schema = mutated(rng.choice(schemas), rng)
        try:
            compile_schema(schema)
        except GrammarError as error:
            refused += 1
            assert len(error.message) <= MESSAGE_LENGTH
            assert is_sentence(error.message)
            assert error.keyword in error.message
            resolve_pointer(schema, error.pointer)
    assert refused > 100


def test_an_error_crosses_processes() -> None:
    error = InvalidSchema("Wrong.", pointer="/a/b", keyword="b").inside("/tools/0", "t")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.message, copy.pointer, copy.keyword) == (error.message, "/tools/0/a/b", "b")
    assert copy.message == "Tool 't', /a/b: Wrong."


def test_long_values_lose_their_middle() -> None:
    assert shown("a'b") == '"a\'b"'
    assert shown({"a": [None, True, Decimal("0.5")]}) == '{"a": [null, true, 0.5]}'
    assert cut("0123456789", 10) == "0123456789"
    assert cut("0123456789abc", 10) == "012 ... bc"
    assert all(len(cut("x" * size, 50)) == min(size, 50) for size in range(100))
