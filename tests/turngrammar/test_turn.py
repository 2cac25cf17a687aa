"""`Turn.key`, by which plans are cached here and in other processes: every field counts."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from turngrammar.formats import FORMATS, Format
from turngrammar.turn import ClientGrammar, JsonContent, TextInput, Tool, ToolChoice, Turn

TURN = Turn(
    FORMATS["kimi_k3"],
    (Tool("function", parameters={"a": 1}), Tool("custom", input=TextInput("regex", "a"))),
    ToolChoice("auto", ("function",), 1),
    ClientGrammar("choice", ("yes", "no")),
    special_tokens={"<|open|>": 1},
    ends=(2,),
)


def changed(value: Any) -> Iterator[Any]:
    """Copies of `value`, each with one change, wherever in it there is something to change."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            if field.compare:
                yield from (replace(value, **{field.name: other}) for other in changed(getattr(value, field.name)))
    elif isinstance(value, tuple):
        yield (*value, "another")
        for index, item in enumerate(value):
            yield from ((*value[:index], other, *value[index + 1 :]) for other in changed(item))
    elif isinstance(value, Mapping):
        yield {**value, "another": 1}
        yield {name: f"{item} " for name, item in value.items()}
    else:
        yield {None: "a value", True: False, False: True}.get(value, f"{value} ")


@pytest.mark.parametrize("field", fields(Turn), ids=lambda field: field.name)
def test_every_field_of_a_turn_changes_its_key(field: Any) -> None:
    turns = [replace(TURN, **{field.name: other}) for other in changed(getattr(TURN, field.name))]
    assert turns
    assert len({TURN.key, *(turn.key for turn in turns)}) == 1 + len(turns)


@pytest.mark.parametrize("field", fields(Format), ids=lambda field: field.name)
@pytest.mark.parametrize("name", ["hermes", "gemma4", "kimi_k3", "minicpm5"])
def test_every_field_of_its_format_does(name: str, field: Any) -> None:
    format = FORMATS[name]
    formats = [replace(format, **{field.name: other}) for other in changed(getattr(format, field.name))]
    assert formats
    assert len({replace(TURN, format=other).key for other in (format, *formats)}) == 1 + len(formats)


VALUES = (1, 1.0, True, None, float("inf"), "1", [1], {"a": 1, "b": 2}, {"b": 2, "a": 1}, "\ud800")
DECIMALS = (Decimal("0.1234567890123456789"), Decimal("0.12345678901234567891"), Decimal("1e400"))


def test_values_that_json_or_python_could_take_for_each_other_have_keys_of_their_own() -> None:
    assert len({replace(TURN, content=JsonContent({"const": value})).key for value in VALUES}) == len(VALUES)
    values = (*VALUES[:-1], *DECIMALS)  # beside a Decimal, a turn is encoded otherwise
    contents = [JsonContent({"const": value, "enum": [DECIMALS[0]]}) for value in values]
    assert len({replace(TURN, content=content).key for content in contents}) == len(values)


def test_equal_turns_have_one_key_in_every_process() -> None:
    copy = pickle.loads(pickle.dumps(TURN))
    assert copy == TURN
    assert copy.key == TURN.key == replace(TURN).key
    described = replace(TURN, tools=tuple(replace(tool, description="other words") for tool in TURN.tools))
    assert described.key == TURN.key


def test_only_what_constrains_a_turn_has_to_be_compiled() -> None:
    free = Turn(FORMATS["hermes"])
    assert not free.constrained
    for change in (
        {"tools": (Tool("f"),)},
        {"content": JsonContent(True)},
        {"content": ClientGrammar("choice", ("a",))},
    ):
        assert replace(free, **change).constrained
