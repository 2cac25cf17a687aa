"""openai's client, the app and the engine in one program."""

from __future__ import annotations

import asyncio

import pytest

from examples import in_process
from examples.in_process import TEXTS, Person
from tests.scripted import ScriptedEngine


def test_people_are_found(engine: ScriptedEngine) -> None:
    people = asyncio.run(in_process.people(engine, TEXTS))
    assert [type(person) for person in people] == [Person] * len(TEXTS)
    assert all(text in "".join(engine.prompts) for text in TEXTS)
    assert engine.starts == 0


def test_as_a_program(engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    in_process.main()
    assert capsys.readouterr().out.count("name=") == len(TEXTS)
