"""Selects the wire format of a model: the first candidate that agrees with its chat template and its tokenizer.

A chat template shows in a conversation's history how the model was trained to write a turn. Such turns, in tokens, are
checked against the grammars that a server would use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from latticework.conformance.cases import CASES, Case
from latticework.conformance.checks import WHITESPACE, FailedCheck, TurnCheck
from latticework.conformance.fitting import fit_format
from latticework.conformance.transcript import NoTranscript, transcribe
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate
from latticework.prompt.inference import infer_format
from turngrammar.formats import FORMATS, Format, candidates, fenced
from turngrammar.turn import Mode

SELF_TEST = ("one call", "parallel calls", "reasoning, then a call", "a document")
"""The cases that are checked when a model is loaded."""
ALL_CASES = tuple(case.name for case in CASES)
REQUIRED = "one call"
"""The case that a format must pass, whitespace aside, to be selected."""


@dataclass(frozen=True)
class CaseResult:
    """The result of one case under one tool choice.

    Attributes:
        case: the case's name.
        mode: the tool choice.
        failures: the checks that failed.
        skipped: why the case was not checked; "" where it was.
    """

    case: str
    mode: Mode = "auto"
    failures: tuple[FailedCheck, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        return not self.skipped and not self.failures


@dataclass(frozen=True)
class SelectedFormat:
    """The format in which a model writes calls.

    Attributes:
        format: fitted to the model's chat template.
        reason: why it was selected.
        results: of the cases that were run.
        rejected: why each candidate before it was not selected.
    """

    format: Format
    reason: str
    results: tuple[CaseResult, ...]
    rejected: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        return "; ".join([self.reason, *self.rejected])

    @property
    def tested(self) -> tuple[CaseResult, ...]:
        return tuple(result for result in self.results if not result.skipped)

    @property
    def untested(self) -> str:
        """Why cases were skipped; "" where none was."""
        return "; ".join(dict.fromkeys(result.skipped for result in self.results if result.skipped))

    @property
    def passed(self) -> int:
        """Number of tested cases in which all checks passed."""
        return sum(result.passed for result in self.results)

    @property
    def failures(self) -> tuple[tuple[CaseResult, FailedCheck], ...]:
        return tuple((result, failed) for result in self.results for failed in result.failures)


def select_format(
    template: ChatTemplate,
    tokenizer: Tokenizer,
    setting: str | None = None,
    response_template: Mapping[str, Any] | None = None,
    cases: Sequence[str] = SELF_TEST,
) -> SelectedFormat:
    """Takes 0.1 to 1 s with the cases of the self-test.

    Args:
        template: the model's, without markup.
        tokenizer: the model's.
        setting: the name of the format that the settings name; it is selected without regard to the template.
        response_template: the checkpoint's own description of its turns, as transformers has it.
        cases: the names of the cases to run, REQUIRED among them.

    Raises:
        PromptError: the template is not valid Jinja.
    """
    return _FormatSelector(template, tokenizer, cases).select(setting, response_template)


@dataclass(frozen=True)
class _FormatSelector:
    template: ChatTemplate
    tokenizer: Tokenizer
    cases: Sequence[str]

    def select(self, setting: str | None, response_template: Mapping[str, Any] | None) -> SelectedFormat:
        if setting is not None:
            return self._from_settings(setting)
        rejected = []
        for format, reason in self._candidates(response_template):
            fitted = self._fitted(format)
            if fitted is None:
                rejected.append(f"'{format.name}' does not match its chat template")
                continue
            selected = self._tested(fitted, reason, rejected)
            failed = next(_disqualifying(selected.results), None)
            if failed is None:
                return selected
            rejected.append(f"'{format.name}' fails the self-test ({failed.check}: {failed.detail})")
        format, reason = fenced(self.template.source, self.tokenizer.special_tokens)
        return self._tested(self._fitted(format) or format, reason, rejected)

    def _from_settings(self, name: str) -> SelectedFormat:
        """The named format with the model's reasoning frame."""
        candidate = next(iter(candidates(self.template.source, self.tokenizer.special_tokens)), None)
        own, _ = candidate or fenced(self.template.source, self.tokenizer.special_tokens)
        format = replace(FORMATS[name], reasoning=own.reasoning)
        fitted = self._fitted(format)
        reason = "the settings name it" if fitted else "the settings name it, though its chat template writes another"
        return self._tested(fitted or format, reason)

    def _candidates(self, response_template: Mapping[str, Any] | None) -> Iterator[tuple[Format, str]]:
        """Formats of known families, then the format inferred from the template; each with its reason."""
        yield from candidates(self.template.source, self.tokenizer.special_tokens)
        special = self.tokenizer.special_tokens
        ends = {text for text, token_id in special.items() if token_id in self.tokenizer.ends}
        inferred, reason = infer_format(self.template, ends, response_template)
        if inferred is not None:
            yield inferred, reason

    def _fitted(self, format: Format) -> Format | None:
        return fit_format(self.template, self.tokenizer, format)

    def _tested(self, format: Format, reason: str, rejected: Sequence[str] = ()) -> SelectedFormat:
        cases = [case for case in CASES if case.name in self.cases]
        results = tuple(result for case in cases for result in self._run_case(format, case))
        return SelectedFormat(format, reason, results, tuple(rejected))

    def _run_case(self, format: Format, case: Case) -> Iterator[CaseResult]:
        """The results under every tool choice that the case has."""
        try:
            transcript = transcribe(self.template, self.tokenizer, format, case)
        except NoTranscript as reason:
            yield CaseResult(case.name, skipped=str(reason))
            return
        for mode in case.modes:
            turn = TurnCheck(format, self.tokenizer.vocabulary, case, transcript, mode)
            yield CaseResult(case.name, mode, tuple(turn.failures()))


def _disqualifying(results: Sequence[CaseResult]) -> Iterator[FailedCheck]:
    for result in results:
        if result.case == REQUIRED:
            yield from (failed for failed in result.failures if failed.check != WHITESPACE)
