"""Types and values that several modules use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class Address(BaseModel):
    street: str
    city: str
    zip: Annotated[str, Field(pattern=r"^\d{5}(-\d{4})?$")]


class Failure(BaseModel):
    code: int
    message: str


class Step(BaseModel):
    explanation: str
    output: str


ADDRESS = {"street": "1 High St", "city": "Zürich", "zip": "80331"}


MOMENT = "2024-02-29T12:30:00Z"
