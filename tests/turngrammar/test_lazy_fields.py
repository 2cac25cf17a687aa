"""A plan that crosses processes is the same plan, and most of it stays bytes until somebody asks."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from turngrammar.formats import FORMATS
from turngrammar.lazy_fields import SLICE
from turngrammar.plan import Plan, compile_turn
from turngrammar.turn import ClientGrammar, JsonContent, TextInput, Tool, Turn

TOOLS = (
    Tool("a", parameters={"properties": {"x": {"type": "string", "pattern": r"\bx"}}}),
    Tool("b", input=TextInput()),
)
LARGE = {"properties": {f"p{n}": {"type": "integer"} for n in range(SLICE)}}


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())
def test_a_plan_crosses_processes(format: Any) -> None:
    content = None if format.alone else JsonContent(LARGE)
    for turn in (
        Turn(format, TOOLS),
        Turn(format, content=content),
        Turn(format, content=ClientGrammar("choice", ("x", "y"))),
    ):
        plan = compile_turn(turn)
        again: Plan = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(plan))))
        assert again == plan
        assert again.report == plan.report
        assert again.checked == plan.checked
        assert again.exact == plan.exact
        assert again.violations("no", []) == plan.violations("no", [])


def test_what_nobody_asks_for_is_not_unpacked() -> None:
    plan = compile_turn(Turn(FORMATS["hermes"], content=JsonContent(LARGE)))
    again: Plan = pickle.loads(pickle.dumps(plan))
    assert again.document and plan.document
    assert "report" not in vars(again)
    assert not {"schema", "lowered", "report"} & vars(again.document).keys()
    assert again.document.schema == plan.document.schema
    assert len(again.report) > SLICE
    with pytest.raises(AttributeError, match="nothing"):
        again.nothing  # type: ignore[attr-defined]  # noqa: B018
