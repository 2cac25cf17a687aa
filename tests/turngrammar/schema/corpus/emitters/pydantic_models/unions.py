"""Unions, with a discriminator and without."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

import pydantic
from case import Case
from pydantic import BaseModel, Discriminator, Field, Tag
from shared import ADDRESS, Address, Failure, Step


class Cat(BaseModel):
    kind: Literal["cat"]
    meows: int


class Dog(BaseModel):
    kind: Literal["dog"]
    barks: float
    breed: Literal["lab", "pug"] = "lab"


class Lizard(BaseModel):
    kind: Literal["reptile", "lizard"]
    scales: bool = True


Pet = Annotated[Cat | Dog | Lizard, Field(discriminator="kind")]


class Owner(BaseModel):
    pet: Pet
    pets: list[Pet] = []
    maybe: Pet | None = None


class BlackCat(BaseModel):
    kind: Literal["cat"] = "cat"
    colour: Literal["black"]
    name: str


class WhiteCat(BaseModel):
    kind: Literal["cat"] = "cat"
    colour: Literal["white"]
    age: int


class Zoo(BaseModel):
    nested: Annotated[
        Annotated[BlackCat | WhiteCat, Field(discriminator="colour")] | Dog | Lizard, Field(discriminator="kind")
    ]


class V1(BaseModel):
    version: Literal[1]
    text: str


class V2(BaseModel):
    version: Literal[2] = 2
    lines: list[str]


class Versioned(BaseModel):
    body: Annotated[V1 | V2, Field(discriminator="version")]


class Shape(StrEnum):
    circle = "circle"
    square = "square"


class Circle(BaseModel):
    shape: Literal[Shape.circle]
    radius: Annotated[float, Field(gt=0)]


class Square(BaseModel):
    shape: Literal[Shape.square]
    side: Annotated[float, Field(gt=0)]


class Drawing(BaseModel):
    shapes: Annotated[list[Annotated[Circle | Square, Field(discriminator="shape")]], Field(min_length=1)]


class Leaf(BaseModel):
    type: Literal["leaf"] = "leaf"
    value: int | str


class And(BaseModel):
    type: Literal["and"] = "and"
    terms: list[Filter]


class Not(BaseModel):
    type: Literal["not"] = "not"
    term: Filter


Filter = Annotated[Leaf | And | Not, Field(discriminator="type")]
And.model_rebuild()
Not.model_rebuild()


class Query(BaseModel):
    where: Filter
    limit: Annotated[int, Field(gt=0, le=100)] = 10


def _pet_kind(value: Any) -> str:
    return value.get("k", "fish") if isinstance(value, Mapping) else value.k


class Fish(BaseModel):
    k: Literal["fish"] = "fish"
    fins: int


class Bird(BaseModel):
    k: Literal["bird"]
    wings: int = 2


CallableUnion = Annotated[
    Annotated[Fish, Tag("fish")] | Annotated[Bird, Tag("bird")],
    Discriminator(_pet_kind),
]


JOINED = [
    pydantic.create_model(
        f"Tool{n:02}",
        tool=(Literal[f"tool_{n:02}"], ...),
        argument=([int, str, bool, list[int]][n % 4], ...),
        note=(str | None, None),
    )
    for n in range(40)
]


Forty = Annotated[reduce(or_, JOINED), Field(discriminator="tool")]


FortyPlain = reduce(or_, JOINED)


class Overlap(BaseModel):
    value: int | float | str
    loose: Annotated[int, Field(ge=10)] | Annotated[float, Field(lt=0)] | bool
    models: Address | Step | Failure


CASES = [
    Case("discriminated", Owner,
         [{"pet": {"kind": "cat", "meows": 3}},
          {"pet": {"kind": "dog", "barks": 1.5}, "pets": [{"kind": "lizard"}, {"kind": "reptile", "scales": False}],
           "maybe": {"kind": "cat", "meows": 0}}],
         [{"pet": {"kind": "cat", "barks": 1}}, {"pet": {"kind": "bird"}}, {"pet": {"meows": 3}},
          {"pet": {"kind": "dog", "barks": 1, "breed": "cat"}}, {"pet": None}]),
    Case("discriminated-nested", Zoo,
         [{"nested": {"kind": "cat", "colour": "black", "name": "a"}},
          {"nested": {"kind": "cat", "colour": "white", "age": 1}}, {"nested": {"kind": "dog", "barks": 0}}],
         [{"nested": {"kind": "cat", "colour": "white", "name": "a"}}, {"nested": {"kind": "cat", "colour": "red"}},
          {"nested": {"colour": "black"}}]),
    Case("discriminated-by-integer", Versioned,
         [{"body": {"version": 1, "text": "a"}}, {"body": {"version": 2, "lines": ["a", "b"]}}],
         [{"body": {"version": 1, "lines": []}}, {"body": {"version": 3, "text": "a"}}, {"body": {"version": "1"}}]),
    Case("discriminated-by-enum", Drawing,
         [{"shapes": [{"shape": "circle", "radius": 1}, {"shape": "square", "side": 0.5}]}],
         [{"shapes": []}, {"shapes": [{"shape": "circle", "side": 1}]},
          {"shapes": [{"shape": "circle", "radius": 0}]}]),
    Case("discriminated-recursive", Query,
         [{"where": {"type": "leaf", "value": 5}},
          {"where": {"type": "and", "terms": [{"type": "not", "term": {"type": "leaf", "value": "x"}}]}, "limit": 100}],
         [{"where": {"type": "and", "terms": [{"type": "or"}]}}, {"where": {"type": "not", "value": 5}},
          {"where": {"type": "leaf", "value": None}}, {"where": {"type": "leaf", "value": 5}, "limit": 0}]),
    Case("discriminated-inline", Filter, [{"type": "leaf", "value": "a"}, {"type": "and", "terms": []}],
         [{"type": "leaf"}, {"type": "xor", "terms": []}, {"type": "not", "term": {"type": "and"}}]),
    Case("discriminated-by-callable", CallableUnion, [{"k": "fish", "fins": 2}, {"fins": 1}, {"k": "bird"}],
         [{"k": "bird", "wings": "two"}, {"k": "bear"}]),
    Case("forty-discriminated", Forty, [{"tool": "tool_00", "argument": 1}, {"tool": "tool_39", "argument": [1, 2]},
                                        {"tool": "tool_21", "argument": "a", "note": None}],
         [{"tool": "tool_40", "argument": 1}, {"tool": "tool_00", "argument": []}, {"argument": 1},
          {"tool": "tool_13", "argument": 1}]),
    Case("forty-any-of", FortyPlain, [{"tool": "tool_00", "argument": 1}, {"tool": "tool_38", "argument": True}],
         [{"tool": "tool_40", "argument": 1}, {"tool": "tool_00"}, {"tool": "tool_03", "argument": "a"}]),
    Case("overlapping-unions", Overlap,
         [{"value": 1, "loose": 12, "models": ADDRESS},
          {"value": 0.5, "loose": -0.5, "models": {"code": 1, "message": ""}},
          {"value": "a", "loose": True, "models": {"explanation": "a", "output": "b"}}],
         [{"value": None, "loose": 12, "models": ADDRESS}, {"value": 1, "loose": 5, "models": ADDRESS},
          {"value": 1, "loose": 12, "models": {}}]),
    Case("union-of-scalars", int | float | str | bool | None, [1, 1.5, "a", True, None], [[], {}]),
]  # fmt: skip
