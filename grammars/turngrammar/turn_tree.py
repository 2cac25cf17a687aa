"""The wire tree of a whole turn, from the parts of its format, its tool choice and its content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from turngrammar.analysis import openings, unrolled
from turngrammar.formats.format import Format, Frame
from turngrammar.turn import Mode, Reasoning
from turngrammar.wire import (
    DOCUMENT,
    Alt,
    FreeText,
    Lit,
    Node,
    Opt,
    Refusal,
    Sink,
    Space,
    Unlike,
    Verbatim,
    lift,
    seq,
)


def turn_tree(format: Format, calls: Node | None, mode: Mode, answer: Node | None, reasoning: Reasoning) -> Node:
    """All that a turn may be.

    `calls` are the format's, perhaps fewer; None where there is no tool. `answer` is the node of the content; None for
    free text.
    """
    if reasoning == "answer":
        return _within_answer(format, calls, mode, answer)
    if mode == "required":
        assert calls, "plan.py refuses a required call without tools"
        return _calls_alone(format, calls, reasoning)
    if answer is None:
        unlike = reasoning_openings(format.reasoning) if format.reasoning and reasoning == "may" else ()
        return seq(_reasoning_before_either(format, reasoning), _TEXTS[mode](format, calls, unlike))
    return _ANSWERS[mode](format, calls, _framed_answer(format, answer), reasoning)


def document_or_refusal(format: Format, calls: Node | None) -> Node:
    """The answer where the model may refuse to write the document. The refusal is first: a document may have an E."""
    if calls is None or format.answer:
        return Refusal() | DOCUMENT
    return (Refusal(unlike=calls) if format.alone else Refusal(openings(calls))) | DOCUMENT


def _within_answer(format: Format, calls: Node | None, mode: Mode, answer: Node | None) -> Node:
    """A turn behind a prompt that has opened the frame of the answer, which text before calls shares."""
    frame, preamble = format.answer, format.preamble
    assert frame, "reasoning_after checks it"
    behind = seq(preamble.close, preamble.resume, calls) if preamble and calls else None
    if mode == "required":
        return behind or _calls_alone(format, lift(calls or ""), "off")
    if answer is not None:
        closed = _answer_and_close(frame, answer)
        # Calls first: content of the client's own grammar is read as any text is.
        return behind | closed if behind and mode == "auto" else closed
    if behind and preamble and calls and mode == "auto":
        return _text_then_calls(replace(frame, open=""), preamble, calls)
    return _answer_text(frame)


def _reasoning_block(frame: Frame | None, reasoning: Reasoning) -> Node:
    """The reasoning that the model may or must write."""
    return _REASONING_BLOCKS[reasoning](frame) if frame else lift("")


def _reasoning_before_either(format: Format, reasoning: Reasoning) -> Node:
    """The same where a call or text may follow."""
    return _reasoning_block(format.reasoning and format.reasoning.before_either, reasoning)


def _calls_alone(format: Format, calls: Node, reasoning: Reasoning) -> Node:
    """Calls, behind reasoning or at the beginning of the turn."""
    at_start, frame = _behind_lead(format.lead, seq(_empty_preamble(format), calls)), format.reasoning
    if frame is None or reasoning == "off":
        return at_start
    if reasoning == "closed":
        return seq(_gap(frame.behind_either.before_calls), _empty_preamble(format), calls)
    behind = seq(_reasoning_text(frame.before_calls), _empty_preamble(format), calls)
    return behind if reasoning == "open" else _opened_reasoning(frame, behind, at_start) | at_start


def _behind_lead(lead: str, calls: Node) -> Node:
    """Calls behind whitespace, in one lexeme with their opening: reasoning or text may begin alike.

    An empty lead skips nothing: harmony's calls may begin with a blank.
    """
    return unrolled(seq(Space(lead), calls)) if lead else calls


def reasoning_openings(frame: Frame) -> tuple[str, ...]:
    """What text would be read as reasoning by, where the model may open it."""
    return (frame.open.strip(), *([frame.close] if frame.bare else ()))


def text_or_calls(format: Format, calls: Node | None, unlike: tuple[str, ...] = ()) -> Node:
    """Text, calls, or calls after text, as the format allows. `unlike`: what text without a frame can't open with."""
    if calls is None:
        return text_only(format, None, unlike)
    if format.answer and format.preamble and _answer_opens_as_preamble(format):
        return _text_then_calls(format.answer, format.preamble, calls) | calls
    if format.answer:
        return seq(format.answer.open, _answer_text(format.answer)) | _framed_calls(format, calls)
    if format.alone:
        return unrolled(calls) | Unlike(calls, unlike)
    return FreeText("content", calls, "may", visible=True, unlike=unlike)


def _text_then_calls(answer: Frame, preamble: Frame, calls: Node) -> Node:
    """Text, perhaps with calls after it, where only what follows the text distinguishes an answer from a preamble."""
    if not answer.close:
        return seq(answer.open, FreeText("content", seq(preamble.close, preamble.resume, calls), "may", visible=True))
    then, rest = seq(preamble.resume, calls), answer.close.removeprefix(preamble.close)
    text = FreeText("content", Lit(preamble.close), visible=True)
    behind = seq(text, Alt((Lit(rest), then)) if rest else Opt(then))
    return seq(answer.open, behind if preamble.resume else behind | seq(preamble.close, then))


