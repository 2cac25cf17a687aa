"""A choice of a response: the engine's pieces in, steps out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from latticework.engines.base import NOTHING_SAVED, EngineFinish, Piece, SampledToken, TokenSource
from latticework.generate import FINISHES, AnswerNotice, ByPart, Confidence, Finish, SourceSpan, Step, Truncation
from latticework.generate.continued import ContinuedParser
from latticework.generate.repeats import RepeatFilter
from latticework.generate.stop import StopFilter
from latticework.turn import Begun, RejectedAnswer
from turngrammar.events import (
    ArgumentsDelta,
    ContentDelta,
    Event,
    Malformed,
    ReasoningDelta,
    RefusalDelta,
    ToolCallEnd,
    ToolCallStart,
)
from turngrammar.parser import Parser
from turngrammar.plan import Plan, TurnViolation
from turngrammar.render import Call
from turngrammar.spans import Quotation
from turngrammar.terminals.expressions import has_visible


class Choice:
    """Feed it pieces, and send its steps.

    Attributes:
        finish: why the answer ended; None until then.
        malformed: the places where it left its wire format.
        tokens: generated tokens so far. `reasoning`: of these, the tokens of pieces with reasoning.
        refused: whether the model has refused to write the document.
        saved: of the whole answer, once it has ended.
        transfer: what the engine has for another one, once the answer has ended.
        truncation: set it if a cut document or call was completed.
        drafting: set it while the model writes free text before the answer, all of which is reasoning.
        confidence, grounding: set them if the answer has any, once it has ended.
    """

    def __init__(
        self,
        index: int,
        plan: Plan,
        stops: Sequence[str] = (),
        *,
        keeps_stop: bool = False,
        with_ids: bool = False,
        begun: Begun | None = None,
        sources: Sequence[str] = (),
        ends_repeats: bool = False,
    ) -> None:
        """`stops` are for free text: pass none if the content is a document. `begun`: what the answer continues.

        `sources`: the names of the texts that its strings are spans of. `ends_repeats`: whether the answer ends before
        a call that repeats another one.
        """
        self.finish: Finish | None = None
        self.malformed: list[Malformed] = []
        self.tokens = 0
        self.reasoning = 0
        self.refused = False
        self.saved = NOTHING_SAVED
        self.transfer: Mapping[str, Any] | None = None
        self.truncation: Truncation | None = None
        self.drafting = False
        self.confidence: ByPart[Confidence] | None = None
        self.grounding: ByPart[SourceSpan] | None = None
        self._index = index
        self._plan = plan
        self._stop = StopFilter(stops, keeps_stop=keeps_stop) if stops else None
        self._repeats = RepeatFilter() if ends_repeats else None
        self._logprobs: list[SampledToken] = []
        self._sources: list[TokenSource] = []
        self._with_ids = with_ids
        self._token_ids: list[int] = []
        self._prompt_logprobs: Sequence[SampledToken | None] = ()
        self._begun = begun
        self._source_names = sources
        self._unsent = [ContentDelta(begun.text)] if begun and begun.shown else []
        self._content = [begun.text] if begun else []
        self._calls: list[_GrowingCall] = []
        self._reasons = False  # whether the current piece has reasoning, or ends within it

    @cached_property
    def parser(self) -> Parser | ContinuedParser:
        """Created with the first piece, so that the engine need not wait for it."""
        parser = self._plan.parser()
        return ContinuedParser(parser, self._begun.text) if self._begun else parser

    @property
    def free(self) -> bool:
        """Whether all of it so far is text without a schema."""
        return self._plan.free and not self._calls

    @property
    def unfinished(self) -> Sequence[str]:
        """The names of the calls that have begun and not ended: at the end of the answer, of those that were cut."""
        return [call.name for call in self._calls if not call.ended]

    @property
    def calls(self) -> int:
        """The number of calls that have begun."""
        return len(self._calls)

    @property
    def document(self) -> str | None:
        """The text of the document, as far as it goes; None where it has no document."""
        return self.text if self._plan.document is not None and not self._calls else None

    @property
    def whole_arguments(self) -> Sequence[str]:
        """Of the calls that have ended."""
        return [call.arguments for call in self._finished_calls]

    @property
    def open_call(self) -> Call | None:
        """The last call, if it has not ended."""
        return self._calls[-1].call if self._calls and not self._calls[-1].ended else None

    @property
    def is_empty(self) -> bool:
        """Whether it has neither a call nor a visible character of text so far."""
        if self._calls or self.refused or (self._stop is not None and self._stop.holds):
            return False
        return not any(map(has_visible, self._content))

    @property
    def notices(self) -> Sequence[AnswerNotice]:
        """Of the finished answer."""
        assert self.finish is not None
        if self._repeats is not None and self._repeats.found is not None:
            return [AnswerNotice("repeated_call", self.finish, self._repeats.found.name)]
        return [AnswerNotice("empty_answer", self.finish)] if self.is_empty else []

    @property
    def _stopped(self) -> bool:
        return self._stop is not None and self._stop.found is not None

    def open(self) -> Step:
        """The first step."""
        return Step(self._index)

    def feed(self, piece: Piece) -> Step | None:
        """The step of this piece; None if it adds nothing."""
        if self.drafting:
            return self.add(piece, [ReasoningDelta(piece.text)] if piece.text else [], in_reasoning=True)
        parser = self.parser
        events = parser.feed(piece.text)
        if piece.finish is not None:
            events += parser.close()
        return self.add(piece, events, in_reasoning=parser.in_reasoning)

    def add(self, piece: Piece, events: Sequence[Event], *, in_reasoning: bool) -> Step | None:
        """The same for a piece that is already parsed. `in_reasoning`: whether the reasoning continues after it."""
        if self._with_ids or piece.logprobs or piece.sources or piece.prompt_logprobs:
            self._note_tokens(piece)
        if self._stop is not None:
            events = self._through_stop(self._stop, events, piece)
        self._reasons = in_reasoning
        if events or self._unsent:
            events = self._noted(events)
        if self._repeats is not None and (events or piece.finish is not None):
            events = self._through_repeats(self._repeats, events, piece)
        tokens = len(piece.token_ids)
        self.tokens += tokens
        if self._reasons:
            self.reasoning += tokens
        if piece.finish is not None:
            self._finish(piece, self._ended(piece.finish))
        if not events:
            return None
        if self._logprobs or self._sources or self._prompt_logprobs or self._token_ids:
            return self._step(events)
        return Step(self._index, events)

    def close(self) -> Step:
        """The last step, with the finish reason."""
        step = self._step((), self.finish, self.truncation, self._stop.found if self._stop else None)
        return replace(step, confidence=self.confidence, grounding=self.grounding)

    def spans(self) -> ByPart[SourceSpan] | None:
        """Where the strings of the finished answer stand in the user's texts, which takes long for long ones."""
        if self.refused or not self._source_names:
            return None
        content, calls = self._plan.quotations(self.text, self._finished_calls)
        if content is None and calls is None:
            return None
        return ByPart(
            UNSET if content is None else self._spans(content),
            UNSET if calls is None else tuple(map(self._spans, calls)),
        )

    def _spans(self, quotations: Mapping[str, Quotation]) -> Mapping[str, SourceSpan]:
        names = self._source_names
        return {
            pointer: SourceSpan(names[place.text], place.start, place.end, place.count)
            for pointer, place in quotations.items()
        }

    def violations(self) -> tuple[TurnViolation, ...]:
        """The violations of the finished answer: none, except for checked keywords and bugs of this server.

        For an answer that was cut and not completed, only its complete calls are checked.
        """
        whole = (self.finish != "length" or self.truncation is not None) and not self._stopped
        return self._plan.violations(self.text, self._finished_calls, whole=whole, refused=self.refused)

    def rejected(self, violations: Sequence[TurnViolation]) -> RejectedAnswer:
        """The finished answer, which has these violations."""
        return RejectedAnswer(self.text, self._finished_calls, violations)

    @property
    def text(self) -> str:
        """The content so far."""
        return "".join(self._content)

    @property
    def _finished_calls(self) -> tuple[Call, ...]:
        return tuple(call.call for call in self._calls if call.ended)

    def _note_tokens(self, piece: Piece) -> None:
        """What the response has for each token."""
        self._logprobs += piece.logprobs
        self._sources += piece.sources
        if self._with_ids:
            self._token_ids += piece.token_ids
        if piece.prompt_logprobs:
            self._prompt_logprobs = piece.prompt_logprobs

    def _through_stop(self, stop: StopFilter, events: Sequence[Event], piece: Piece) -> Sequence[Event]:
        """The events up to a stop string."""
        events = stop.feed(events)
        if piece.finish is not None:
            events = [*events, *stop.close()]
        if stop.found is not None:
            self._finish(piece, "stop_string")
        return events

    def _ended(self, finish: EngineFinish) -> Finish:
        """Why the answer ends where the engine does."""
        if self.unfinished:
            return "length"
        return "refusal" if self.refused and finish == "stop" else FINISHES[finish, bool(self._calls)]

    def _through_repeats(self, repeats: RepeatFilter, events: Sequence[Event], piece: Piece) -> Sequence[Event]:
        """The events up to a call that repeats another one, of which nothing is sent, its tokens' data included."""
        events = repeats.feed(events)
        if repeats.found is not None:
            del self._calls[repeats.found.index :]
            self._logprobs, self._sources, self._token_ids = [], [], []
            self.truncation = None
            self._finish(piece, "calls")
        return events if piece.finish is None else [*events, *repeats.close()]

    def _finish(self, piece: Piece, finish: Finish) -> None:
        """A stop string ends the answer, whatever the engine's finish reason is."""
        self.finish = self.finish or finish
        self.saved = piece.saved
        self.transfer = piece.transfer

    def _noted(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events for the client, after they are recorded for the check."""
        malformed = len(self.malformed)
        for event in events:
            if type(event) is ContentDelta:  # most are: a call less for each token
                self._content.append(event.text)
            else:
                _NOTES[type(event)](self, event)
        if self._unsent:
            events, self._unsent = [*self._unsent, *events], []
        if len(self.malformed) == malformed:
            return events
        return [event for event in events if type(event) is not Malformed]

    def _step(
        self,
        events: Sequence[Event],
        finish: Finish | None = None,
        truncation: Truncation | None = None,
        stop: str | None = None,
    ) -> Step:
        """A step with the data of the tokens since the last one."""
        logprobs, sources, prompt = self._logprobs, self._sources, self._prompt_logprobs
        self._logprobs, self._sources, self._prompt_logprobs = [], [], ()
        token_ids, self._token_ids = self._token_ids, []
        return Step(self._index, events, logprobs, sources, prompt, finish, truncation, token_ids, stop)

    def _note_reasoning(self, event: ReasoningDelta) -> None:
        self._reasons = True

    def _note_refusal(self, event: RefusalDelta) -> None:
        self.refused = True

    def _note_call_start(self, event: ToolCallStart) -> None:
        self._calls.append(_GrowingCall(event.name))

    def _note_arguments(self, event: ArgumentsDelta) -> None:
        self._calls[event.index].arguments.append(event.text)

    def _note_call_end(self, event: ToolCallEnd) -> None:
        self._calls[event.index].ended = True

    def _note_malformed(self, event: Malformed) -> None:
        self.malformed.append(event)


_NOTES: Mapping[type[Event], Callable[[Choice, Any], None]] = {
    ReasoningDelta: Choice._note_reasoning,
    RefusalDelta: Choice._note_refusal,
    ToolCallStart: Choice._note_call_start,
    ArgumentsDelta: Choice._note_arguments,
    ToolCallEnd: Choice._note_call_end,
    Malformed: Choice._note_malformed,
}


class _GrowingCall:
    def __init__(self, name: str) -> None:
        self.ended = False
        self.arguments: list[str] = []
        self.name = name

    @property
    def call(self) -> Call:
        return Call(self.name, "".join(self.arguments))
