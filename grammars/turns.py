"""The wire tree of a whole turn: what a format's parts become under a tool choice. No format knows of tool choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from grammars.analysis import unrolled
from grammars.formats.format import Format, Frame
from grammars.wire import Alt, Lit, Node, Opt, Sink, Space, Text, Unlike, Written, lift, seq

Mode = Literal["none", "auto", "required"]
Reasoning = Literal["off", "may", "open"]


def turn_tree(format: Format, calls: Node | None, mode: Mode, answer: Node | None, reasoning: Reasoning) -> Node:
    """All that may be written in a turn.

    `calls` are the format's, perhaps fewer; None where there is no tool. `answer` is what the content must be; None
    where it is free text.
    """
    thought = _REASONING[reasoning](format.reasoning) if format.reasoning else lift("")
    if mode == "required":
        assert calls, "plan.py refuses a required call without tools"
        return seq(thought, _empty_preamble(format), calls)
    if answer is None:
        return seq(thought, _TEXTS[mode](format, calls))
    return seq(thought, _ANSWERS[mode](format, calls, _placed(format, answer)))


def text_or_calls(format: Format, calls: Node | None) -> Node:
    """Text, calls, or calls after text, as the format allows."""
    if calls is None:
        return text_only(format, None)
    if format.answer and format.preamble and format.answer.open == format.preamble.open:
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
    return seq(frame.open, replace(answer, close=frame.close) if isinstance(answer, Written) else answer, frame.close)


def _answer_or_calls(format: Format, calls: Node | None, answer: Node) -> Node:
    if calls is None:
        return answer
    if format.answer and format.preamble and format.answer.open == format.preamble.open:
        return answer | seq(_empty_preamble(format), calls)
    if format.answer:
        return answer | _framed_calls(format, calls)
    return calls | answer


def _empty_preamble(format: Format) -> Node:
    """The frame of text before calls, where it is of one message with them and so stands there without text too."""
    frame = format.preamble
    return Opt(Lit(frame.open + frame.close)) if frame and not frame.resume else lift("")


def _framed_calls(format: Format, calls: Node) -> Node:
    return seq(Opt(_framed(format.preamble, "content")), calls) if format.preamble else calls


def _framed(frame: Frame, sink: Sink) -> Node:
    return seq(frame.open, _up_to_close(frame, sink))


def _up_to_close(frame: Frame, sink: Sink) -> Node:
    return Text(sink, Lit(frame.close)) + frame.resume if frame.close else Text(sink, None, "never")


def _thought(frame: Frame) -> Node:
    """The thoughts of the model, without the whitespace around them."""
    gap = lift("") if frame.resume and not frame.gap else Space(frame.gap)  # what follows may open with a space
    return seq(Space(), _up_to_close(frame, "reasoning"), gap)


def reasoning_after(format: Format, prompt: str) -> Reasoning:
    """What a rendered prompt leaves to the model: it has opened the thoughts, or closed them, or neither."""
    if format.reasoning is None or prompt.rstrip().endswith(format.reasoning.close):
        return "off"
    return "open" if prompt.rstrip().endswith(format.reasoning.open.strip()) else "may"


_REASONING: Mapping[Reasoning, Callable[[Frame], Node]] = {
    "off": lambda frame: lift(""),
    "may": lambda frame: (
        Opt(seq(frame.open, _thought(frame)) | lift(frame.close))
        if frame.bare
        else Opt(seq(frame.open, _thought(frame)))
    ),
    "open": _thought,
}

_TEXTS: Mapping[Mode, Callable[[Format, Node | None], Node]] = {"none": text_only, "auto": text_or_calls}

_ANSWERS: Mapping[Mode, Callable[[Format, Node | None, Node], Node]] = {
    "none": lambda format, calls, answer: answer,
    "auto": _answer_or_calls,
}
