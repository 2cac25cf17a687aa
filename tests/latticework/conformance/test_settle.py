"""Which format is settled on: a mark is but a candidate, and what the template writes decides."""

from __future__ import annotations

import pytest

from latticework.conformance import law
from latticework.conformance.law import Trial
from latticework.conformance.settle import DECISIVE, SELF_TEST, Settled, settle
from tests.latticework.conformance.made import HERMES, ID_FIRST, template, tokenizer

UNKNOWN = "<call>{{ f.name }}: {{ f.arguments | tojson }}</call>"
NOT_WRITTEN = "'{}' is not what its chat template writes"


def settled(call: str, marks: str = "", asked: str | None = None) -> Settled:
    return settle(template(call, marks=marks), tokenizer(), asked)


def test_what_the_template_writes_is_used_and_held() -> None:
    found = settled(HERMES)
    assert found.format.name == "hermes"
    assert found.why == "its chat template has '<tool_call>'"
    assert (found.breaches, found.refused) == ((), ())
    assert [verdict.case for verdict in found.tested if verdict.mode == "auto"] == list(SELF_TEST)
    assert found.held == len(found.tested) == 7


def test_a_mark_of_another_format_is_refused_and_the_next_candidate_used() -> None:
    found = settled(HERMES, marks="[TOOL_CALLS]")
    assert found.format.name == "hermes"
    assert found.refused == (NOT_WRITTEN.format("mistral_v3"),)
    assert found.why == f"its chat template has '<tool_call>'; {NOT_WRITTEN.format('mistral_v3')}"
    assert found.breaches == ()


def test_where_no_candidate_is_left_the_format_is_inferred() -> None:
    found = settled(UNKNOWN, marks="<tool_call>")
    assert found.format.name == "inferred"
    assert found.reason.startswith("its chat template renders calls as this format does")
    assert found.refused == (NOT_WRITTEN.format("hermes"),)
    assert found.breaches == ()


def test_fenced_at_last_and_why() -> None:
    found = settled(ID_FIRST, marks="<tool_call>")
    assert found.format.name == "fenced"
    assert found.refused == (NOT_WRITTEN.format("hermes"),)
    assert found.why.endswith(NOT_WRITTEN.format("hermes"))


def test_a_template_that_shows_no_calls_is_believed_in_its_marks() -> None:
    """They stand in its text, perhaps: what it drops of a history is written there in the format."""
    assert [settled("", marks).format.name for marks in ("", "<tool_call>")] == ["fenced", "hermes"]


def test_a_format_that_fails_the_self_test_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(trial: Trial) -> str:
        return "so" if trial.format.name == "hermes" and trial.case.name == DECISIVE else ""

    monkeypatch.setitem(law.PARTS, "a part", never)
    found = settled(HERMES)
    assert found.format.name == "inferred"
    assert found.refused == ("'hermes' fails the self-test (a part: so)",)
    assert found.breaches == ()


def test_a_case_that_is_not_decisive_is_told_and_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(law.PARTS, "a part", lambda trial: "so" if trial.case.name == "a document" else "")
    found = settled(HERMES)
    assert found.format.name == "hermes"
    assert [(verdict.case, breach.part, breach.detail) for verdict, breach in found.breaches] == [
        ("a document", "a part", "so")
    ]
    assert found.held == len(found.tested) - 1


def test_the_settings_go_before_the_template() -> None:
    found = settled(HERMES, asked="hermes")
    assert (found.format.name, found.why, found.breaches) == ("hermes", "the settings say so", ())
    found = settled(HERMES, asked="llama3")
    assert found.format.name == "llama3"
    assert found.why == "the settings say so, and its chat template writes another"
    assert {verdict.case for verdict, _ in found.breaches} >= {DECISIVE}


def test_thoughts_are_fitted_whoever_chose_the_format() -> None:
    for asked in (None, "hermes"):
        frame = settled(HERMES, asked=asked).format.reasoning
        assert frame
        assert (frame.open, frame.close, frame.gap) == ("<think>", "</think>", "\n\n")


def test_a_turn_that_is_not_shown_is_skipped_with_the_reason() -> None:
    one = "{% if m.tool_calls | length > 1 %}{{ raise_exception('one call') }}{% endif %}" + HERMES
    skipped = {verdict.case: verdict.skipped for verdict in settled(one).verdicts if verdict.skipped}
    assert skipped == {"parallel calls": "the template shows one call a turn"}
