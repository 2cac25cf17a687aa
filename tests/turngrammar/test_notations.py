"""Formats that do not write JSON enforce the full schema too: schemas against arguments that fit and that don't."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from tests.turngrammar.laws import BYTE_SPECIALS, generates, placed, read, sample
from turngrammar.errors import RefusedSchema
from turngrammar.formats import FORMATS
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, ToolChoice, Turn

# These distinguish strings from other values, so that every schema has the meaning that it has in JSON …
EXACT = ["hermes", "pythonic", "gemma4", "functiongemma", "deepseek_v32", "kimi_k3", "olmo3"]
# … and in these, a value that is not a string by the schema is read by its form.
UNQUOTED = ["qwen3_coder", "seed_oss", "glm45", "glm47", "minimax_m2", "minimax_m3", "minicpm5", "ling3"]


def argument_x(schema: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}, "required": ["x"], "additionalProperties": False, **others}


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}
TREE = {
    "type": "object",
    "properties": {"x": {"$ref": "#/$defs/node"}},
    "required": ["x"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "value": {"type": "integer"},
            },
            "required": ["value"],
            "additionalProperties": False,
        }
    },
}

SCHEMAS: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    # parameters, arguments that fit, arguments that don't
    (argument_x({"type": "string"}), [{"x": ""}, {"x": "a\nb"}, {"x": "null"}, {"x": "5"}], [{}, {"x": "a", "y": 1}]),
    (
        argument_x({"type": "string", "minLength": 2, "maxLength": 3}),
        [{"x": "ab"}, {"x": "日本語"}],
        [{"x": "a"}, {"x": "abcd"}],
    ),
    (
        argument_x({"type": "string", "pattern": "^[a-z]+-[0-9]{2}$"}),
        [{"x": "ab-12"}],
        [{"x": "ab-123"}, {"x": "AB-12"}],
    ),
    (argument_x({"type": "string", "pattern": "b+"}), [{"x": "abc"}], [{"x": "ac"}]),
    (argument_x({"type": "string", "format": "date"}), [{"x": "2024-02-29"}], [{"x": "2023-02-29"}, {"x": "today"}]),
    (argument_x({"type": "string", "format": "email"}), [{"x": "a@b.no"}], [{"x": "a.b.no"}]),
    (
        argument_x({"enum": ["a b", "</x>", 'say "hi"', "%{}"]}),
        [{"x": "</x>"}, {"x": 'say "hi"'}, {"x": "%{}"}],
        [{"x": "a"}],
    ),
    (argument_x({"const": "fixed"}), [{"x": "fixed"}], [{"x": "fixe"}, {"x": "fixed!"}]),
    (
        argument_x({"type": "integer", "minimum": 3, "maximum": 12}),
        [{"x": 3}, {"x": 12}],
        [{"x": 2}, {"x": 13}, {"x": 3.5}],
    ),
    (argument_x({"type": "number", "exclusiveMinimum": 0}), [{"x": 0.5}, {"x": 7}], [{"x": 0}, {"x": -1}]),
    (argument_x({"type": "boolean"}), [{"x": True}, {"x": False}], [{"x": None}, {"x": 1}]),
    (argument_x({"type": "null"}), [{"x": None}], [{"x": False}]),
    (argument_x({"enum": [1, 2.5, True]}), [{"x": 1}, {"x": 2.5}, {"x": True}], [{"x": 2}, {"x": False}]),
    (
        argument_x({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}),
        [{"x": [1]}, {"x": [1, 2, 3]}],
        [{"x": []}, {"x": [1, 2, 3, 4]}, {"x": [1.5]}],
    ),
    (
        argument_x({"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": False}),
        [{"x": []}, {"x": ["a"]}, {"x": ["a", True]}],
        [{"x": [True]}, {"x": ["a", True, 1]}],
    ),
    (
        argument_x({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}, "minItems": 2}),
        [{"x": ["a", 1]}, {"x": ["a", 1, 2]}],
        [{"x": ["a"]}, {"x": ["a", "b"]}],
    ),
    (
        argument_x({"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "maxItems": 2}),
        [{"x": []}, {"x": ["b"]}, {"x": ["c", "a"]}],
        [{"x": ["a", "a"]}, {"x": ["a", "b", "c"]}],
    ),
    (
        argument_x({"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 2}),
        [{"x": ["b", "a"]}, {"x": ["c", "a", "b"]}],
        [{"x": ["a"]}, {"x": ["a", "b", "a"]}],
    ),
    (
        argument_x({"type": "array", "items": {"enum": ["a", "b", "c"]}, "contains": {"const": "b"}, "maxContains": 2}),
        [{"x": ["b"]}, {"x": ["a", "b"]}, {"x": ["b", "c", "c", "b", "a"]}],
        [{"x": []}, {"x": ["a", "c"]}, {"x": ["b", "b", "a", "b"]}],
    ),
    (
        argument_x({"type": "array", "items": {"type": "integer"}, "contains": {"maximum": 0}, "minContains": 2}),
        [{"x": [0, 0]}, {"x": [1, -1, 2, 0, 3, -2]}],
        [{"x": [0]}, {"x": [1, 0, 2]}],
    ),
    (argument_x({"type": "array"}), [{"x": []}, {"x": [1, "a", None, [True], {"b": {}}]}], [{"x": {}}]),
    (
        argument_x(PERSON),
        [{"x": {"name": "A", "age": 1}}, {"x": {"name": "A"}}],
        [{"x": {"age": 1}}, {"x": {"name": "A", "age": -1}}],
    ),
    (
        argument_x({"type": "object", "additionalProperties": {"type": "integer"}}),
        [{"x": {}}, {"x": {"a": 1}}],
        [{"x": {"a": "b"}}],
    ),
    (
        argument_x(
            {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False, "minProperties": 1}
        ),
        [{"x": {"a": 1}}, {"x": {"b": 1}}, {"x": {"a": 1, "b": 2}}],
        [{"x": {}}],
    ),
    (TREE, [{"x": {"left": {"left": None, "value": 1}, "value": 2}}], [{"x": {"left": {"value": "1"}, "value": 2}}]),
    (PERSON, [{"name": "A"}, {"name": "A", "age": 4}], [{"age": 4}, {"name": "A", "age": 4, "b": 1}]),
    (
        {
            "type": "object",
            "properties": {"a": {}, "b": {}, "c": {}},
            "additionalProperties": False,
            "maxProperties": 2,
        },
        [{}, {"a": True, "c": True}, {"b": True}],
        [{"a": True, "b": True, "c": True}],
    ),
    (
        {"type": "object", "patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": False},
        [{}, {"n_a": 1}, {"n_a": 1, "n_b": 2}],
        [{"a": 1}, {"n_a": True}],
    ),
    ({"type": "object"}, [{}, {"a": "b", "c": [1], "d": {"e": None}}], []),
    (
        {"anyOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"required": ["b"]}]},
        [{"a": 1}, {"b": True}],
        [{}, {"c": True}],
    ),
]
MIXED: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    (
        argument_x({"type": ["string", "null"]}),
        [{"x": None}, {"x": "nullable"}, {"x": "12"}, {"x": "true"}],
        [{"x": 12}],
    ),
    (argument_x({"type": ["string", "integer"], "maximum": 9}), [{"x": 4}, {"x": "four"}], [{"x": 10}, {"x": None}]),
    (argument_x({"type": ["string", "boolean"]}), [{"x": True}, {"x": "truer"}, {"x": "5 apples"}], [{"x": 1}]),
    (argument_x({"anyOf": [{"type": "string"}, {"type": "array"}]}), [{"x": ["a"]}, {"x": "a [b]"}], [{"x": None}]),
    (argument_x({"enum": ["a", 1, None]}), [{"x": "a"}, {"x": 1}, {"x": None}], [{"x": "b"}, {"x": 2}]),
    (argument_x({}), [{"x": "text"}, {"x": 1}, {"x": [1, {"a": None}]}, {"x": {"b": "c"}}], []),
]


def plan(name: str, parameters: Mapping[str, Any]) -> Plan:
    return compile_turn(Turn(FORMATS[name], placed(Tool("f", parameters=parameters)), ToolChoice("required")))


def text_of(name: str, arguments: Any) -> str:
    return render(FORMATS[name], [Call("f", json.dumps(arguments, ensure_ascii=False))])


@pytest.mark.parametrize("name", EXACT + UNQUOTED)
@pytest.mark.parametrize(("parameters", "right", "wrong"), SCHEMAS + MIXED, ids=lambda value: str(value)[:60])
def test_a_schema_is_enforced(name: str, parameters: dict[str, Any], right: list[Any], wrong: list[Any]) -> None:
    compiled = plan(name, parameters)
    assert compiled.grammar
    for arguments in right:
        if name == "minimax_m3" and "{}" in str(arguments) and parameters == argument_x({"type": "array"}):
            continue  # what is empty is a string, where the schema allows anything
        text = text_of(name, arguments)
        assert generates(compiled.grammar, text), text
        for pieces in ([text], list(text)):
            (call,) = read(compiled, pieces).calls
            assert json.loads(call.arguments) == arguments
    for arguments in wrong:
        text = text_of(name, arguments)
        (call,) = read(compiled, [text]).calls
        said_otherwise = name in UNQUOTED and json.loads(call.arguments) != arguments
        assert said_otherwise or not generates(compiled.grammar, text), text


NESTED: list[dict[str, Any]] = [
    argument_x({"type": ["object", "array", "string", "null", "number"]}),
    argument_x({"type": ["array", "null"], "items": {"type": ["object", "boolean"], "properties": {"a": {}}}}),
    argument_x({"anyOf": [PERSON, {"type": "array", "items": PERSON, "minItems": 1}]}),
    argument_x({"enum": [{"a": []}, [], {}, [{"b": "c"}], None, 5, "d"]}),
    argument_x({"type": "object", "additionalProperties": {"type": ["string", "integer"]}, "minProperties": 2}),
    argument_x({"type": ["array", "object"], "maxItems": 2, "maxProperties": 1}),
    {"type": "object", "patternProperties": {"^n_": PERSON}, "additionalProperties": {"type": "array"}},
]


@pytest.mark.parametrize("name", ["minimax_m3", "minicpm5", "kimi_k3"])
@pytest.mark.parametrize("parameters", NESTED + [row[0] for row in SCHEMAS + MIXED], ids=lambda value: str(value)[:60])
def test_what_is_generated_fits_the_schema(name: str, parameters: dict[str, Any]) -> None:
    compiled = plan(name, parameters)
    assert compiled.grammar
    rng, liked = random.Random(3), ["]<]minimax[>[<item>", "]<]minimax[>[</", "]]>", "null", "5", "a", "<", "\n"]
    for _ in range(20):
        text, whole = sample(compiled.grammar, rng, 300, liked)
        for pieces in ([text], list(text)):
            message = read(compiled, pieces)
            assert not message.malformed, text
        if whole:
            assert compiled.violations(message.content, message.calls) == (), text


AWKWARD = ["with space", "a:b", "a=b", "ümläut", "c++", 'q"uote', "new\nline", "%name", "{x}", "[y]", "a,b", "(z)"]


@pytest.mark.parametrize("name", EXACT + UNQUOTED)
@pytest.mark.parametrize("key", AWKWARD)
def test_awkward_names_of_arguments_are_written_and_read(name: str, key: str) -> None:
    compiled = plan(name, {"properties": {key: {"type": "integer"}}, "required": [key], "additionalProperties": False})
    text = text_of(name, {key: 1})
    assert compiled.grammar
    assert generates(compiled.grammar, text)
    (call,) = read(compiled, list(text)).calls
    assert json.loads(call.arguments) == {key: 1}


def test_a_name_that_ends_itself_is_refused_with_its_pointer() -> None:
    with pytest.raises(RefusedSchema) as caught:
        plan("qwen3_coder", {"properties": {"a>\nb": {}}})
    assert caught.value.pointer == "/tools/0/arguments"


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ("a='it\\'s', b=[1,2 , 3]", {"a": "it's", "b": [1, 2, 3]}),
        ('a="tab\\t\\x41\\u00e9", b=None', {"a": "tab\tA\u00e9", "b": None}),
        ("a={'k': True, 'l': []}", {"a": {"k": True, "l": []}}),
        ("a=-1.5e3,", {"a": -1500.0}),
        ("a=true, b=null", {"a": True, "b": None}),
        ("a='\\d+\\/'", {"a": "\\d+/"}),
        ("a='two\nlines'", {"a": "two\nlines"}),
        ("a=[[], {}, [{}],]", {"a": [[], {}, [{}]]}),
        ("", {}),
    ],
)
def test_python_is_read_as_people_write_it(written: str, arguments: Any) -> None:
    compiled = compile_turn(Turn(FORMATS["pythonic"], (Tool("f"),)))
    text = f"[f({written})]"
    for pieces in ([text], list(text)):
        (call,) = read(compiled, pieces).calls
        assert json.loads(call.arguments) == arguments


@pytest.mark.parametrize(
    "name", ["gemma4", "glm47", "qwen3_coder", "deepseek_v32", "minimax_m3", "minicpm5", "kimi_k3"]
)
def test_special_tokens_end_strings_as_tokens_and_may_stand_in_them_as_text(name: str) -> None:
    ends = {
        "gemma4": '<|"|>',
        "glm47": "</arg_value>",
        "qwen3_coder": "</parameter>",
        "deepseek_v32": "</｜DSML｜parameter>",
        "minimax_m3": "]<]minimax[>[",
        "minicpm5": "</param>",
        "kimi_k3": "<|close|>",
    }
    special = {ends[name]: 256}
    turn = Turn(
        FORMATS[name],
        (Tool("f", parameters=argument_x({"type": "string"})),),
        ToolChoice("required"),
        special_tokens=special,
    )
    compiled = compile_turn(turn)
    text = text_of(name, {"x": f"see {''.join(BYTE_SPECIALS)}"})
    assert compiled.grammar
    assert "<[256]>" in compiled.grammar
    assert generates(compiled.grammar, text, special)
    assert not generates(compiled.grammar, text, {})
