"""What a model was trained to write in a turn: its chat template's own rendering of that turn, in tokens.

A chat template renders earlier assistant messages. In such a rendering, the text from the end of the generation prompt
to the token that ends the turn is what the model was trained on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latticework.conformance.cases import RESULT, Case, assistant_message, openai_tools, result_messages
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate, PromptError
from latticework.prompt.capabilities import Message
from latticework.turn.reasoning import SWITCHES
from turngrammar.analysis import texts
from turngrammar.formats import Format
from turngrammar.turn import Reasoning, reasoning_after

_QUESTION: Message = {"role": "user", "content": "What now?"}
_FOLLOW_UP: Message = {"role": "user", "content": "And then?"}
# Reasoning for a turn without any, where the prompt has opened its frame.
MINIMAL_REASONING = "Hm."


class NoTranscript(Exception):
    """The template does not render such a turn; the message has the reason."""


@dataclass(frozen=True)
class Transcript:
    """One turn as the model writes it.

    Attributes:
        prompt: the generation prompt.
        text: what the model writes after it, without the token that ends the turn.
        ids: the tokens of `text`.
        end: the token that ends the turn; None where the template prints none.
        reasoning: where the prompt leaves the model's reasoning.
    """

    prompt: str
    text: str
    ids: tuple[int, ...]
    end: int | None
    reasoning: Reasoning


def transcribe(template: ChatTemplate, tokenizer: Tokenizer, format: Format, case: Case) -> Transcript:
    """The transcript of `case` by a model that writes `format`. Raises NoTranscript."""
    _refuse_inapplicable(template, format, case)
    render = _TurnRenderer(template, format, case, tokenizer.special_tokens, frozenset(tokenizer.ends))
    try:
        prompt = render([_QUESTION], add_generation_prompt=True)
    except PromptError as error:
        raise NoTranscript(str(error)) from error
    if case.reasoning and reasoning_after(format, prompt) == "off":
        raise NoTranscript("the prompt closes the reasoning")
    fallback: Transcript | None = None
    for history in _histories(render, case):
        if (turn := _turn_in_history(tokenizer, format, case, prompt, history)) is not None:
            generated = _as_generated(format, _before_next_header(render, prompt, turn))
            generated = _with_reasoning(format, case, prompt, generated)
            transcript = _up_to_end(tokenizer, render, prompt, generated, tokenizer.ends)
            if transcript.end is not None and RESULT not in transcript.text:
                return transcript
            fallback = fallback or _up_to_end(tokenizer, render, prompt, _before_end_text(render, generated), ())
    if fallback is None or _anchor(case) not in fallback.text:
        raise NoTranscript("the template renders no such turn")
    return fallback


def _refuse_inapplicable(template: ChatTemplate, format: Format, case: Case) -> None:
    """Raises NoTranscript for a turn that models with this template don't write."""
    shape = template.capabilities.calls
    if case.reasoning and format.reasoning is None:
        raise NoTranscript("the format has no reasoning")
    if shape and len(case.calls) > 1 and not shape.parallel:
        raise NoTranscript("the template renders one call per turn")
    if shape and case.calls and case.text and not shape.with_text:
        raise NoTranscript("the template renders no text beside calls")
    if case.calls and case.text and (format.alone or (format.answer and not format.preamble)):
        raise NoTranscript("the format has no text before calls")


@dataclass(frozen=True)
class _TurnRenderer:
    template: ChatTemplate
    format: Format
    case: Case
    special: Mapping[str, int]
    ends: frozenset[int]

    @cached_property
    def markup(self) -> str:
        """All literals of the format."""
        return "".join(texts(self.format))

    def __call__(self, messages: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool = False) -> str:
        return self.template.render(
            messages,
            format=self.format,
            tools=openai_tools(self.case),
            add_generation_prompt=add_generation_prompt,
            template_kwargs={**dict.fromkeys(SWITCHES, bool(self.case.reasoning)), **_effort_variable(self.case)},
        )


def _effort_variable(case: Case) -> dict[str, str]:
    """For templates that have no switch: with an effort, the model reasons."""
    return {"reasoning_effort": "high"} if case.reasoning else {}


def _histories(render: _TurnRenderer, case: Case) -> Iterator[str]:
    """The turn as a conversation's last, and with messages after it: templates may render the two differently."""
    results = result_messages(case)
    for after in ([], results, [*results, _FOLLOW_UP]):
        try:
            yield render([_QUESTION, assistant_message(case), *after])
        except PromptError:
            continue


def _turn_in_history(tokenizer: Tokenizer, format: Format, case: Case, prompt: str, history: str) -> str | None:
    """A history from the end of its generation prompt on; None where it does not render the turn.

    Where the prompt and the history differ already after the user's message, the turn begins at the header of assistant
    messages.
    """
    marks, special = _reasoning_marks(format), tokenizer.special_tokens
    at = _common_length(prompt, history, [*special, *marks])
    if any(token in _without_marks(prompt[at:], marks) for token in special) or _QUESTION["content"] in prompt[at:]:
        header = _turn_header(prompt, special)
        before = history.rfind(header, 0, history.rfind(_anchor(case)))
        at = before + len(header) if header and before >= 0 else len(history)
    turn = history[at:]
    return turn if _renders_turn(case, turn) else None


def _without_marks(text: str, marks: Collection[str]) -> str:
    for mark in marks:
        text = text.replace(mark, "")
    return text


def _anchor(case: Case) -> str:
    """A text by which the turn is recognized in a rendering."""
    return case.calls[0][0] if case.calls else case.text[:9]


