"""What a compile process makes of a request, without the process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from latticework.compiling.compiler import compile_limits
from latticework.compiling.process import compile_with_vocabulary
from latticework.engines.vocabulary import Trial, Vocabulary
from latticework.settings import Settings
from tests.turngrammar.laws import placed
from turngrammar.errors import MESSAGE_LENGTH, InvalidGrammar
from turngrammar.formats import HERMES
from turngrammar.turn import JsonContent, Tool, Turn

LIMITS = compile_limits(Settings())


@dataclass(frozen=True)
class LimitedVocabulary(Vocabulary):
    """Rejects grammars with a certain text, as llguidance rejects what grows too large."""

    rejected: str = ""

    def trial(self, grammar: str, text: str = "") -> Trial:
        return Trial(f"too many items\n{grammar}" * 9) if self.rejected in grammar else super().trial(grammar, text)


def rejecting(text: str) -> LimitedVocabulary:
    return LimitedVocabulary("byte", rejected=text)


TOOLS = placed(Tool("good"), Tool("large"))


def test_a_rejected_grammar_is_the_error_of_the_tool_that_is_rejected_alone() -> None:
    with pytest.raises(InvalidGrammar) as caught:
        compile_with_vocabulary(Turn(HERMES, TOOLS), rejecting("large"), LIMITS)
    error = caught.value
    assert (error.tool, error.pointer) == ("large", "/tools/1/arguments")
    assert error.message.startswith("Tool 'large': llguidance rejects the grammar of the tool: too many items.")
    assert len(error.message) <= MESSAGE_LENGTH


def test_a_rejected_tool_is_skipped_if_the_turn_allows_it() -> None:
    compiled = compile_with_vocabulary(Turn(HERMES, TOOLS, skips_bad_tools=True), rejecting("large"), LIMITS)
    assert [error.tool for error in compiled.plan.skipped] == ["large"]
    assert [tool.name for tool in compiled.plan.tools] == ["good"]
    assert compiled.plan.report[-1].status == "refused"
    assert compiled.trial.error is None


def test_where_no_tool_is_rejected_alone_the_content_is_at_fault() -> None:
    content = JsonContent({"const": "rejected"}, "/answer")
    with pytest.raises(InvalidGrammar) as caught:
        compile_with_vocabulary(Turn(HERMES, TOOLS, content=content), rejecting("rejected"), LIMITS)
    assert (caught.value.tool, caught.value.pointer) == ("", "/answer")


class SmallVocabulary(LimitedVocabulary):
    """Rejects grammars beyond a size, as llguidance does beyond a number of items."""

    def trial(self, grammar: str, text: str = "") -> Trial:
        return Trial("too many items") if len(grammar) > 3000 else super().trial(grammar, text)


def test_what_llguidance_rejects_is_split_into_fewer_alternatives_and_checked() -> None:
    needs = {f"a{index}": [f"b{index}"] for index in range(5)}
    schema = {"type": "object", "properties": {f"b{index}": {} for index in range(5)}, "dependentRequired": needs}
    turn = Turn(HERMES, content=JsonContent(schema, "/schema"), open_objects=True)
    assert compile_with_vocabulary(turn, Vocabulary("byte"), LIMITS).plan.exact
    plan = compile_with_vocabulary(turn, SmallVocabulary("byte", rejected="\0"), LIMITS).plan
    assert not plan.exact
    assert ("/schema", "dependentRequired") in {(finding.pointer, finding.keyword) for finding in plan.checked}


def test_objects_that_are_too_many_alternatives_are_replaced_by_fewer() -> None:
    names = [[f"{letter}{index}" for letter in "abcdefghij"] for index in range(70)]
    branches = [{"type": "object", "properties": {name: {"const": name} for name in few}} for few in names]
    turn = Turn(HERMES, content=JsonContent({"anyOf": branches}, "/schema"))
    compiled = compile_with_vocabulary(turn, Vocabulary("byte"), LIMITS)
    assert compiled.trial.error is None
    assert ("/schema", "anyOf") in {(finding.pointer, finding.keyword) for finding in compiled.plan.checked}
