"""One choice of a response while it grows: parsed pieces in, steps out."""

from __future__ import annotations

from collections.abc import Sequence

from latticework.engines.base import SampledToken, TokenSource
from latticework.generate import FINISHES, Finish, Parsed, Step, Truncation
from latticework.generate.stop import StopFilter
from turngrammar.events import ArgumentsDelta, ContentDelta, Event, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.plan import Plan, TurnViolation
from turngrammar.render import Call


class Choice:
    """Feed it what was parsed, and pass on the steps. `finish` is set once the answer is complete.

    `stops` are for free text: give none where the content is a document. Set `truncation` where a cut document was
    completed. `reasoning` counts those so far.
    """

    def __init__(self, index: int, plan: Plan, stops: Sequence[str] = ()) -> None:
        self.finish: Finish | None = None
        self.malformed: list[Malformed] = []
        self.reasoning = 0
        self.truncation: Truncation | None = None
        self._index = index
        self._plan = plan
        self._stop = StopFilter(stops) if stops else None
        self._logprobs: list[SampledToken] = []
        self._sources: list[TokenSource] = []
        self._prompt_logprobs: Sequence[SampledToken | None] = ()
        self._content: list[str] = []
        self._calls: list[_GrowingCall] = []

    @property
    def free(self) -> bool:
        """Whether all of it is text that no schema constrains, so far."""
        return self._plan.free and not self._calls

    @property
    def _stopped(self) -> bool:
        return self._stop is not None and self._stop.stopped

    def open(self) -> Step:
        """The first step."""
        return Step(self._index)

    def feed(self, parsed: Parsed) -> Step | None:
        """What this adds; None while it adds nothing."""
        self._logprobs += parsed.logprobs
        self._sources += parsed.sources
        self._prompt_logprobs = parsed.prompt_logprobs or self._prompt_logprobs
        self.reasoning += parsed.reasoning
        events = parsed.events
        if self._stop is not None:
            events = self._stop.feed(events)
            if parsed.finish is not None:
                events = [*events, *self._stop.close()]
        if events:
            events = self._noted(events)
        if self._stopped:
            self.finish = "stop_string"
        elif parsed.finish is not None:
            self.finish = FINISHES[parsed.finish, bool(self._calls)]
        return self._step(events) if events else None

    def close(self) -> Step:
        """The last step says why the answer ends."""
        return self._step((), self.finish, self.truncation)

    def violations(self) -> tuple[TurnViolation, ...]:
        """What the finished answer breaks: nothing, unless this server has a bug or checks what no grammar enforces.

        An answer that was cut and not completed is held to its complete calls alone.
        """
        calls = tuple(call.call for call in self._calls if call.ended)
        whole = (self.finish != "length" or self.truncation is not None) and not self._stopped
        return self._plan.violations("".join(self._content), calls, whole=whole)

    def _noted(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events that a client gets, once they are noted for the check."""
        for event in events:
            match event:
                case ContentDelta(text):
                    self._content.append(text)
                case ArgumentsDelta(index, text):
                    self._calls[index].arguments.append(text)
                case ToolCallStart(_, name):
                    self._calls.append(_GrowingCall(name))
                case ToolCallEnd(index):
                    self._calls[index].ended = True
                case Malformed():
                    self.malformed.append(event)
        return [event for event in events if type(event) is not Malformed]

    def _step(
        self, events: Sequence[Event], finish: Finish | None = None, truncation: Truncation | None = None
    ) -> Step:
        """With what is known of the tokens since the last one."""
        logprobs, sources, prompt = self._logprobs, self._sources, self._prompt_logprobs
        if logprobs or sources or prompt:
            self._logprobs, self._sources, self._prompt_logprobs = [], [], ()
        return Step(self._index, events, logprobs, sources, prompt, finish, truncation)


class _GrowingCall:
    def __init__(self, name: str) -> None:
        self.ended = False
        self.arguments: list[str] = []
        self._name = name

    @property
    def call(self) -> Call:
        return Call(self._name, "".join(self.arguments))
