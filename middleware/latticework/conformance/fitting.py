"""Fits a wire format to a chat template: whitespace, separators and literals become those that the template prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from latticework.conformance.cases import CASES, Case
from latticework.conformance.transcript import NoTranscript, Transcript, transcribe
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate
from turngrammar.fitting import RenderedTurn, format_as_rendered
from turngrammar.formats import Format, Frame

_SPACE = r"[ \t\r\n]*"


def fit_format(template: ChatTemplate, tokenizer: Tokenizer, format: Format) -> Format | None:
    """The format as the template prints it; None where the template writes calls in another format."""
    turns = list(_fitting_transcripts(template, tokenizer, format))
    samples = [
        RenderedTurn(_without_prefix(format, transcript), case.wire_calls)
        for case, transcript in turns
        if case.calls and not case.reasoning
    ]
    result = format_as_rendered(format, samples)
    with_reasoning = [(case, transcript) for case, transcript in turns if case.reasoning]
    return result and replace(result, reasoning=_fitted_frame(format.reasoning, with_reasoning))


def _fitting_transcripts(
    template: ChatTemplate, tokenizer: Tokenizer, format: Format
) -> Iterator[tuple[Case, Transcript]]:
    """Turns of calls alone, and those that begin with reasoning."""
    for case in CASES:
        if (case.calls and not case.text) or case.reasoning:
            try:
                yield case, transcribe(template, tokenizer, format, case)
            except NoTranscript:
                continue


def _without_prefix(format: Format, transcript: Transcript) -> str:
    """A turn of calls without what its prompt forces before them: reasoning, or the end of a text."""
    text, preamble = transcript.text, format.preamble
    if transcript.reasoning == "answer" and preamble:
        return text.removeprefix(preamble.close + preamble.resume)
    close = format.reasoning.close.strip() if format.reasoning else ""
    return text.partition(close)[2] if close and close in text else text


def _fitted_frame(frame: Frame | None, turns: Sequence[tuple[Case, Transcript]]) -> Frame | None:
    """The reasoning frame with the whitespace that the template prints around it."""
    for case, transcript in turns:
        if frame and (match := re.match(_frame_pattern(frame, case.reasoning), transcript.text)):
            frame = replace(frame, lead=match["lead"] or frame.lead)
            frame = replace(frame, call_gap=match["gap"]) if case.calls else replace(frame, gap=match["gap"])
    return frame


def _frame_pattern(frame: Frame, reasoning: str) -> str:
    begun = frame.open.rstrip() if frame.open[:1].isspace() else frame.open.strip()
    open, close, resume = map(re.escape, (begun, frame.close, frame.resume))
    gap = "" if frame.resume else _SPACE  # whitespace after `resume` does not belong to the frame
    return f"(?:(?P<lead>{_SPACE}){open})?{_SPACE}{re.escape(reasoning)}{_SPACE}{close}{resume}(?P<gap>{gap})"
