"""A wire format fitted to a model's chat template: the template's own spelling, found by writing with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from latticework.conformance.cases import CASES, Case
from latticework.conformance.transcript import NoTranscript, Transcript, transcribe
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate
from turngrammar.fitting import Sample, fitted
from turngrammar.formats import Format, Frame

_SPACE = r"[ \t\r\n]*"


def fit(template: ChatTemplate, tokenizer: Tokenizer, ends: Collection[int], format: Format) -> Format | None:
    """The format as the template spells it; None where the template writes calls in another one."""
    written = list(_transcripts(template, tokenizer, ends, format))
    samples = [
        Sample(_calls_alone(format, one), case.wire_calls) for case, one in written if case.calls and not case.thoughts
    ]
    found = fitted(format, samples)
    thoughts = [(case, one) for case, one in written if case.thoughts]
    return found and replace(found, reasoning=_frame(format.reasoning, thoughts))


def _transcripts(
    template: ChatTemplate, tokenizer: Tokenizer, ends: Collection[int], format: Format
) -> Iterator[tuple[Case, Transcript]]:
    """Of the turns that are calls, perhaps behind thoughts, and of a document behind thoughts."""
    for case in CASES:
        if (case.calls and not case.text) or case.thoughts:
            try:
                yield case, transcribe(template, tokenizer, ends, format, case)
            except NoTranscript:
                continue


def _calls_alone(format: Format, transcript: Transcript) -> str:
    """A turn without what its prompt leaves the model no choice but to write: thoughts, or the end of a text."""
    text, preamble = transcript.text, format.preamble
    if transcript.reasoning == "answer" and preamble:
        return text.removeprefix(preamble.close + preamble.resume)
    close = format.reasoning.close.strip() if format.reasoning else ""
    return text.partition(close)[2] if close and close in text else text


def _frame(frame: Frame | None, written: Sequence[tuple[Case, Transcript]]) -> Frame | None:
    """The frame with the whitespace that the template shows around it."""
    for case, transcript in written:
        if frame and (match := re.match(_around(frame, case.thoughts), transcript.text)):
            frame = replace(frame, lead=match["lead"] or frame.lead)
            frame = replace(frame, call_gap=match["gap"]) if case.calls else replace(frame, gap=match["gap"])
    return frame


def _around(frame: Frame, thoughts: str) -> str:
    begun = frame.open.rstrip() if frame.open[:1].isspace() else frame.open.strip()
    open, close, resume = map(re.escape, (begun, frame.close, frame.resume))
    gap = "" if frame.resume else _SPACE  # what resumes a turn may go on with a blank of its own
    return f"(?:(?P<lead>{_SPACE}){open})?{_SPACE}{re.escape(thoughts)}{_SPACE}{close}{resume}(?P<gap>{gap})"
