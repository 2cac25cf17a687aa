"""What a model was trained to write in a turn: its chat template's own rendering of that turn, in tokens.

A template shows an assistant's message in a conversation's history. What stands there behind the prompt that would
have been given to the model, up to the token that ends the turn, is what the model was trained on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latticework.conformance.cases import Case, offered
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate, PromptError
from latticework.turn.reasoning import SWITCHES
from turngrammar.analysis import texts
from turngrammar.formats import Format
from turngrammar.render import Call
from turngrammar.turn import Reasoning
from turngrammar.turn_tree import reasoning_after

Message = dict[str, Any]

_ASK: Message = {"role": "user", "content": "What now?"}
_AGAIN: Message = {"role": "user", "content": "And then?"}
_RESULT = "It is done."
# What a model thinks where its prompt leaves it no choice.
LEAST_THOUGHTS = "Hm."


class NoTranscript(Exception):
    """The template does not show such a turn: the message says why."""


@dataclass(frozen=True)
class Transcript:
    """One turn as the model writes it.

    Attributes:
        prompt: what the model is given.
        text: what it writes, without the token that ends its turn.
        ids: the same in tokens.
        end: the token that ends the turn; None where the template shows none.
        reasoning: what the prompt leaves to the model of its thoughts.
    """

    prompt: str
    text: str
    ids: tuple[int, ...]
    end: int | None
    reasoning: Reasoning


def transcribe(
    template: ChatTemplate, tokenizer: Tokenizer, ends: Collection[int], format: Format, case: Case
) -> Transcript:
    """The turn of `case`. Raises NoTranscript."""
    _refuse_unshown(template, format, case)
    render = _Renderer(template, format, case, tokenizer.special_tokens, frozenset(ends))
    try:
        prompt = render([_ASK], add_generation_prompt=True)
    except PromptError as error:
        raise NoTranscript(str(error)) from error
    if case.thoughts and reasoning_after(format, prompt) == "off":
        raise NoTranscript("the prompt has closed the thoughts")
    first: Transcript | None = None
    for full in _histories(render, case):
        if (shown := _written(tokenizer, format, case, prompt, full)) is not None:
            undone = _history_undone(format, _up_to_header(render, prompt, shown))
            written = _with_thoughts(format, case, prompt, undone)
            one = _cut(tokenizer, render, prompt, written, ends)
            if one.end is not None and _RESULT not in one.text:
                return one
            first = first or _cut(tokenizer, render, prompt, _ended(render, written), ())
    if first is None or _shown(case) not in first.text:
        raise NoTranscript("the template shows no such turn")
    return first


def _up_to_header(render: _Renderer, prompt: str, written: str) -> str:
    """A turn up to the next one, whose header begins as its own does, unless the format resumes turns so."""
    header = _header(prompt, render.special)
    others = [token for token, token_id in render.special.items() if token_id not in render.ends and token in header]
    opening = min(others, key=header.index, default="")
    if not opening or opening in render.markup:
        return written
    before, found, _ = written.partition(opening)
    return before.rstrip() if found else written


def _ended(render: _Renderer, written: str) -> str:
    """A turn up to its end, where that is no token of the vocabulary."""
    for found in (_last_end, _end_before_header):
        try:
            end = found(render)
        except PromptError:  # a template that refuses such a conversation tells nothing of ends
            continue
        shown = written.find(_shown(render.case))
        if end and (at := written.find(end, max(0, shown))) >= 0:
            return written[:at]
    return written


def _last_end(render: _Renderer) -> str:
    """What two conversations end with alike whose last texts differ."""
    one, other = (render([_ASK, {"role": "assistant", "content": word}]) for word in ("dunnart", "bilby"))
    return one[len(one) - _alike(one[::-1], other[::-1], ()) :].strip()


def _end_before_header(render: _Renderer) -> str:
    """What stands between a text and the header of the next turn, which is that of the first too."""
    before, _, behind = render([_ASK, {"role": "assistant", "content": "dunnart"}, _AGAIN]).rpartition("dunnart")
    between, asked = behind.partition(_AGAIN["content"])[0], before.partition(_ASK["content"])[0]
    return between[: len(between) - _alike(between[::-1], asked[::-1], ())].strip()


def _refuse_unshown(template: ChatTemplate, format: Format, case: Case) -> None:
    """Raises NoTranscript for a turn that models of this template don't write."""
    calling = template.traits.calling
    if case.thoughts and format.reasoning is None:
        raise NoTranscript("the format has no thoughts")
    if calling and len(case.calls) > 1 and not calling.parallel:
        raise NoTranscript("the template shows one call a turn")
    if calling and case.calls and case.text and not calling.beside_text:
        raise NoTranscript("the template shows no text beside calls")
    if case.calls and case.text and (format.alone or (format.answer and not format.preamble)):
        raise NoTranscript("the format has no text before calls")


@dataclass(frozen=True)
class _Renderer:
    template: ChatTemplate
    format: Format
    case: Case
    special: Mapping[str, int]
    ends: frozenset[int]

    @cached_property
    def markup(self) -> str:
        """All that the format may write but for what is a client's."""
        return "".join(texts(self.format))

    def __call__(self, messages: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool = False) -> str:
        return self.template.render(
            messages,
            format=self.format,
            tools=offered(self.case),
            add_generation_prompt=add_generation_prompt,
            template_kwargs={**dict.fromkeys(SWITCHES, bool(self.case.thoughts)), **_effort(self.case)},
        )


