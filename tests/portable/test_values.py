"""Values of Python types, from the portable engine and the embedded model."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from outlines import types
from outlines.types import dsl
from pydantic import BaseModel, Field

from latticework import Truncated, blocking, create_app, embedded, response_format
from latticework.engines.portable import PortableArgs, PortableEngine
from latticework.inprocess.blocking import Blocking


class Kind(enum.Enum):
    CUSTOMER = "customer"
    EMPLOYEE = "employee"


class Person(BaseModel):
    name: Annotated[str, Field(max_length=20)]
    age: int = Field(ge=0, le=150)
    kind: Kind


TOLD = "Ada Lovelace, 36, works for us."


@pytest.fixture(scope="module")
def llm() -> Iterator[Blocking]:
    engine = PortableEngine(PortableArgs(str(embedded.model_path()), device="cpu"))
    with blocking(create_app(engine)) as llm:
        yield llm


def test_a_model(llm: Blocking) -> None:
    *parts, last = llm.stream(TOLD, output=Person, temperature=0, max_tokens=100)
    assert isinstance(last.value, Person)
    assert last.value == Person.model_validate_json("".join(part.delta for part in parts))


def test_small_types(llm: Blocking) -> None:
    assert llm.complete("Is Oslo in Norway?", output=bool) in (True, False)
    assert llm.complete("How is it?", output=Literal["good", "bad"]) in ("good", "bad")
    with pytest.raises(Truncated):
        llm.complete(TOLD, output=Person, max_tokens=3)


def test_outlines_terms(llm: Blocking) -> None:
    assert llm.complete("When?", output=types.Regex(r"[0-9]{2}:[0-9]{2}"))[2] == ":"
    assert llm.complete("Where to?", output=types.CFG('start: "to " ("Oslo" | "Rome")')) in ("to Oslo", "to Rome")
    assert llm.complete("Which?", output=types.Choice(["one", "two"])) in ("one", "two")
    either = dsl.either("yes", "no") + "!"
    assert llm.complete("Well?", output=either) in ("yes!", "no!")
    term = types.JsonSchema({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"],
                             "additionalProperties": False})  # fmt: skip
    assert llm.complete("Ok?", output=term)["ok"] in (True, False)
    assert response_format(term)["json_schema"]["schema"]["required"] == ["ok"]
    with pytest.raises(TypeError, match="structured_outputs"):
        response_format(types.Regex("a"))
