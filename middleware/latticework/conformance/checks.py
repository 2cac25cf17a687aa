"""Checks that a turn's grammar and parser accept what the model was trained to write, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from llguidance import LLMatcher

from latticework.conformance.cases import SCHEMA, Case, case_tools
from latticework.conformance.transcript import Transcript
from latticework.engines.vocabulary import Vocabulary
from turngrammar.events import ArgumentsDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.formats import Format
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import render
from turngrammar.turn import JsonContent, Mode, ToolChoice, Turn

UNKNOWN_TOOL = "erase_disk"
"""The name of a tool that no case offers."""
MAX_LISTED = 12
"""Tokens that an error message lists."""


@dataclass(frozen=True)
class FailedCheck:
    """The name of a check in CHECKS, and where the turn failed it."""

    check: str
    detail: str


@dataclass(frozen=True)
class TurnCheck:
    """One transcript and the grammar of its turn."""

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
                case_tools(self.case),
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
        """A matcher at the beginning of the turn."""
        return self._compiled.deep_copy()

    @cached_property
    def rejection(self) -> str:
        """Where the grammar rejects the transcript; "" where it accepts it."""
        return _first_rejection(self, list(self.transcript.ids))

    @cached_property
    def rejection_ignoring_whitespace(self) -> str:
        """`rejection`; "" also where the grammar accepts a text that differs in whitespace only."""
        respaced = respaced_texts(self.format, self.case, self.transcript.text) if self.rejection else ()
        return "" if any(not _first_rejection(self, _tokenized(self, text)) for text in respaced) else self.rejection

    def failures(self) -> Iterator[FailedCheck]:
        for name, check in CHECKS.items():
            detail = check(self)
            if detail:
                yield FailedCheck(name, detail)


def _accepted_ignoring_whitespace(turn: TurnCheck) -> str:
    """The grammar accepts the transcript token by token, or a text that differs from it in whitespace only."""
    return turn.rejection_ignoring_whitespace


def _accepted_exactly(turn: TurnCheck) -> str:
    """The grammar accepts the transcript's whitespace too."""
    return "" if turn.rejection_ignoring_whitespace else turn.rejection


def _first_rejection(turn: TurnCheck, ids: list[int]) -> str:
    """Where the grammar rejects these tokens; "" where it accepts them all."""
    matcher = turn.matcher()
    if matcher.is_error():
        return matcher.get_error()
    accepted = matcher.validate_tokens(ids)
    if accepted == len(ids):
        return ""
    display = turn.vocabulary.matchable.dbg_tokens
    matcher.consume_tokens(ids[:accepted])
    before, rejected = display(ids[:accepted][-12:]), display(ids[accepted : accepted + 4])
    return f"after {before} the grammar rejects {rejected}; it allows {_allowed_tokens(turn, matcher)}"


def _allowed_tokens(turn: TurnCheck, matcher: LLMatcher) -> str:
    allowed = _token_mask(matcher) & (1 << turn.vocabulary.matchable.vocab_size) - 1
    examples = turn.vocabulary.matchable.dbg_tokens(list(islice(_set_bits(allowed), MAX_LISTED)))
    return f"{allowed.bit_count()} tokens, such as {examples}"


