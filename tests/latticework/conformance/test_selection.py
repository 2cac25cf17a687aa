"""Which format is selected: marks only give candidates; what the template renders decides."""

from __future__ import annotations

import pytest

from latticework.conformance import REQUIRED, SELF_TEST, SelectedFormat, checks, select_format
from latticework.conformance.checks import TurnCheck
from tests.latticework.conformance.made import HERMES, ID_FIRST, template, tokenizer

UNKNOWN = "<call>{{ f.name }}: {{ f.arguments | tojson }}</call>"
NOT_WRITTEN = "'{}' does not match its chat template"


def selected(call: str, marks: str = "", setting: str | None = None) -> SelectedFormat:
    return select_format(template(call, marks=marks), tokenizer(), setting)


def test_what_the_template_writes_is_used_and_held() -> None:
    selection = selected(HERMES)
    assert selection.format.name == "hermes"
    assert selection.why == "its chat template has '<tool_call>'"
    assert (selection.failures, selection.rejected) == ((), ())
    assert [result.case for result in selection.tested if result.mode == "auto"] == list(SELF_TEST)
    assert selection.passed == len(selection.tested) == 7


def test_a_mark_of_another_format_is_rejected_and_the_next_candidate_used() -> None:
    selection = selected(HERMES, marks="[TOOL_CALLS]")
    assert selection.format.name == "hermes"
    assert selection.rejected == (NOT_WRITTEN.format("mistral_v3"),)
    assert selection.why == f"its chat template has '<tool_call>'; {NOT_WRITTEN.format('mistral_v3')}"
    assert selection.failures == ()


def test_where_no_candidate_is_left_the_format_is_inferred() -> None:
    selection = selected(UNKNOWN, marks="<tool_call>")
    assert selection.format.name == "inferred"
    assert selection.reason.startswith("its chat template renders calls in this format")
    assert selection.rejected == (NOT_WRITTEN.format("hermes"),)
    assert selection.failures == ()


def test_fenced_at_last_and_why() -> None:
    selection = selected(ID_FIRST, marks="<tool_call>")
    assert selection.format.name == "fenced"
    assert selection.rejected == (NOT_WRITTEN.format("hermes"),)
    assert selection.why.endswith(NOT_WRITTEN.format("hermes"))


def test_marks_decide_for_a_template_that_renders_no_calls() -> None:
    """Calls in a history are then added to the text in that format."""
    assert [selected("", marks).format.name for marks in ("", "<tool_call>")] == ["fenced", "hermes"]


def test_a_format_that_fails_the_self_test_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(turn: TurnCheck) -> str:
        return "so" if turn.format.name == "hermes" and turn.case.name == REQUIRED else ""

    monkeypatch.setitem(checks.CHECKS, "a check", never)
    selection = selected(HERMES)
    assert selection.format.name == "inferred"
    assert selection.rejected == ("'hermes' fails the self-test (a check: so)",)
    assert selection.failures == ()


def test_a_case_that_is_not_required_is_reported_and_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.CHECKS, "a check", lambda turn: "so" if turn.case.name == "a document" else "")
    selection = selected(HERMES)
    assert selection.format.name == "hermes"
    assert [(result.case, failed.check, failed.detail) for result, failed in selection.failures] == [
        ("a document", "a check", "so")
    ]
    assert selection.passed == len(selection.tested) - 1


def test_the_settings_go_before_the_template() -> None:
    selection = selected(HERMES, setting="hermes")
    assert (selection.format.name, selection.why, selection.failures) == ("hermes", "the settings name it", ())
    selection = selected(HERMES, setting="llama3")
    assert selection.format.name == "llama3"
    assert selection.why == "the settings name it, though its chat template writes another"
    assert {result.case for result, _ in selection.failures} >= {REQUIRED}


def test_reasoning_are_fitted_whoever_chose_the_format() -> None:
    for setting in (None, "hermes"):
        frame = selected(HERMES, setting=setting).format.reasoning
        assert frame
        assert (frame.open, frame.close, frame.gap) == ("<think>", "</think>", "\n\n")


def test_a_turn_that_is_not_shown_is_skipped_with_the_reason() -> None:
    single = "{% if m.tool_calls | length > 1 %}{{ raise_exception('one call') }}{% endif %}" + HERMES
    skipped = {result.case: result.skipped for result in selected(single).results if result.skipped}
    assert skipped == {"parallel calls": "the template renders one call per turn"}