def text_only(format: Format, calls: Node | None, unlike: tuple[str, ...] = ()) -> Node:
    if format.answer:
        return seq(format.answer.open, _answer_text(format.answer))
    if calls and format.alone:
        return Unlike(calls, unlike)
    return FreeText("content", calls, "never", visible=True, unlike=unlike)


def recovery_tree(format: Format, calls: Node | None) -> Node:
    """How a turn is read once it has left its tree: free text, and calls wherever they differ from it."""
    return FreeText("content", None, "never") if calls is None or format.alone else FreeText("content", calls, "may")


def _framed_answer(format: Format, answer: Node) -> Node:
    """The answer in the frame that the format has for it."""
    frame = format.answer
    if frame is None:
        return answer
    return seq(frame.open, _answer_and_close(frame, answer))


def _answer_and_close(frame: Frame, answer: Node) -> Node:
    match answer:
        case Alt(options):
            return Alt(tuple(_answer_and_close(frame, option) for option in options))
        case Refusal():
            return replace(answer, close=frame.close)
        case Verbatim():
            return seq(replace(answer, close=frame.close), frame.close)
    return seq(answer, frame.close)


def _answer_or_calls(format: Format, calls: Node | None, answer: Node, reasoning: Reasoning) -> Node:
    """The answer, or calls, each behind its own whitespace."""
    if calls is None:
        return seq(_reasoning_block(format.reasoning, reasoning), answer)
    if format.answer:
        framed = _framed_calls(format, calls)
        # An empty text before calls opens as an answer does, and content of the client's own grammar is any text.
        either = framed | answer if _answer_opens_as_preamble(format) else answer | framed
        return seq(_reasoning_before_either(format, reasoning), either)
    frame, at_start = format.reasoning, _behind_lead(format.lead, calls) | answer
    if frame is None or reasoning == "off":
        return at_start
    if reasoning == "closed":
        return _calls_or_answer(frame.behind_either, calls, answer)
    behind = seq(_reasoning_text(replace(frame, gap="")), _calls_or_answer(frame, calls, answer))
    return behind if reasoning == "open" else _opened_reasoning(frame, behind, at_start) | at_start


def _calls_or_answer(frame: Frame, calls: Node, answer: Node) -> Node:
    gap, call_gap = frame.gap, frame.before_calls.gap
    if gap == call_gap:
        return seq(_gap(frame), calls | answer)
    return _behind_lead(call_gap, calls) | seq(_gap(frame), answer)


def _opened_reasoning(frame: Frame, behind: Node, without: Node) -> Node:
    """The frame of reasoning, with all `behind` its opening; or its close alone, where it is bare, and `without`."""
    lead = lift("") if frame.open[:1].isspace() and not frame.lead else Space(frame.lead)
    opened = seq(lead, frame.open, behind)
    return opened | seq(frame.close, without) if frame.bare else opened


def _empty_preamble(format: Format) -> Node:
    """The frame of text before calls, where both are one message, so that the frame may be there without text."""
    frame = format.preamble
    return Opt(Lit(frame.open + frame.close)) if frame and not frame.resume else lift("")


def _framed_calls(format: Format, calls: Node) -> Node:
    """Calls, and the text before them where its frame distinguishes it from an answer."""
    if format.preamble and _answer_opens_as_preamble(format):
        return seq(_empty_preamble(format), calls)
    return seq(Opt(_framed(format.preamble, "content")), calls) if format.preamble else calls


def _answer_opens_as_preamble(format: Format) -> bool:
    """Whether only what follows a text distinguishes an answer from text before calls."""
    return bool(format.answer and format.preamble and format.answer.open == format.preamble.open)


def _framed(frame: Frame, sink: Sink) -> Node:
    return seq(frame.open, _up_to_close(frame, sink))


def _answer_text(frame: Frame) -> Node:
    """Free text as the answer, behind the opening of its frame."""
    return _up_to_close(frame, "content", visible=True)


def _up_to_close(frame: Frame, sink: Sink, *, visible: bool = False) -> Node:
    if frame.close:
        return FreeText(sink, Lit(frame.close), visible=visible) + frame.resume
    return FreeText(sink, None, "never", visible)


def _reasoning_text(frame: Frame) -> Node:
    """The model's reasoning, and the whitespace around it."""
    return seq(Space(), _up_to_close(frame, "reasoning"), _gap(frame))


def _gap(frame: Frame) -> Node:
    """The whitespace behind reasoning. A turn that is resumed without any may go on with a space of its own."""
    return lift("") if frame.resume and not frame.gap else Space(frame.gap)


_REASONING_BLOCKS: Mapping[Reasoning, Callable[[Frame], Node]] = {
    "off": lambda frame: lift(""),
    "may": lambda frame: Opt(_opened_reasoning(frame, _reasoning_text(frame), lift(""))),
    "open": _reasoning_text,
    "closed": lambda frame: _gap(frame.behind_either),
    "answer": lambda frame: lift(""),
}

_TEXTS: Mapping[Mode, Callable[[Format, Node | None, tuple[str, ...]], Node]] = {
    "none": text_only,
    "auto": text_or_calls,
}

_ANSWERS: Mapping[Mode, Callable[[Format, Node | None, Node, Reasoning], Node]] = {
    "none": lambda format, calls, answer, reasoning: _answer_or_calls(format, None, answer, reasoning),
    "auto": _answer_or_calls,
}
