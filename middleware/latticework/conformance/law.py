"""The law of natural writing: what a model was trained to write is never forbidden, and nothing else is let through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from llguidance import LLMatcher

from latticework.conformance.cases import SCHEMA, Case, tools
from latticework.conformance.respacing import respaced_texts
from latticework.conformance.transcript import Transcript
from latticework.engines.vocabulary import Vocabulary
from turngrammar.events import ArgumentsDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.formats import Format
from turngrammar.plan import Plan, compile_turn
from turngrammar.turn import JsonContent, Mode, ToolChoice, Turn

STRANGER = "erase_disk"
"""The name of a tool that is not on offer."""
MOST_ALLOWED = 12


@dataclass(frozen=True)
class Breach:
    """A part of the law that does not hold, and where."""

    part: str
    detail: str


@dataclass(frozen=True)
class Trial:
    """One turn, held against its grammar."""

    format: Format
    vocabulary: Vocabulary
    case: Case
    transcript: Transcript
    mode: Mode

    @cached_property
    def plan(self) -> Plan:
        return compile_turn(
            Turn(
                self.format,
                tools(self.case),
                ToolChoice(self.mode) if self.case.calls or not self.case.document else ToolChoice("none"),
                content=JsonContent(SCHEMA) if self.case.document else None,
                special_tokens=self.vocabulary.special_tokens,
                ends=self.vocabulary.ends,
                reasoning=self.transcript.reasoning,
            )
        )

    @cached_property
    def _compiled(self) -> LLMatcher:
        assert self.plan.grammar
        return LLMatcher(self.vocabulary.matchable, self.plan.grammar, log_level=0)

    def matcher(self) -> LLMatcher:
        """A fresh one."""
        return self._compiled.deep_copy()

    @cached_property
    def refusal(self) -> str:
        """Where the grammar refuses what the model writes; "" where it takes all of it."""
        return _refusal(self, list(self.transcript.ids))

    @cached_property
    def refusal_aside(self) -> str:
        """The same, where it refuses all spellings that differ in whitespace alone."""
        respaced = respaced_texts(self.format, self.case, self.transcript.text) if self.refusal else ()
        return "" if any(not _refusal(self, _ids(self, text)) for text in respaced) else self.refusal

    def breaches(self) -> Iterator[Breach]:
        """Every part of the law that this turn breaks."""
        for part, check in PARTS.items():
            detail = check(self)
            if detail:
                yield Breach(part, detail)


def _aside(trial: Trial) -> str:
    """What the model writes is allowed, token by token, but for whitespace that it is made to write otherwise."""
    return trial.refusal_aside


def _as_written(trial: Trial) -> str:
    """And its whitespace is allowed too."""
    return "" if trial.refusal_aside else trial.refusal


def _refusal(trial: Trial, ids: list[int]) -> str:
    """Where the grammar refuses these tokens; "" where it takes them all."""
    matcher = trial.matcher()
    if matcher.is_error():
        return matcher.get_error()
    taken = matcher.validate_tokens(ids)
    if taken == len(ids):
        return ""
    spell = trial.vocabulary.matchable.dbg_tokens
    matcher.consume_tokens(ids[:taken])
    before, behind = spell(ids[:taken][-12:]), spell(ids[taken : taken + 4])
    return f"behind {before} comes {behind}; allowed: {_allowed(trial, matcher)}"


def _allowed(trial: Trial, matcher: LLMatcher) -> str:
    spell = trial.vocabulary.matchable.dbg_tokens
    allowed = _mask(matcher) & (1 << trial.vocabulary.matchable.vocab_size) - 1
    return f"{allowed.bit_count()}, such as {spell(list(islice(_ones(allowed), MOST_ALLOWED)))}"


def _ones(bits: int) -> Iterator[int]:
    """The places of a number's ones, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _mask(matcher: LLMatcher) -> int:
    """A number whose ones are the tokens that are allowed."""
    return int.from_bytes(matcher.compute_bitmask(), "little")


