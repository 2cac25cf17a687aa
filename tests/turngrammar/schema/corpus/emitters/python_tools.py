"""Functions and models as frameworks of agents and of web services describe them; see CASES for which.

The values are checked by the builder only: what these frameworks do with arguments is Pydantic's doing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Annotated, Any, Literal

import agents
import fastapi
import instructor
import langchain_core.tools
import marshmallow_jsonschema
import smolagents
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from langchain_core.utils.function_calling import convert_to_openai_tool
from marshmallow import Schema, fields, validate
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

Unit = Literal["celsius", "fahrenheit"]


class Place(BaseModel):
    city: str = Field(description="City name", min_length=1)
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")


def forecast(place: Place, days: Annotated[int, Field(ge=1, le=14)] = 3, unit: Unit = "celsius") -> str:
    """Forecast the weather.

    Args:
        place: where
        days: how many days
        unit: the unit of temperatures
    """
    return ""


def search(query: str, filters: dict[str, str] | None = None, limit: int = 10, fields: list[str] | None = None) -> str:
    """Search documents.

    Args:
        query: what to search
        filters: values by field
        limit: at most so many
        fields: which to return
    """
    return ""


class Step(BaseModel):
    explanation: str
    output: str


class Reasoning(BaseModel):
    steps: list[Step]
    answer: float | None
    kind: Literal["exact", "approximate"]


class Node(BaseModel):
    name: str
    children: list[Node]
    parent: Node | None = None


class Order(Schema):
    id = fields.Integer(required=True, strict=True)
    email = fields.Email(required=True)
    placed = fields.DateTime()
    lines = fields.List(fields.Nested("Line"), validate=validate.Length(min=1, max=5))
    status = fields.String(validate=validate.OneOf(["new", "paid"]), load_default="new")
    note = fields.String(allow_none=True)
    discount = fields.Float(validate=validate.Range(min=0, max=1, max_inclusive=False))
    site = fields.Url()
    key = fields.UUID()
    extra = fields.Dict(keys=fields.String(), values=fields.Integer())


class Line(Schema):
    sku = fields.String(required=True, validate=validate.Regexp(r"^[A-Z]{3}-\d+$"))
    count = fields.Integer(validate=validate.Range(min=1))
    price = fields.Decimal(places=2, as_string=True)


def marshmallow_components(openapi: str) -> dict[str, Any]:
    spec = APISpec(title="t", version="1", openapi_version=openapi, plugins=[MarshmallowPlugin()])
    spec.components.schema("Order", schema=Order)
    return dict(spec.to_dict()["components"]["schemas"])


def whole(components: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A schema of a document's components, with the others that it refers to."""
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": components}}


def fastapi_components() -> dict[str, Any]:
    app = fastapi.FastAPI()

    @app.post("/forecast")
    def post(
        place: Place, token: Annotated[str, fastapi.Header()], upload: Annotated[bytes, fastapi.File()] = b""
    ) -> Node:
        raise NotImplementedError

    return dict(app.openapi()["components"]["schemas"])


def langchain(function: Callable[..., Any], strict: bool | None = None) -> Any:
    return convert_to_openai_tool(langchain_core.tools.tool(function), strict=strict)["function"]["parameters"]


def openai_agents(function: Callable[..., Any], strict: bool = True) -> Any:
    return agents.function_tool(function, strict_mode=strict).params_json_schema


def smol(function: Callable[..., Any]) -> Any:
    return smolagents._function_type_hints_utils.get_json_schema(function)["function"]["parameters"]