def _renders_turn(case: Case, text: str) -> bool:
    """Whether `text` has the turn. Some templates print its content after its calls, as no model writes it."""
    at = text.find(_anchor(case))
    return at >= 0 and not (case.calls and text.find(case.text) > at)


def _turn_header(prompt: str, special: Collection[str]) -> str:
    """The prompt from its last run of adjacent special tokens on; "" where it has none."""
    at = max((prompt.rfind(token) for token in special), default=-1)
    while (before := next((token for token in special if at > 0 and prompt.endswith(token, 0, at)), None)) is not None:
        at -= len(before)
    return prompt[at:] if at >= 0 else ""


def _reasoning_marks(format: Format) -> list[str]:
    frame = format.reasoning
    return [mark for mark in (frame.open.strip(), frame.close.strip()) if mark] if frame else []


def _common_length(left: str, right: str, marks: Collection[str]) -> int:
    """Length of the longest common prefix that does not end inside one of `marks`."""
    at = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    for text in (left, right):
        for mark in marks:
            start = text.find(mark, max(0, at - len(mark) + 1), at + len(mark) - 1)
            if 0 <= start < at < start + len(mark):
                at = start
    return at


def _before_next_header(render: _TurnRenderer, prompt: str, turn: str) -> str:
    """A turn up to the header of the next message, unless the format's own markup has that token."""
    header = _turn_header(prompt, render.special)
    others = [token for token, token_id in render.special.items() if token_id not in render.ends and token in header]
    opening = min(others, key=header.index, default="")
    if not opening or opening in render.markup:
        return turn
    before, separator, _ = turn.partition(opening)
    return before.rstrip() if separator else turn


def _as_generated(format: Format, turn: str) -> str:
    """A turn without the changes that templates of this format are known to make in histories."""
    for pattern, replacement in format.history:
        turn = re.sub(pattern, replacement, turn)
    return turn


def _with_reasoning(format: Format, case: Case, prompt: str, turn: str) -> str:
    """A turn with its reasoning, which templates leave out of earlier turns."""
    frame, reasoning = format.reasoning, reasoning_after(format, prompt)
    if frame is None or (case.reasoning and case.reasoning in turn):
        return turn
    empty = re.match(rf"\s*{re.escape(frame.open.strip())}\s*{re.escape(frame.close)}", turn)
    if case.reasoning and empty:
        turn = turn[empty.end() :]
    if reasoning == "off" and turn.lstrip().startswith(frame.close):
        return turn.lstrip().removeprefix(frame.close)
    gap = frame.before_calls.gap if case.calls and not case.text else frame.gap
    end = f"\n{frame.close}{frame.resume}{gap}"
    if reasoning == "open" and frame.close.strip() not in turn:
        return f"{case.reasoning or MINIMAL_REASONING}{end}{turn.lstrip()}"
    if reasoning == "may" and case.reasoning:
        return f"{frame.lead}{frame.open}{case.reasoning}{end}{turn.lstrip()}"
    return turn


def _up_to_end(
    tokenizer: Tokenizer, render: _TurnRenderer, prompt: str, generated: str, ends: Collection[int]
) -> Transcript:
    """`generated` up to the first of `ends` after the turn's content.

    Raises NoTranscript where an end that is not the format's own markup comes before.
    """
    # The tokens of text after a special token do not depend on what is before it: the header's end is a safe cut.
    header = _turn_header(prompt, tokenizer.special_tokens) or prompt
    before, ids = tokenizer.encode(header), tokenizer.encode(header + generated)
    ids = ids[len(before) :] if ids[: len(before)] == before else tokenizer.encode(generated)
    decode = tokenizer.vocabulary.matchable.decode_str
    inner = [token_id for token, token_id in render.special.items() if token in render.markup]
    end: int | None = None
    for at in [index for index, token_id in enumerate(ids) if token_id in ends]:
        if _anchor(render.case) in decode(ids[:at]):
            end, ids = ids[at], ids[:at]
            break
        if ids[at] not in inner:
            raise NoTranscript("the template renders it as several turns")
    return Transcript(prompt, decode(ids), tuple(ids), end, reasoning_after(render.format, prompt))


def _before_end_text(render: _TurnRenderer, generated: str) -> str:
    """`generated` up to the text that ends turns, where that text is no token of the vocabulary."""
    for end_text in (_common_ending, _text_between_turns):
        try:
            end = end_text(render)
        except PromptError:  # the template refuses the conversation
            continue
        anchor = generated.find(_anchor(render.case))
        if end and (at := generated.find(end, max(0, anchor))) >= 0:
            return generated[:at]
    return generated


def _common_ending(render: _TurnRenderer) -> str:
    """The common suffix of two conversations that differ in their last text."""
    left, right = (render([_QUESTION, {"role": "assistant", "content": word}]) for word in ("dunnart", "bilby"))
    return left[len(left) - _common_length(left[::-1], right[::-1], ()) :].strip()


def _text_between_turns(render: _TurnRenderer) -> str:
    """The text between an answer and the header of the next user message, which is that of the first one too."""
    conversation = [_QUESTION, {"role": "assistant", "content": "dunnart"}, _FOLLOW_UP]
    before, _, after = render(conversation).rpartition("dunnart")
    between, start = after.partition(_FOLLOW_UP["content"])[0], before.partition(_QUESTION["content"])[0]
    return between[: len(between) - _common_length(between[::-1], start[::-1], ())].strip()