def _effort(case: Case) -> dict[str, str]:
    """Templates that know no switch think at some effort, or at none."""
    return {"reasoning_effort": "high"} if case.thoughts else {}


def _histories(render: _Renderer, case: Case) -> Iterator[str]:
    """The turn as the last of a conversation, and with something behind it: templates show the two differently."""
    results = _results(case)
    for after in ([], results, [*results, _AGAIN]):
        try:
            yield render([_ASK, _message(case), *after])
        except PromptError:
            continue


def _message(case: Case) -> Message:
    message: Message = {"role": "assistant", "content": case.text or None}
    if case.thoughts:
        message["reasoning_content"] = case.thoughts
    if case.calls:
        message["tool_calls"] = [_call(index, call) for index, call in enumerate(case.wire_calls)]
    return message


def _call(index: int, call: Call) -> Message:
    return {"id": _id(index), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _results(case: Case) -> list[Message]:
    return [{"role": "tool", "tool_call_id": _id(index), "content": _RESULT} for index in range(len(case.calls))]


def _id(index: int) -> str:
    return f"call{index}abcd"  # nine letters and digits, as Mistral's templates want them


def _written(tokenizer: Tokenizer, format: Format, case: Case, prompt: str, full: str) -> str | None:
    """What stands in a history behind the prompt's last words, and all behind that; None where the turn is not shown.

    Where something else follows the user's words in a prompt than in a history, the header of the assistant's turn is
    looked for.
    """
    thoughts, special = _thought_marks(format), tokenizer.special_tokens
    at = _alike(prompt, full, [*special, *thoughts])
    if any(token in _without(prompt[at:], thoughts) for token in special) or _ASK["content"] in prompt[at:]:
        header = _header(prompt, special)
        before = full.rfind(header, 0, full.rfind(_shown(case)))
        at = before + len(header) if header and before >= 0 else len(full)
    written = full[at:]
    return written if _shows(case, written) else None


def _without(text: str, marks: Collection[str]) -> str:
    for mark in marks:
        text = text.replace(mark, "")
    return text


def _shown(case: Case) -> str:
    return case.calls[0][0] if case.calls else case.text[:9]


def _shows(case: Case, written: str) -> bool:
    """Whether this is the turn; some templates show its text behind its calls, as no model writes it."""
    shown = written.find(_shown(case))
    return shown >= 0 and not (case.calls and written.find(case.text) > shown)


def _header(prompt: str, special: Collection[str]) -> str:
    """The last special tokens of the prompt that stand side by side, and what is behind them; "" where it has none."""
    at = max((prompt.rfind(token) for token in special), default=-1)
    while (before := next((token for token in special if at > 0 and prompt.endswith(token, 0, at)), None)) is not None:
        at -= len(before)
    return prompt[at:] if at >= 0 else ""


def _thought_marks(format: Format) -> list[str]:
    frame = format.reasoning
    return [mark for mark in (frame.open.strip(), frame.close.strip()) if mark] if frame else []


def _alike(one: str, other: str, marks: Collection[str]) -> int:
    """How many letters two texts begin with alike, of marks none or all."""
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    for text in (one, other):
        for mark in marks:
            begun = text.find(mark, max(0, at - len(mark) + 1), at + len(mark) - 1)
            if 0 <= begun < at < begun + len(mark):
                at = begun
    return at


def _history_undone(format: Format, written: str) -> str:
    """What the model writes, where histories are known to show it otherwise."""
    for pattern, replacement in format.history:
        written = re.sub(pattern, replacement, written)
    return written


def _with_thoughts(format: Format, case: Case, prompt: str, written: str) -> str:
    """The same with its thoughts, where templates leave those of old turns out."""
    frame, reasoning = format.reasoning, reasoning_after(format, prompt)
    if frame is None or (case.thoughts and case.thoughts in written):
        return written
    empty = re.match(rf"\s*{re.escape(frame.open.strip())}\s*{re.escape(frame.close)}", written)
    if case.thoughts and empty:
        written = written[empty.end() :]
    if reasoning == "off" and written.lstrip().startswith(frame.close):
        return written.lstrip().removeprefix(frame.close)
    gap = frame.before_calls.gap if case.calls and not case.text else frame.gap
    end = f"\n{frame.close}{frame.resume}{gap}"
    if reasoning == "open" and frame.close.strip() not in written:
        return f"{case.thoughts or LEAST_THOUGHTS}{end}{written.lstrip()}"
    if reasoning == "may" and case.thoughts:
        return f"{frame.lead}{frame.open}{case.thoughts}{end}{written.lstrip()}"
    return written


def _cut(tokenizer: Tokenizer, render: _Renderer, prompt: str, written: str, ends: Collection[int]) -> Transcript:
    """What is written up to the first token that ends a turn. Special tokens cut a text for any tokenizer.

    Raises NoTranscript for what is shown in several turns.
    """
    header = _header(prompt, tokenizer.special_tokens) or prompt
    before, ids = tokenizer.encode(header), tokenizer.encode(header + written)
    ids = ids[len(before) :] if ids[: len(before)] == before else tokenizer.encode(written)
    decode = tokenizer.vocabulary.matchable.decode_str
    inner = [token_id for token, token_id in render.special.items() if token in render.markup]
    end: int | None = None
    for at in [index for index, token_id in enumerate(ids) if token_id in ends]:
        if _shown(render.case) in decode(ids[:at]):
            end, ids = ids[at], ids[:at]
            break
        if ids[at] not in inner:
            raise NoTranscript("the template shows it in several turns")
    return Transcript(prompt, decode(ids), tuple(ids), end, reasoning_after(render.format, prompt))
