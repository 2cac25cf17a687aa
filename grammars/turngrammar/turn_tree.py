"""The wire tree of a whole turn: what a format's parts become under a tool choice. No format knows of tool choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from turngrammar.analysis import unrolled
from turngrammar.formats.format import Format, Frame
from turngrammar.turn import Mode, Reasoning
from turngrammar.wire import Alt, Lit, Node, Opt, Sink, Space, Text, Unlike, Verbatim, lift, seq


def turn_tree(format: Format, calls: Node | None, mode: Mode, answer: Node | None, reasoning: Reasoning) -> Node:
    """All that may be written in a turn.

    `calls` are the format's, perhaps fewer; None where there is no tool. `answer` is what the content must be; None
    where it is free text.
    """
    if reasoning == "answer":
        return _within_answer(format, calls, mode, answer)
    if mode == "required":
        assert calls, "plan.py refuses a required call without tools"
        return _calls_alone(format, calls, reasoning)
    if answer is None:
        return seq(_thoughts_before_either(format, reasoning), _TEXTS[mode](format, calls))
    return _ANSWERS[mode](format, calls, _placed(format, answer), reasoning)


def _within_answer(format: Format, calls: Node | None, mode: Mode, answer: Node | None) -> Node:
    """A turn whose prompt has opened the frame of the answer, in which text before calls stands too."""
    frame, preamble = format.answer, format.preamble
    assert frame, "reasoning_after looks for it"
    behind = seq(preamble.close, preamble.resume, calls) if preamble and calls else None
    if mode == "required":
        return behind or _calls_alone(format, lift(calls or ""), "off")
    if answer is not None:
        closed = _closed(frame, answer)
        # Calls first: an answer in a form of the client's own is read as any text is.
        return behind | closed if behind and mode == "auto" else closed
    if behind and preamble and calls and mode == "auto":
        return _text_then_calls(replace(frame, open=""), preamble, calls)
    return _up_to_close(frame, "content")


def _thoughts(frame: Frame | None, reasoning: Reasoning) -> Node:
    """What the model may think, or must have thought."""
    return _REASONING[reasoning](frame) if frame else lift("")


def _thoughts_before_either(format: Format, reasoning: Reasoning) -> Node:
    """The same where a call may follow, or text."""
    return _thoughts(format.reasoning and format.reasoning.before_either, reasoning)


def _calls_alone(format: Format, calls: Node, reasoning: Reasoning) -> Node:
    """Calls, behind thoughts or at the beginning of the turn."""
    led, frame = _led(format.lead, seq(_empty_preamble(format), calls)), format.reasoning
    if frame is None or reasoning == "off":
        return led
    if reasoning == "closed":
        return seq(_gap(frame.behind_either.before_calls), _empty_preamble(format), calls)
    behind = seq(_thought(frame.before_calls), _empty_preamble(format), calls)
    return behind if reasoning == "open" else _opened(frame, behind, led) | led


def _led(lead: str, calls: Node) -> Node:
    """Calls behind whitespace, which is one lexeme with what they open with: thoughts or text may begin alike.

    Where there is none, nothing is skipped: harmony's calls may begin with a blank.
    """
    return unrolled(seq(Space(lead), calls)) if lead else calls


def text_or_calls(format: Format, calls: Node | None) -> Node:
    """Text, calls, or calls after text, as the format allows."""
    if calls is None:
        return text_only(format, None)
    if format.answer and format.preamble and _alike(format):
        return _text_then_calls(format.answer, format.preamble, calls) | calls
    if format.answer:
        return _framed(format.answer, "content") | _framed_calls(format, calls)
    return unrolled(calls) | Unlike(calls) if format.alone else Text("content", calls, "may")


def _text_then_calls(answer: Frame, preamble: Frame, calls: Node) -> Node:
    """Text, and perhaps calls after it, where only what stands behind the text tells an answer from a preamble."""
    if not answer.close:
        return seq(answer.open, Text("content", seq(preamble.close, preamble.resume, calls), "may"))
    then, rest = seq(preamble.resume, calls), answer.close.removeprefix(preamble.close)
    return seq(answer.open, Text("content", Lit(preamble.close)), Alt((Lit(rest), then)) if rest else Opt(then))


def text_only(format: Format, calls: Node | None) -> Node:
    if format.answer:
        return _framed(format.answer, "content")
    if calls is None:
        return Text("content", None, "never")
    return Unlike(calls) if format.alone else Text("content", calls, "never")


def anything(format: Format, calls: Node | None) -> Node:
    """How to read on when a turn has left its tree: free text, and calls wherever they can be told from it."""
    return Text("content", None, "never") if calls is None or format.alone else Text("content", calls, "may")


def _placed(format: Format, answer: Node) -> Node:
    """The answer in the frame that the format has for it."""
    frame = format.answer
    if frame is None:
        return answer
    return seq(frame.open, _closed(frame, answer))


def _closed(frame: Frame, answer: Node) -> Node:
    return seq(replace(answer, close=frame.close) if isinstance(answer, Verbatim) else answer, frame.close)


def _answer_or_calls(format: Format, calls: Node | None, answer: Node, reasoning: Reasoning) -> Node:
    """The answer, or calls, each behind the whitespace that it has there."""
    if calls is None:
        return seq(_thoughts(format.reasoning, reasoning), answer)
    if format.answer:
        framed = _framed_calls(format, calls)
        # An empty text before calls opens as an answer does, and one in a form of the client's own takes any text.
        either = framed | answer if _alike(format) else answer | framed
        return seq(_thoughts_before_either(format, reasoning), either)
    frame, led = format.reasoning, _led(format.lead, calls) | answer
    if frame is None or reasoning == "off":
        return led
    if reasoning == "closed":
        return _behind(frame.behind_either, calls, answer)
    behind = seq(_thought(replace(frame, gap="")), _behind(frame, calls, answer))
    return behind if reasoning == "open" else _opened(frame, behind, led) | led


def _behind(frame: Frame, calls: Node, answer: Node) -> Node:
    gap, call_gap = frame.gap, frame.before_calls.gap
    if gap == call_gap:
        return seq(_gap(frame), calls | answer)
    return _led(call_gap, calls) | seq(_gap(frame), answer)


def _opened(frame: Frame, behind: Node, unthought: Node) -> Node:
    """The frame of thoughts and all `behind` its opening; or its end alone, where it may be, and what follows then."""
    lead = lift("") if frame.open[:1].isspace() and not frame.lead else Space(frame.lead)
    opened = seq(lead, frame.open, behind)
    return opened | seq(frame.close, unthought) if frame.bare else opened


def _empty_preamble(format: Format) -> Node:
    """The frame of text before calls, where it is of one message with them and so stands there without text too."""
    frame = format.preamble
    return Opt(Lit(frame.open + frame.close)) if frame and not frame.resume else lift("")


def _framed_calls(format: Format, calls: Node) -> Node:
    """Calls, and the text before them where its frame tells it from an answer."""
    if format.preamble and _alike(format):
        return seq(_empty_preamble(format), calls)
    return seq(Opt(_framed(format.preamble, "content")), calls) if format.preamble else calls


def _alike(format: Format) -> bool:
    """Whether only what stands behind a text tells an answer from what precedes calls."""
    return bool(format.answer and format.preamble and format.answer.open == format.preamble.open)


def _framed(frame: Frame, sink: Sink) -> Node:
    return seq(frame.open, _up_to_close(frame, sink))


def _up_to_close(frame: Frame, sink: Sink) -> Node:
    return Text(sink, Lit(frame.close)) + frame.resume if frame.close else Text(sink, None, "never")


def _thought(frame: Frame) -> Node:
    """The thoughts of the model, without the whitespace around them."""
    return seq(Space(), _up_to_close(frame, "reasoning"), _gap(frame))


def _gap(frame: Frame) -> Node:
    """The whitespace behind thoughts: where a turn is resumed without any, what follows may open with a space."""
    return lift("") if frame.resume and not frame.gap else Space(frame.gap)


_REASONING: Mapping[Reasoning, Callable[[Frame], Node]] = {
    "off": lambda frame: lift(""),
    "may": lambda frame: Opt(_opened(frame, _thought(frame), lift(""))),
    "open": _thought,
    "closed": lambda frame: _gap(frame.behind_either),
    "answer": lambda frame: lift(""),
}

_TEXTS: Mapping[Mode, Callable[[Format, Node | None], Node]] = {"none": text_only, "auto": text_or_calls}

_ANSWERS: Mapping[Mode, Callable[[Format, Node | None, Node, Reasoning], Node]] = {
    "none": lambda format, calls, answer, reasoning: _answer_or_calls(format, None, answer, reasoning),
    "auto": _answer_or_calls,
}