FORECASTS = (
    [{"place": {"city": "Paris"}}, {"place": {"city": "Paris", "country": "FR"}, "days": 14, "unit": "fahrenheit"},
     {"place": {"city": "Paris", "country": None}, "days": 1, "unit": "celsius"}],
    [{"place": {"city": ""}}, {"place": {}}, {"place": {"city": "a", "country": "fr"}, "days": 1, "unit": "celsius"},
     {"place": {"city": "a", "country": None}, "days": 15, "unit": "celsius"}],
)  # fmt: skip
SEARCHES = (
    [{"query": "a"}, {"query": "", "filters": {"a": "b"}, "limit": 5, "fields": ["x"]},
     {"query": "a", "filters": None, "limit": 10, "fields": None}],
    [{}, {"query": 1}, {"query": "a", "filters": {"a": 1}, "limit": 1, "fields": None}, {"query": "a", "fields": [1]}],
)  # fmt: skip
REASONING = (
    [{"steps": [], "answer": None, "kind": "exact"},
     {"steps": [{"explanation": "a", "output": "b"}], "answer": -0.5, "kind": "approximate"}],
    [{"steps": [{"explanation": "a"}], "answer": 1, "kind": "exact"}, {"steps": [], "answer": "1", "kind": "exact"}],
)  # fmt: skip
NODES = (
    [{"name": "a", "children": [], "parent": None},
     {"name": "a", "children": [{"name": "b", "children": [], "parent": None}], "parent": None}],
    [{"name": "a", "children": [{}], "parent": None}, {"children": []}],
)  # fmt: skip
LINE = {"sku": "ABC-1", "count": 2, "price": 9.99}
ORDERS = (
    [{"id": 1, "email": "a@b.de"},
     {"id": 2, "email": "a@b.de", "placed": "2024-01-01T00:00:00Z", "lines": [LINE], "status": "paid", "note": None,
      "discount": 0.5, "site": "https://a.b/", "key": "2eb8aa08-aa98-41ea-b4aa-73b441d16380", "extra": {"a": 1}}],
    [{"id": "a", "email": "a@b.de"}, {"id": 1}, {"id": 1, "email": "a@b.de", "lines": []},
     {"id": 1, "email": "a@b.de", "status": "old"}, {"id": 1, "email": "a@b.de", "discount": -1}],
)  # fmt: skip
PLACES = [{"city": "Paris"}, {"city": "P", "country": "FR"}], [{"city": ""}, {"city": "a", "country": "fr"}, {}]


def cases() -> Iterator[tuple[str, str, Any, tuple[list[Any], list[Any]]]]:
    yield "langchain/forecast", "langchain-core", langchain(forecast), FORECASTS
    yield "langchain/search", "langchain-core", langchain(search), SEARCHES
    yield "langchain/search-strict", "langchain-core", langchain(search, strict=True), SEARCHES
    yield "openai-agents/forecast-strict", "openai-agents", openai_agents(forecast), FORECASTS
    yield "openai-agents/forecast", "openai-agents", openai_agents(forecast, strict=False), FORECASTS
    yield "openai-agents/search", "openai-agents", openai_agents(search, strict=False), SEARCHES
    yield "openai/reasoning", "openai", to_strict_json_schema(Reasoning), REASONING
    yield "openai/recursive", "openai", to_strict_json_schema(Node), NODES
    yield "openai/place", "openai", to_strict_json_schema(Place), PLACES
    yield (
        "instructor/reasoning",
        "instructor",
        instructor.openai_schema(Reasoning).openai_schema["parameters"],
        REASONING,
    )
    yield "instructor/recursive", "instructor", instructor.openai_schema(Node).openai_schema["parameters"], NODES
    yield "smolagents/search", "smolagents", smol(search), SEARCHES
    yield "fastapi/place", "fastapi", whole(fastapi_components(), "Place"), PLACES
    yield "fastapi/recursive", "fastapi", whole(fastapi_components(), "Node"), NODES
    yield "fastapi/error", "fastapi", whole(fastapi_components(), "HTTPValidationError"), (
        [{}, {"detail": [{"loc": ["body", 0], "msg": "m", "type": "t"}]}], [{"detail": [{"loc": [], "msg": "m"}]}]
    )  # fmt: skip
    yield "marshmallow/openapi-3.0", "apispec", whole(marshmallow_components("3.0.3"), "Order"), ORDERS
    yield "marshmallow/openapi-3.1", "apispec", whole(marshmallow_components("3.1.0"), "Order"), ORDERS
    yield "marshmallow/json-schema", "marshmallow-jsonschema", marshmallow_jsonschema.JSONSchema().dump(Order()), ORDERS


def main() -> None:
    for name, package, schema, (valid, invalid) in cases():
        row = {"id": name, "emitter": f"{package} {version(package)}", "schema": schema}
        if name.endswith("openapi-3.0"):
            row["dialect"] = "unnamed"
        print(json.dumps({**row, "valid": valid, "invalid": invalid}))


if __name__ == "__main__":
    main()
