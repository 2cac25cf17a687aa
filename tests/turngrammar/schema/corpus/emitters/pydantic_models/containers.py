"""Optional members, lists, tuples, sets, dictionaries, recursion and settings of models."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, Required, TypeVar
from uuid import UUID

from case import Case
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    RootModel,
    StringConstraints,
    computed_field,
    conlist,
    conset,
)
from pydantic.alias_generators import to_camel
from shared import ADDRESS, MOMENT, Address, Failure
from typing_extensions import TypedDict

T = TypeVar("T")


K = TypeVar("K")


class User(BaseModel):
    """A person."""

    id: int
    name: str = "Jane"
    signup: datetime | None = None
    friends: list[int] = []
    address: Address | None = Field(None, description="Where they live")


class Nullables(BaseModel):
    required_nullable: int | None
    optional: int = 0
    optional_nullable: str | None = None
    constrained: Annotated[int, Field(ge=0)] | None = None
    outer: Annotated[str | None, Field(max_length=5)] = None
    nullable_list: list[str | None] | None = None
    model: Address | None = None
    several: int | str | list[int] | None = None
    anything: Any
    nothing: None = None


class Point(NamedTuple):
    x: float
    y: float
    label: str = ""


class Containers(BaseModel):
    fixed: tuple[int, str, bool]
    homogeneous: tuple[float, ...]
    empty: tuple[()] = ()
    tags: set[str] = set()
    frozen: frozenset[int] = frozenset()
    point: Point
    bounded: conlist(int, min_length=1, max_length=3)
    unique: conset(int, max_length=4)
    matrix: list[list[float]]
    bag: dict[str, list[int]] = {}


class Keyed(BaseModel):
    by_int: dict[int, str] = {}
    by_pattern: dict[Annotated[str, StringConstraints(pattern=r"^[A-Z_]+$")], str] = {}
    by_short: dict[Annotated[str, StringConstraints(max_length=3)], float] = {}
    by_literal: dict[Literal["en", "fr"], str] = {}
    by_uuid: dict[UUID, int] = {}
    nested: dict[str, dict[str, bool]] = {}
    sized: Annotated[dict[str, int], Field(min_length=1, max_length=2)] = {"a": 1}


class Movie(TypedDict, total=False):
    title: Required[str]
    year: int
    genres: list[str]


class Strict(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")
    name: str
    age: NotRequired[int]


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list)


@dataclass
class Item:
    sku: str
    quantity: int = 1
    price: Decimal = Decimal("0")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int
    b: str | None = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]
    name: str


class Aliased(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    first_name: str
    last_login_at: datetime | None = None
    class_: str = Field(alias="class")
    dashed: int = Field(0, validation_alias="dashed-name", serialization_alias="dashed-name")


class Documented(BaseModel):
    """Models a described reference: the description stands beside `$ref`."""

    home: Address = Field(description="The first address", examples=[{"street": "a", "city": "b", "zip": "12345"}])
    work: Address = Field(default=Address(street="s", city="c", zip="00000"), deprecated=True)
    note: str = Field("", title="Note", json_schema_extra={"x-order": 3, "widget": "textarea"})


class Computed(BaseModel):
    width: float
    height: float = 1.0
    when: datetime | None = None
    price: Decimal = Decimal("1.50")
    lasts: timedelta = timedelta(seconds=90)

    @computed_field
    @property
    def area(self) -> float:
        return self.width * self.height


class Checked(BaseModel):
    odd: Annotated[int, AfterValidator(lambda value: value), Field(ge=1)]
    root: RootModel[list[int]]


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: Annotated[int, Field(ge=0)]
    next: str | None = None


class Result(BaseModel, Generic[T, K]):
    data: T | None = None
    error: K | None = None


class Tree(BaseModel):
    value: str
    left: Tree | None = None
    right: Tree | None = None


class Folder(BaseModel):
    name: str
    entries: list[Folder | File] = []


class File(BaseModel):
    name: str
    bytes: Annotated[int, Field(ge=0)]


class Expression(BaseModel):
    op: Literal["+", "-", "*", "/"]
    left: Expression | float
    right: Expression | float


class Menu(RootModel[dict[str, "Menu | str"]]):
    pass


class Level4(BaseModel):
    value: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class Level3(BaseModel):
    level: dict[str, list[Level4]]


class Level2(BaseModel):
    level: list[Level3 | None]


class Level1(BaseModel):
    level: Level2
    extra: list[dict[str, tuple[Level4, ...]]] = []


CASES = [
    Case("user", User, [{"id": 1}, {"id": -5, "name": "", "signup": MOMENT, "friends": [1, 2], "address": ADDRESS}],
         [{}, {"id": "x"}, {"id": 1, "signup": "yesterday"}, {"id": 1, "address": {**ADDRESS, "zip": "1"}}]),
    Case("user-serialization", User, [{"id": 1}, {"id": 2, "signup": MOMENT}], [{"id": 1}], "serialization"),
    Case("nullables", Nullables,
         [{"required_nullable": None, "anything": {"a": [1, None]}},
          {"required_nullable": 5, "optional": 1, "optional_nullable": "x", "constrained": 0, "outer": "abcde",
           "nullable_list": ["a", None], "model": ADDRESS, "several": [1], "anything": None, "nothing": None}],
         [{"anything": 1}, {"required_nullable": None}, {"required_nullable": None, "anything": 1, "optional": None},
          {"required_nullable": None, "anything": 1, "constrained": -1},
          {"required_nullable": None, "anything": 1, "outer": "abcdef"},
          {"required_nullable": None, "anything": 1, "nothing": 0}]),
    Case("containers", Containers,
         [{"fixed": [1, "a", True], "homogeneous": [], "point": [1, 2.5], "bounded": [1], "unique": [], "matrix": [[]]},
          {"fixed": [1, "a", False], "homogeneous": [0.1, -2], "empty": [], "tags": ["a", "b"], "frozen": [3, 1],
           "point": [1, 2, "p"], "bounded": [1, 2, 3], "unique": [1, 2], "matrix": [[1, 2], [3, 4.5]],
           "bag": {"x": [1]}}],
         [{"fixed": [1, "a"], "homogeneous": [], "point": [1, 2], "bounded": [1], "unique": [], "matrix": []},
          {"fixed": [1, "a", True, 2], "homogeneous": [], "point": [1, 2], "bounded": [1], "unique": [], "matrix": []},
          {"fixed": [1, "a", True], "homogeneous": [], "point": [1], "bounded": [1], "unique": [], "matrix": []},
          {"fixed": [1, "a", True], "homogeneous": [], "point": [1, 2], "bounded": [], "unique": [], "matrix": []},
          {"fixed": [1, "a", True], "homogeneous": [], "point": [1, 2], "bounded": [1], "unique": [1, 1],
           "matrix": []}]),
    Case("dict-keys", Keyed,
         [{}, {"by_int": {"1": "a"}, "by_pattern": {"A_B": "c"}, "by_short": {"abc": 1.5}, "by_literal": {"en": "hi"},
               "by_uuid": {"2eb8aa08-aa98-11ea-b4aa-73b441d16380": 1}, "nested": {"a": {"b": True}},
               "sized": {"x": 1, "y": 2}}],
         [{"by_pattern": {"a": "c"}}, {"by_short": {"abcd": 1}}, {"by_literal": {"de": "hallo"}}, {"sized": {}},
          {"sized": {"a": 1, "b": 2, "c": 3}}, {"nested": {"a": {"b": 1}}}]),
    Case("typed-dict", Movie, [{"title": "Alien"}, {"title": "Alien", "year": 1979, "genres": ["horror"]}],
         [{}, {"title": "Alien", "year": "soon"}]),
    Case("typed-dict-closed", Strict, [{"name": "a"}, {"name": "a", "age": 3}], [{"name": "a", "other": 1}, {}]),
    Case("dataclass-tree", Node, [{"value": 1}, {"value": 1, "children": [{"value": 2, "children": [{"value": 3}]}]}],
         [{"value": 1, "children": [{}]}, {"children": []}]),
    Case("dataclass-list", list[Item], [[], [{"sku": "a"}, {"sku": "b", "quantity": 2, "price": "9.99"}]],
         [[{}], [{"sku": "a", "price": "cheap"}], {"sku": "a"}]),
    Case("closed", Closed, [{"a": 1}, {"a": 1, "b": None}, {"a": 1, "b": "x"}], [{"a": 1, "c": 1}, {"b": "x"}]),
    Case("typed-extra", Open, [{"name": "a"}, {"name": "a", "x": 1, "y": 2}], [{"name": "a", "x": "y"}, {"x": 1}]),
    Case("aliases", Aliased, [{"firstName": "A", "class": "b"},
                              {"firstName": "A", "class": "b", "lastLoginAt": MOMENT, "dashed-name": 5}],
         [{"first_name": "A", "class_": "b"}, {"firstName": "A"}]),
    Case("described-references", Documented, [{"home": ADDRESS}, {"home": ADDRESS, "work": ADDRESS, "note": "n"}],
         [{}, {"home": {}}, {"home": ADDRESS, "work": None}]),
    Case("computed", Computed, [{"width": 2.5}, {"width": 1, "height": 3, "when": MOMENT}], [{"width": 2.5}, {}],
         "serialization"),
    Case("root-models", Checked, [{"odd": 1, "root": [1, 2]}], [{"odd": 0, "root": []}, {"odd": 1, "root": {}}]),
    Case("generic-page", Page[User], [{"items": [], "total": 0}, {"items": [{"id": 1}], "total": 1, "next": "abc"}],
         [{"items": [{}], "total": 1}, {"items": [], "total": -1}]),
    Case("generic-result", Result[Page[Address], Failure],
         [{}, {"data": {"items": [ADDRESS], "total": 1}}, {"error": {"code": 404, "message": "gone"}}],
         [{"data": {"items": [{}], "total": 1}}, {"error": {"code": "x", "message": ""}}]),
    Case("tree", Tree, [{"value": "a"}, {"value": "a", "left": {"value": "b", "right": {"value": "c", "left": None}}}],
         [{"value": "a", "left": {}}, {"left": None}]),
    Case("mutual-recursion", Folder,
         [{"name": "/"}, {"name": "/", "entries": [{"name": "a", "bytes": 5}, {"name": "b", "entries": []}]}],
         [{"name": "/", "entries": [{"bytes": 1}]}, {"name": "/", "entries": [{}]}]),
    Case("expression", Expression,
         [{"op": "+", "left": 1, "right": 2.5}, {"op": "*", "left": {"op": "-", "left": 1, "right": 2}, "right": 3e8}],
         [{"op": "^", "left": 1, "right": 2}, {"op": "+", "left": 1}, {"op": "+", "left": 1, "right": "2x"}]),
    Case("recursive-root", Menu, [{}, {"File": {"Open": "open"}, "Quit": "quit"}], [{"File": 1}, {"a": {"b": []}}, []]),
    Case("deep", Level1, [{"level": {"level": [None, {"level": {"a": [{"value": -(2**63)}]}}]}},
                          {"level": {"level": []}, "extra": [{"k": [{"value": 2**63 - 1}]}]}],
         [{"level": {"level": [{"level": {"a": [{"value": 2**63}]}}]}}, {"level": []}]),
    Case("json-value", dict[str, JsonValue], [{}, {"a": [1, {"b": None}], "c": 1.5}], [[], 1]),
    Case("list-of-unions", list[int | list[str]], [[1, ["a"], 2], []], [[1.5], [[1]], ["a"]]),
    Case("tuple-of-models", tuple[User, Address], [[{"id": 1}, ADDRESS]], [[ADDRESS, {"id": 1}], [{"id": 1}]]),
]  # fmt: skip
