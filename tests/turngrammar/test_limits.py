"""What is too large is refused before it is compiled, with the limit's name and a pointer into the request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from latticework.compiling.compiler import compile_limits
from latticework.settings import Settings
from tests import shared
from tests.turngrammar.laws import placed
from turngrammar.errors import BeyondLimit
from turngrammar.formats import FORMATS
from turngrammar.limits import Limits, check_limits, expanded_length
from turngrammar.turn import ClientGrammar, JsonContent, TextInput, Tool, Turn

HERMES = FORMATS["hermes"]
DEFAULTS = compile_limits(Settings())
SMALL = Limits(
    max_tools=2,
    max_schema_depth=4,
    max_properties=3,
    max_enum_values=3,
    max_pattern_length=10,
    max_repetitions=20,
    no_client_grammars=False,
)
SCHEMA = "/schema"


def of(schema: Any) -> Turn:
    return Turn(HERMES, content=JsonContent(schema, SCHEMA))


def custom(syntax: Any, definition: str) -> Turn:
    return Turn(HERMES, placed(Tool("a"), Tool("b", input=TextInput(syntax, definition))))


TOO_LARGE = [
    (Turn(HERMES, (Tool("a"), Tool("b"), Tool("c")), tools_pointer="/tools"), "max_tools", "/tools"),
    (of({"a": {"b": [{"c": {}}]}}), "max_schema_depth", f"{SCHEMA}/a/b/0/c"),
    (of({"const": [[[[]]]]}), "max_schema_depth", f"{SCHEMA}/const/0/0/0"),
    (of({"properties": dict.fromkeys("abcd", True)}), "max_properties", f"{SCHEMA}/properties"),
    (of({"properties": {"a": {"properties": {"b": {}, "c": {}, "d": {}}}}}), "max_properties",
     f"{SCHEMA}/properties/a/properties"),
    (of({"unknown": {"properties": dict.fromkeys("abcd", True)}}), "max_properties", f"{SCHEMA}/unknown/properties"),
    (of({"anyOf": [{"enum": [1, 2]}, {"enum": [3, 4]}]}), "max_enum_values", f"{SCHEMA}/anyOf/1/enum"),
    (of({"properties": {"a/b": {"pattern": "a" * 11}}}), "max_pattern_length", f"{SCHEMA}/properties/a~1b/pattern"),
    (of({"patternProperties": {"a{9}{9}": {}}}), "max_repetitions", f"{SCHEMA}/patternProperties/a{{9}}{{9}}"),
    (Turn(HERMES, placed(Tool("a", parameters={"enum": [1, 2, 3, 4]}))), "max_enum_values",
     "/tools/0/arguments/enum"),
    (custom("regex", "(a{9}){9}"), "max_repetitions", "/tools/1/input"),
    (Turn(HERMES, content=ClientGrammar("regex", "x" * 11, "/p")), "max_pattern_length", "/p"),
    (Turn(HERMES, content=ClientGrammar("choice", tuple("abcd"), "/p")), "max_enum_values", "/p"),
]  # fmt: skip


@pytest.mark.parametrize(("turn", "limit", "pointer"), TOO_LARGE)
def test_what_is_too_large_is_refused_by_name(turn: Turn, limit: str, pointer: str) -> None:
    with pytest.raises(BeyondLimit) as raised:
        check_limits(turn, SMALL)
    assert limit in raised.value.message
    assert f"{limit} ({getattr(SMALL, limit)})" in raised.value.message
    assert raised.value.pointer == pointer
    check_limits(turn, DEFAULTS)


SMALL_ENOUGH = [
    of({"const": [[[]]]}),
    of({"properties": {"pattern": {"const": "x" * 50}, "enum": {"type": "string"}, "properties": {}}}),
    of({"const": {"pattern": "x" * 50, "enum": [1, 2, 3, 4], "properties": dict.fromkeys("abcd", 1)}}),
    of({"pattern": 5, "enum": 5, "properties": 5, "patternProperties": 5}),
    of(True),
    custom("text", "x" * 50),
    custom("lark", "x" * 50),
]


@pytest.mark.parametrize("turn", SMALL_ENOUGH)
def test_what_only_looks_like_a_keyword_is_not_counted(turn: Turn) -> None:
    check_limits(turn, SMALL)


@pytest.mark.parametrize(
    ("turn", "pointer"),
    [
        (custom("lark", 'start: "a"'), "/tools/1/input"),
        (custom("regex", "a"), "/tools/1/input"),
        (Turn(HERMES, content=ClientGrammar("regex", "a", "/p")), "/p"),
        (Turn(HERMES, content=ClientGrammar("grammar", 'start: "a"', "/p")), "/p"),
    ],
)
def test_grammars_of_clients_can_be_switched_off(turn: Turn, pointer: str) -> None:
    check_limits(turn, DEFAULTS)
    with pytest.raises(BeyondLimit) as raised:
        check_limits(turn, replace(DEFAULTS, no_client_grammars=True))
    assert raised.value.pointer == pointer


@pytest.mark.parametrize(
    "turn", [custom("text", ""), Turn(HERMES, content=ClientGrammar("choice", ("a",))), of({"pattern": "a"})]
)
def test_what_is_no_grammar_of_a_client_stays(turn: Turn) -> None:
    check_limits(turn, replace(DEFAULTS, no_client_grammars=True))


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("a{3}", 3),
        ("a{0}", 1),
        ("a{2,5}b{3,}", 8),
        ("(a{1,5000}){1,5000}", 25_000_000),
        ("((a{2}){3}b){4}", 28),
        ("(?:ab|c){10}x*", 31),
        (r"\{9}[{9}\]]{2}", 5),
        ("(a{2}", 2),
        ("a)b{2}", 4),
        ("a{9999999999999}", 999_999_999),
    ],
)
def test_repetitions_are_expanded(pattern: str, size: int) -> None:
    assert expanded_length(pattern) == size


def test_schemas_that_people_have_are_small_enough() -> None:
    for row in shared.rows("jsonschemabench_dev"):
        check_limits(of(row["schema"]), DEFAULTS)
