"""LangGraph's own packages, in an environment of their own, against a server. The real one is in tests/e2e/."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from tests.examples.environment import python_with
from tests.scripted import Script, ScriptedEngine
from tests.serving import served

AGENT = Path(__file__).parents[2] / "examples" / "agent"
QUESTION = "What are three desk lamps, sent to Bergen?"
CALLS = (
    '<tool_call>\n{"name": "price", "arguments": {"article": "desk lamp", "quantity": 3}}\n</tool_call>\n'
    '<tool_call>\n{"name": "delivery", "arguments": {"city": "Bergen"}}\n</tool_call>'
)
OFFER = '{"euros": 120.0, "days": 4, "summary": "Three lamps, in four days."}'


@pytest.fixture(scope="module")
def python() -> Path:
    return python_with("langgraph", AGENT / "requirements.txt")


def ask(python: Path, url: str, model: str, key: str = "none") -> tuple[Any, str]:
    """Its answer, and what it tells of its steps."""
    command = [str(python), str(AGENT / "agent.py"), QUESTION, "--url", f"{url}/v1", "--model", model]
    environ = {**os.environ, "LATTICEWORK_API_KEY": key, "LANGSMITH_TRACING": "false"}
    environ.pop("PYTHONPATH", None)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), done.stderr


def says_in_turn(*answers: str) -> Script:
    """The last of them for ever."""
    left = list(answers)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece(left.pop(0) if len(left) > 1 else left[0], (0,), finish="stop")

    return script


def answered(python: Path, engine: ScriptedEngine) -> tuple[Any, str]:
    with served(create_app(engine), Settings()) as server:
        return ask(python, "http://{}:{}".format(*server.address), "scripted")


def test_a_question_its_tools_and_an_answer_in_form(python: Path) -> None:
    engine = ScriptedEngine(says_in_turn(CALLS, OFFER))
    offer, answer = answered(python, engine)
    assert offer == json.loads(OFFER)
    assert "120.00 euros" in answer and "4 days" in answer
    first_prompt, second_prompt = engine.prompts
    assert QUESTION in first_prompt and "120.00 euros" not in first_prompt
    assert "120.00 euros" in second_prompt and "4 days" in second_prompt


def test_its_turns_are_bounded(python: Path) -> None:
    """Called for ever, the tools are not offered in the last turn."""
    engine = ScriptedEngine(says_in_turn(*[CALLS] * 4, OFFER))
    offer, _ = answered(python, engine)
    assert offer == json.loads(OFFER)
    assert len(engine.asked) == 5
    first, *middle, last = (sampling.grammar or "" for sampling in engine.asked)
    assert all("<tool_call>" in grammar for grammar in (first, *middle))
    assert "<tool_call>" not in last
    assert len({first, *middle, last}) == 3