def _end(trial: Trial) -> str:
    """The turn may end with its token."""
    transcript, matcher = trial.transcript, trial.matcher()
    if transcript.end is None or not matcher.consume_tokens(list(transcript.ids)):
        return ""
    if _mask(matcher) >> transcript.end & 1:
        return ""
    return f"{trial.vocabulary.matchable.dbg_tokens([transcript.end])} is refused; allowed: {_allowed(trial, matcher)}"


def _opening(trial: Trial) -> str:
    """The tokens that every answer begins with are allowed, which goes for what is put into the prompt."""
    matcher = trial.matcher()
    opening = matcher.compute_ff_tokens()
    if matcher.consume_tokens(opening):
        return ""
    return f"{trial.vocabulary.matchable.dbg_tokens(opening)} is refused"


def _stranger(trial: Trial) -> str:
    """A tool that is not offered is refused."""
    if not trial.case.calls:
        return ""
    return _refused(trial, trial.case.calls[0][0], STRANGER)


def _unfit(trial: Trial) -> str:
    """Arguments that do not fit the schema are refused."""
    for good, bad in (("3", "true"), ("-3", "[]"), ('"days"', '"dais"'), ("days", "dais")):
        if trial.case.calls and good in trial.transcript.text:
            return _refused(trial, good, bad)
    return ""


def _refused(trial: Trial, good: str, bad: str) -> str:
    """Whether the turn is refused at the place where `good` becomes `bad`."""
    text = trial.transcript.text
    forged = text.replace(good, bad, 1)
    ids = _ids(trial, forged)
    matcher = trial.matcher()
    taken = matcher.validate_tokens(ids)
    if taken < len(ids):
        matcher.consume_tokens(ids[:taken])
        written = trial.vocabulary.matchable.decode_bytes(ids[:taken]).decode(errors="replace")
        return "" if len(written) <= _latest(trial, text, good, bad) else f"{bad!r} is only refused behind {written!r}"
    return f"{bad!r} instead of {good!r} is let through"


def _latest(trial: Trial, text: str, good: str, bad: str) -> int:
    """Where it must be refused at the latest: before an argument is written, where a call begins as a text might."""
    at = text.index(good) + len(bad)
    before_arguments = at + len('", "parameters": ') if trial.format.alone and bad == STRANGER else at
    return before_arguments + 1


def _ids(trial: Trial, text: str) -> list[int]:
    return list(trial.vocabulary.matchable.tokenize_str(text, parse_special=True))


def _read(trial: Trial) -> str:
    """The parser reads back what the model meant, however the text is cut."""
    text = trial.transcript.text
    for pieces in ([text], list(text), [text[at : at + 7] for at in range(0, len(text), 7)]):
        parser = trial.plan.parser()
        events = [event for piece in pieces for event in parser.feed(piece)] + parser.close()
        if (detail := _misread(trial.case, events)) != "":
            return detail
    return ""


def _misread(case: Case, events: Sequence[Event]) -> str:
    malformed = [event.reason for event in events if isinstance(event, Malformed)]
    if malformed:
        return f"malformed: {malformed[0]}"
    calls = [event.name for event in events if isinstance(event, ToolCallStart)]
    if calls != [name for name, _ in case.calls]:
        return f"read as calls of {calls}"
    if sum(isinstance(event, ToolCallEnd) for event in events) != len(calls):
        return "a call has no end"
    for index, (_, meant) in enumerate(case.calls):
        text = "".join(event.text for event in events if isinstance(event, ArgumentsDelta) and event.index == index)
        if not _same(json.loads(text), meant):
            return f"read as the arguments {text}"
    return ""


def _same(read: object, meant: Mapping[str, object]) -> bool:
    return json.dumps(read, sort_keys=True) == json.dumps(meant, sort_keys=True)


WHITESPACE = "whitespace as written"
"""The part that a format may break and still be used."""

PARTS = {
    "allowed, whitespace aside": _aside,
    WHITESPACE: _as_written,
    "the end is allowed": _end,
    "the opening is allowed": _opening,
    "a tool that is not offered is refused": _stranger,
    "arguments against the schema are refused": _unfit,
    "read back as meant": _read,
}
"""What the law says, and what checks it: "" where it holds."""