def _set_bits(bits: int) -> Iterator[int]:
    """The positions of the bits that are 1, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _token_mask(matcher: LLMatcher) -> int:
    """An integer with a bit for each token id: 1 where the token is allowed next."""
    return int.from_bytes(matcher.compute_bitmask(), "little")


def _end_accepted(turn: TurnCheck) -> str:
    """The token that ends the turn is allowed after the transcript."""
    transcript, matcher = turn.transcript, turn.matcher()
    if transcript.end is None or not matcher.consume_tokens(list(transcript.ids)):
        return ""
    if _token_mask(matcher) >> transcript.end & 1:
        return ""
    end = turn.vocabulary.matchable.dbg_tokens([transcript.end])
    return f"the grammar rejects {end}; it allows {_allowed_tokens(turn, matcher)}"


def _forced_tokens_accepted(turn: TurnCheck) -> str:
    """The grammar accepts the tokens that it forces at the beginning: an engine puts them into the prompt."""
    matcher = turn.matcher()
    forced = matcher.compute_ff_tokens()
    if matcher.consume_tokens(forced):
        return ""
    return f"the grammar rejects {turn.vocabulary.matchable.dbg_tokens(forced)}"


def _unknown_tool_rejected(turn: TurnCheck) -> str:
    if not turn.case.calls:
        return ""
    return _rejected_in_time(turn, turn.case.calls[0][0], UNKNOWN_TOOL)


def _invalid_arguments_rejected(turn: TurnCheck) -> str:
    for valid, invalid in (("3", "true"), ("-3", "[]"), ('"days"', '"dais"'), ("days", "dais")):
        if turn.case.calls and valid in turn.transcript.text:
            return _rejected_in_time(turn, valid, invalid)
    return ""


def _rejected_in_time(turn: TurnCheck, valid: str, invalid: str) -> str:
    """The grammar rejects the transcript with `invalid` in place of `valid`, and does so right there."""
    text = turn.transcript.text
    ids = _tokenized(turn, text.replace(valid, invalid, 1))
    matcher = turn.matcher()
    accepted = matcher.validate_tokens(ids)
    if accepted == len(ids):
        return f"the grammar accepts {invalid!r} instead of {valid!r}"
    before = turn.vocabulary.matchable.decode_bytes(ids[:accepted]).decode(errors="replace")
    in_time = len(before) <= _rejection_limit(turn, text, valid, invalid)
    return "" if in_time else f"the grammar rejects {invalid!r} only after {before!r}"


def _rejection_limit(turn: TurnCheck, text: str, valid: str, invalid: str) -> int:
    """Characters after which `invalid` must have been rejected.

    In formats in which only the head of a call tells it from text, the rejection may come as late as the arguments.
    """
    at = text.index(valid) + len(invalid)
    head = len('", "parameters": ') if turn.format.alone and invalid == UNKNOWN_TOOL else 0
    return at + head + 1


def _tokenized(turn: TurnCheck, text: str) -> list[int]:
    return turn.vocabulary.with_markup(text)


def _parsed_back(turn: TurnCheck) -> str:
    """The parser reads the case's calls from the transcript, whole and at two chunkings."""
    text = turn.transcript.text
    for chunks in ([text], list(text), [text[at : at + 7] for at in range(0, len(text), 7)]):
        parser = turn.plan.parser()
        events = [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()
        if (detail := _parse_mismatch(turn.case, events)) != "":
            return detail
    return ""


def _parse_mismatch(case: Case, events: Sequence[Event]) -> str:
    malformed = [event.reason for event in events if isinstance(event, Malformed)]
    if malformed:
        return f"parsed as malformed: {malformed[0]}"
    calls = [event.name for event in events if isinstance(event, ToolCallStart)]
    if calls != [name for name, _ in case.calls]:
        return f"parsed as calls of {calls}"
    if sum(isinstance(event, ToolCallEnd) for event in events) != len(calls):
        return "parsed as a call without an end"
    for index, (_, arguments) in enumerate(case.calls):
        text = "".join(event.text for event in events if isinstance(event, ArgumentsDelta) and event.index == index)
        if not _equal_json(json.loads(text), arguments):
            return f"parsed as the arguments {text}"
    return ""


def _equal_json(left: object, right: Mapping[str, object]) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def respaced_texts(format: Format, case: Case, text: str) -> Iterator[str]:
    """Texts that differ from `text` only in the whitespace of the calls or the document that it ends with."""
    canonical = render(format, case.wire_calls) if case.calls else case.text
    at = _canonical_start(text, canonical)
    if at is None:
        return
    before = text[:at]
    yield before + canonical
    yield before.rstrip() + canonical
    yield before.rstrip() + format.lead + canonical


def _canonical_start(text: str, canonical: str) -> int | None:
    """The index from which `text` is `canonical` in other whitespace; None where it does not end so."""
    at = len(text)
    for letter in reversed("".join(canonical.split())):
        at -= 1
        while at >= 0 and text[at].isspace():
            at -= 1
        if at < 0 or text[at] != letter:
            return None
    return at


WHITESPACE = "exact whitespace"
"""The check that a format may fail and still be used."""

CHECKS = {
    "accepted, ignoring whitespace": _accepted_ignoring_whitespace,
    WHITESPACE: _accepted_exactly,
    "end of turn accepted": _end_accepted,
    "forced tokens accepted": _forced_tokens_accepted,
    "unknown tool rejected": _unknown_tool_rejected,
    "invalid arguments rejected": _invalid_arguments_rejected,
    "parsed back unchanged": _parsed_back,
}
"""Each returns "" where the turn passes, or else where it fails."""
