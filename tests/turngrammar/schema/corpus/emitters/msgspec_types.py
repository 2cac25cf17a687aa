"""Types of msgspec, as `msgspec.json.schema` writes them, with values that msgspec decodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

T = TypeVar("T")


class User(Struct):
    """A user."""

    name: str
    groups: set[str] = set()
    email: str | None = None


class Ranges(Struct):
    age: Annotated[int, Meta(ge=0, le=150)]
    ratio: Annotated[float, Meta(gt=0, lt=1)]
    step: Annotated[int, Meta(multiple_of=5)]
    price: Annotated[float, Meta(ge=0, le=99.95)]
    total: Annotated[Decimal | None, Meta(description="exact")] = None


class Texts(Struct):
    slug: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", max_length=20)]
    digit: Annotated[str, Meta(pattern=r"[0-9]")]
    short: Annotated[str, Meta(min_length=1, max_length=4, title="Short", examples=["ab"])]
    raw: Annotated[bytes, Meta(max_length=30)] = b""


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    LOW = 1
    HIGH = 3


class Enums(Struct):
    colour: Colour
    level: Level
    mode: Literal["a", "b"]
    code: Literal[1, 2, None]
    mixed: Literal["x", 1]


class Times(Struct):
    at: datetime
    day: date
    id: UUID
    aware: Annotated[datetime, Meta(tz=True)] | None = None
    clock: Annotated[time, Meta(tz=True)] | None = None
    lasts: timedelta | None = None


class Containers(Struct):
    pair: tuple[int, str]
    many: tuple[float, ...]
    unique: frozenset[int]
    few: Annotated[list[int], Meta(min_length=1, max_length=3)]
    by_name: dict[str, int] = {}
    by_short: dict[Annotated[str, Meta(max_length=2)], bool] = {}
    by_int: dict[int, str] = {}
    sized: Annotated[dict[str, int], Meta(max_length=2)] = {}


class Closed(Struct, forbid_unknown_fields=True, rename="camel"):
    first_name: str
    last_seen: datetime | UnsetType = UNSET
    kind_of: str = field(name="kind", default="x")


class Array(Struct, array_like=True):
    x: int
    y: float = 0.5


class ClosedArray(Struct, array_like=True, forbid_unknown_fields=True, tag="p"):
    x: int
    y: int


class Get(Struct, tag="get"):
    key: str


class Put(Struct, tag="put"):
    key: str
    value: int | str


class Pop(Struct, tag="pop"):
    key: str
    wait: bool = False


class One(Struct, tag_field="v", tag=1):
    a: int


class Two(Struct, tag_field="v", tag=2):
    b: str


class Request(Struct):
    action: Get | Put | Pop
    version: One | Two | None = None


class Tree(Struct):
    value: int
    children: list[Tree] = []


class Leaf(Struct, tag=True):
    value: float


class Branch(Struct, tag=True):
    left: Leaf | Branch
    right: Leaf | Branch | None = None


class Page(Struct, Generic[T]):
    items: list[T]
    next: str | None = None


class Point(NamedTuple):
    x: float
    y: float = 0


class Movie(TypedDict, total=False):
    title: str
    year: int


@dataclass
class Item:
    sku: str
    count: int = 1


@attrs.define
class Order:
    items: list[Item]
    paid: bool = False
    note: str | None = None


@dataclass
class Case:
    """A type, with JSON values of which msgspec decodes the valid ones."""

    id: str
    type: Any
    valid: Sequence[Any]
    invalid: Sequence[Any]

    def row(self) -> dict[str, Any]:
        decoded = [msgspec.json.decode(json.dumps(value), type=self.type) for value in self.valid]
        encoded = [json.loads(msgspec.json.encode(value)) for value in decoded]
        return {
            "id": f"msgspec/{self.id}",
            "emitter": f"msgspec {msgspec.__version__}",
            "schema": msgspec.json.schema(self.type),
            "valid": [*self.valid, *encoded],
            "invalid": list(self.invalid),
        }


AT = "2024-02-29T12:30:00Z"
ID = "2eb8aa08-aa98-41ea-b4aa-73b441d16380"

CASES = [
    Case("user", User, [{"name": "a"}, {"name": "", "groups": ["x", "y"], "email": None}], [{}, {"name": 1}]),
    Case("ranges", Ranges, [{"age": 0, "ratio": 0.5, "step": -10, "price": 99.9},
                            {"age": 150, "ratio": 1e-6, "step": 0, "price": 99.95, "total": "1.50"}],
         [{"age": -1, "ratio": 0.5, "step": 0, "price": 0}, {"age": 0, "ratio": 1, "step": 0, "price": 0},
          {"age": 0, "ratio": 0.5, "step": 1, "price": 0}, {"age": 0, "ratio": 0.5, "step": 0, "price": 99.96}]),
    Case("strings", Texts, [{"slug": "a-b", "digit": "a1", "short": "é"},
                            {"slug": "x", "digit": "1", "short": "abcd", "raw": "aGVsbG8="}],
         [{"slug": "A", "digit": "1", "short": "a"}, {"slug": "a", "digit": "x", "short": "a"},
          {"slug": "a", "digit": "1", "short": ""}, {"slug": "a", "digit": "1", "short": "abcde"}]),
    Case("enums", Enums, [{"colour": "red", "level": 3, "mode": "b", "code": None, "mixed": 1},
                          {"colour": "green", "level": 1, "mode": "a", "code": 2, "mixed": "x"}],
         [{"colour": "RED", "level": 3, "mode": "b", "code": None, "mixed": 1},
          {"colour": "red", "level": 2, "mode": "b", "code": None, "mixed": 1},
          {"colour": "red", "level": 3, "mode": "b", "code": 3, "mixed": 1}]),
    Case("times", Times, [{"at": AT, "day": "2024-02-29", "id": ID},
                          {"at": AT, "day": "1999-12-31", "id": ID, "aware": "2024-01-01T00:00:00.5+02:00",
                           "clock": "12:30:00Z", "lasts": "P3DT4H"}],
         [{"at": AT, "day": "2023-02-29", "id": ID}, {"at": "now", "day": "2024-02-29", "id": ID},
          {"at": AT, "day": "2024-02-29", "id": "x"}]),
    Case("containers", Containers, [{"pair": [1, "a"], "many": [], "unique": [], "few": [1]},
                                    {"pair": [1, "a"], "many": [0.5], "unique": [1, 2], "few": [1, 2, 3],
                                     "by_name": {"a": 1}, "by_short": {"ab": True}, "by_int": {"1": "a"},
                                     "sized": {"a": 1, "b": 2}}],
         [{"pair": [1], "many": [], "unique": [], "few": [1]}, {"pair": [1, "a"], "many": [], "unique": [], "few": []},
          {"pair": [1, "a"], "many": [], "unique": [], "few": [1], "by_short": {"abc": True}},
          {"pair": [1, "a"], "many": [], "unique": [], "few": [1], "sized": {"a": 1, "b": 2, "c": 3}}]),
    Case("closed-renamed", Closed, [{"firstName": "a"}, {"firstName": "a", "lastSeen": AT, "kind": "b"}],
         [{"first_name": "a"}, {"firstName": "a", "x": 1}]),
    Case("array-like", Array, [[1], [1, 2.5], [1, 2, "more"]], [[], ["a"], [1, "b"], {"x": 1}]),
    Case("array-like-closed", ClosedArray, [["p", 1, 2]], [["p", 1], ["q", 1, 2], ["p", 1, 2, 3]]),
    Case("tagged", Get | Put | Pop, [{"type": "get", "key": "a"}, {"type": "put", "key": "a", "value": 1},
                                     {"type": "pop", "key": "a", "wait": True}],
         [{"type": "get"}, {"type": "put", "key": "a"}, {"type": "del", "key": "a"}, {"key": "a"}]),
    Case("tagged-by-integer", One | Two, [{"v": 1, "a": 1}, {"v": 2, "b": "x"}],
         [{"v": 1, "b": "x"}, {"v": 3}, {"a": 1}]),
    Case("tagged-members", Request, [{"action": {"type": "get", "key": "a"}},
                                     {"action": {"type": "put", "key": "a", "value": "b"},
                                      "version": {"v": 2, "b": ""}},
                                     {"action": {"type": "pop", "key": ""}, "version": None}],
         [{"action": {"type": "get"}}, {"action": {"type": "get", "key": "a"}, "version": {"v": "1", "a": 1}}]),
    Case("tree", Tree, [{"value": 1}, {"value": 1, "children": [{"value": 2, "children": [{"value": 3}]}]}],
         [{"value": 1, "children": [{}]}, {}]),
    Case("tagged-recursive", Branch, [{"type": "Branch", "left": {"type": "Leaf", "value": 0.5}},
                                      {"type": "Branch",
                                       "left": {"type": "Branch", "left": {"type": "Leaf", "value": 1}},
                                       "right": {"type": "Leaf", "value": -2}}],
         [{"type": "Leaf", "value": 1}, {"type": "Branch", "left": {"type": "Leaf"}}, {"left": {}}]),
    Case("generic", Page[User], [{"items": []}, {"items": [{"name": "a"}], "next": "b"}], [{"items": [{}]}, {}]),
    Case("generic-nested", Page[Page[int]], [{"items": [{"items": [1]}]}], [{"items": [{"items": ["a"]}]}]),
    Case("named-tuple", list[Point], [[], [[1, 2], [0.5]]], [[[]], [["a"]], [[1, 2, "c"], [1, "b"]]]),
    Case("typed-dict", Movie, [{}, {"title": "Alien", "year": 1979}], [{"year": "x"}, []]),
    Case("attrs", Order, [{"items": []},
                          {"items": [{"sku": "a"}, {"sku": "b", "count": 2}], "paid": True, "note": "n"}],
         [{"items": [{}]}, {"paid": True}]),
    Case("union-of-scalars", int | float | str | bool | None, [1, 0.5, "a", True, None], [[], {}]),
    Case("mixed-union", list[int] | dict[str, str] | int, [[1], {"a": "b"}, 5], ["a", 0.5, {"a": 1}, ["x"]]),
    Case("any", dict[str, Any], [{}, {"a": [1, None, {"b": 0.5}]}], [[], 1]),
]  # fmt: skip

if __name__ == "__main__":
    for case in CASES:
        print(json.dumps(case.row(), ensure_ascii=False))
