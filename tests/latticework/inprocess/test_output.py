"""Python types as what an answer must be."""

from __future__ import annotations

import datetime
import enum
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, field_validator
from typing_extensions import TypedDict

from latticework import response_format
from latticework.inprocess.output import output


class Item(BaseModel):
    text: str
    price: float = Field(ge=0)


class Invoice(BaseModel):
    number: str
    items: list[Item]
    paid: bool = False


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Either(RootModel[Item | Open]):
    """No object of its own: what it must be is one of two."""


class Checked(BaseModel):
    age: int

    @field_validator("age")
    @classmethod
    def _even(cls, age: int) -> int:
        if age % 2:
            raise ValueError("odd")
        return age


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: int


class Place(TypedDict):
    city: str
    at: Point


READ: dict[str, tuple[Any, str, Any]] = {
    "a model": (Invoice, '{"number": "7", "items": [{"text": "pen", "price": 1}]}',
                Invoice(number="7", items=[Item(text="pen", price=1.0)])),
    "a dataclass": (Point, '{"x": 1, "y": -2}', Point(1, -2)),
    "a TypedDict": (Place, '{"city": "Oslo", "at": {"x": 1, "y": 2}}', {"city": "Oslo", "at": Point(1, 2)}),
    "a Literal": (Literal["a", "b"], '"b"', "b"),
    "an enum": (Color, '"blue"', Color.BLUE),
    "a list": (list[Color], '["red", "red"]', [Color.RED, Color.RED]),
    "a union": (int | str, '"7"', "7"),
    "a union's other": (int | str, "7", 7),
    "a union of models": (Item | Point, '{"x": 1, "y": 2}', Point(1, 2)),
    "an optional": (Point | None, "null", None),
    "an int": (int, "-4", -4),
    "a float": (float, "2.5", 2.5),
    "a bool": (bool, "true", True),
    "a bounded int": (Annotated[int, Field(ge=1, le=6)], "6", 6),
    "a date": (datetime.date, '"2024-05-14"', datetime.date(2024, 5, 14)),
    "a dict": (dict[str, int], '{"a": 1}', {"a": 1}),
    "a tuple": (tuple[int, str], '[1, "a"]', (1, "a")),
}  # fmt: skip


@pytest.mark.parametrize(("type_", "text", "value"), READ.values(), ids=READ)
def test_a_type_has_a_schema_and_its_values_are_read(type_: Any, text: str, value: Any) -> None:
    wanted = output(type_)
    assert wanted.fields == {"response_format": response_format(type_)}
    schema = wanted.fields["response_format"]["json_schema"]["schema"]
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(text))
    assert wanted.read(text) == value


def test_what_a_class_does_not_list_is_no_part_of_an_answer() -> None:
    schema = response_format(Invoice)["json_schema"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Item"]["additionalProperties"] is False
    assert response_format(Point)["json_schema"]["schema"]["additionalProperties"] is False
    assert response_format(Place)["json_schema"]["schema"]["additionalProperties"] is False


def test_unless_it_says_otherwise() -> None:
    assert response_format(Open)["json_schema"]["schema"]["additionalProperties"] is True
    either = response_format(Either)["json_schema"]["schema"]
    Draft202012Validator(either).validate({"text": "a", "price": 1})
    Draft202012Validator(either).validate({"name": "a", "more": 1})


def test_a_format_is_called_as_its_type_is() -> None:
    assert response_format(Invoice)["json_schema"]["name"] == "Invoice"
    assert response_format(int | str)["json_schema"]["name"] == "answer"


def test_text_has_no_format() -> None:
    for type_ in (None, str):
        assert output(type_).fields == {}
        assert output(type_).read("as it is") == "as it is"
        with pytest.raises(TypeError, match="no response_format"):
            response_format(type_)


def test_what_no_schema_tells_of_is_found_when_it_is_read() -> None:
    with pytest.raises(ValidationError, match="odd"):
        output(Checked).read('{"age": 3}')


@dataclass
class Regex:
    """As Outlines has it, which need not be installed."""

    pattern: str


Regex.__module__ = "outlines.types.dsl"


def test_outlines_terms_are_known_by_name() -> None:
    wanted = output(Regex("[ab]+"))
    assert wanted.fields == {"structured_outputs": {"regex": "[ab]+"}}
    assert wanted.read("abba") == "abba"
    with pytest.raises(TypeError, match=r"structured_outputs.*\[ab\]"):
        response_format(Regex("[ab]+"))
