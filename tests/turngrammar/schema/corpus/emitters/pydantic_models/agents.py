"""Models as agents and extraction pipelines use them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from case import Case
from pydantic import BaseModel, ConfigDict, Field, HttpUrl
from shared import Step


class MathReasoning(BaseModel):
    steps: list[Step]
    final_answer: str


class LineItem(BaseModel):
    description: str
    quantity: Annotated[int, Field(gt=0)]
    unit_price: Annotated[Decimal, Field(max_digits=10, decimal_places=2)]
    tax_rate: Annotated[float, Field(ge=0, le=1)] | None = None


class Invoice(BaseModel):
    number: Annotated[str, Field(pattern=r"^INV-\d{4,8}$")]
    issued: date
    currency: Literal["EUR", "USD", "GBP"]
    lines: Annotated[list[LineItem], Field(min_length=1)]
    metadata: dict[str, str | int | float | bool | None] = {}


class Search(BaseModel):
    """Search the web."""

    action: Literal["search"]
    query: Annotated[str, Field(min_length=1)]
    top_k: Annotated[int, Field(ge=1, le=50)] = 10
    domains: Annotated[list[str], Field(max_length=5)] | None = None


class Respond(BaseModel):
    action: Literal["respond"]
    text: str
    citations: list[HttpUrl] = []


class AgentStep(BaseModel):
    model_config = ConfigDict(extra="forbid")
    thought: str
    next: Annotated[Search | Respond, Field(discriminator="action")]
    confidence: Annotated[float, Field(ge=0, le=1, multiple_of=0.05)]


class Entity(BaseModel):
    name: str
    kind: Literal["PERSON", "ORG", "GPE", "DATE"]
    span: Annotated[tuple[int, int], Field(description="start, end")]
    links: list[Relation] = []


class Relation(BaseModel):
    predicate: Annotated[str, Field(max_length=64)]
    target: Entity


CASES = [
    Case("math-reasoning", MathReasoning,
         [{"steps": [], "final_answer": "x = 2"}, {"steps": [{"explanation": "a", "output": "b"}], "final_answer": ""}],
         [{"steps": [{"explanation": "a"}], "final_answer": ""}, {"steps": []}]),
    Case("invoice", Invoice,
         [{"number": "INV-0001", "issued": "2024-01-31", "currency": "EUR",
           "lines": [{"description": "Pen", "quantity": 2, "unit_price": "1.99"}]},
          {"number": "INV-12345678", "issued": "2024-01-31", "currency": "USD",
           "lines": [{"description": "Pen", "quantity": 1, "unit_price": 19.99, "tax_rate": 0.07}],
           "metadata": {"a": 1, "b": None, "c": 0.5, "d": True, "e": "f"}}],
         [{"number": "INV-1", "issued": "2024-01-31", "currency": "EUR",
           "lines": [{"description": "Pen", "quantity": 2, "unit_price": "1.99"}]},
          {"number": "INV-0001", "issued": "2024-01-31", "currency": "EUR", "lines": []},
          {"number": "INV-0001", "issued": "2024-01-31", "currency": "EUR",
           "lines": [{"description": "Pen", "quantity": 0, "unit_price": "1.99"}]},
          {"number": "INV-0001", "issued": "2024-01-31", "currency": "EUR",
           "lines": [{"description": "Pen", "quantity": 1, "unit_price": "1.999"}]}]),
    Case("agent-step", AgentStep,
         [{"thought": "hm", "next": {"action": "search", "query": "q"}, "confidence": 0.35},
          {"thought": "", "next": {"action": "respond", "text": "a", "citations": ["https://a.b/"]}, "confidence": 1}],
         [{"thought": "hm", "next": {"action": "search", "query": ""}, "confidence": 0.5},
          {"thought": "hm", "next": {"action": "search", "query": "q"}, "confidence": 0.33},
          {"thought": "hm", "next": {"action": "search", "query": "q"}, "confidence": 0.5, "x": 1}]),
    Case("entities", Entity,
         [{"name": "Ada", "kind": "PERSON", "span": [0, 3]},
          {"name": "Ada", "kind": "PERSON", "span": [0, 3],
           "links": [{"predicate": "born in", "target": {"name": "London", "kind": "GPE", "span": [9, 15]}}]}],
         [{"name": "Ada", "kind": "PERSON", "span": [0]}, {"name": "Ada", "kind": "CAT", "span": [0, 3]},
          {"name": "Ada", "kind": "PERSON", "span": [0, 3], "links": [{"predicate": "x" * 65, "target": None}]}]),
]  # fmt: skip
