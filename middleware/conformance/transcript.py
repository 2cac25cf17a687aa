"""What a model was trained to write in a turn: its chat template's own rendering of that turn, in tokens.

A template shows an assistant's message in a conversation's history. What stands there behind the prompt that would
have been given to the model, up to the token that ends the turn, is what the model was trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grammars.formats import Format
from grammars.turns import Reasoning, reasoning_after
from middleware.conformance.cases import Case, offered
from middleware.engines.base import Tokenizer
from middleware.prompt import ChatTemplate, PromptError

Message = dict[str, Any]

_ASK: Message = {"role": "user", "content": "What now?"}
_AGAIN: Message = {"role": "user", "content": "And then?"}
SWITCHES = ("enable_thinking", "thinking")


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
    if case.thoughts and format.reasoning is None:
        raise NoTranscript("the format has no thoughts")
    render = _Renderer(template, format, case)
    prompt = render([_ASK], add_generation_prompt=True)
    found = [
        _cut(tokenizer, ends, prompt, _written(format, case, prompt, full))
        for full in _histories(render, case)
        if _shows(case, full)
    ]
    if not found:
        raise NoTranscript("the template shows no such turn")
    text, ids, end = next((one for one in found if one[2] is not None), found[0])
    return Transcript(prompt, text, ids, end, reasoning_after(format, prompt))


@dataclass(frozen=True)
class _Renderer:
    template: ChatTemplate
    format: Format
    case: Case

    def __call__(self, messages: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool = False) -> str:
        return self.template.render(
            messages,
            format=self.format,
            tools=() if self.case.document or not (self.case.calls or self.case.text) else offered(),
            add_generation_prompt=add_generation_prompt,
            template_kwargs=dict.fromkeys(SWITCHES, bool(self.case.thoughts)),
        )


def _histories(render: _Renderer, case: Case) -> Iterator[str]:
    """The turn as the last of a conversation, and with something behind it: templates show the two differently."""
    for after in ([], [*_results(case), _AGAIN], _results(case)):
        try:
            yield render([_ASK, _message(case), *after])
        except PromptError:
            continue


def _message(case: Case) -> Message:
    message: Message = {"role": "assistant", "content": case.text or None}
    if case.thoughts:
        message["reasoning_content"] = case.thoughts
    if case.calls:
        message["tool_calls"] = [_call(index, *call) for index, call in enumerate(case.calls)]
    return message


def _call(index: int, name: str, arguments: Mapping[str, Any]) -> Message:
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": _id(index), "type": "function", "function": function}


def _results(case: Case) -> list[Message]:
    return [{"role": "tool", "tool_call_id": _id(index), "content": "done"} for index in range(len(case.calls))]


def _id(index: int) -> str:
    return f"call{index}abcd"  # nine letters and digits, as Mistral's templates want them


def _shows(case: Case, full: str) -> bool:
    return all(name in full for name, _ in case.calls) and (bool(case.calls) or case.text[:9] in full)


def _written(format: Format, case: Case, prompt: str, full: str) -> str:
    """What the model writes behind `prompt`, and what the template has behind that."""
    written = full[_alike(prompt, full) :]
    for pattern, replacement in format.history:
        written = re.sub(pattern, replacement, written)
    return _with_thoughts(format, case, prompt, written)


def _alike(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _with_thoughts(format: Format, case: Case, prompt: str, written: str) -> str:
    """The same with its thoughts, where templates leave those of old turns out."""
    frame, reasoning = format.reasoning, reasoning_after(format, prompt)
    if frame is None or (case.thoughts and case.thoughts in written):
        return written
    if reasoning == "open" and frame.close.strip() not in written:
        return f"{case.thoughts or 'Hm.'}\n{frame.close}{frame.gap}{written.lstrip()}"
    if reasoning == "may" and case.thoughts:
        return f"{frame.open}{case.thoughts}\n{frame.close}{frame.resume}{frame.gap}{written.lstrip()}"
    return written


def _cut(
    tokenizer: Tokenizer, ends: Collection[int], prompt: str, written: str
) -> tuple[str, tuple[int, ...], int | None]:
    """What is written up to the first token that ends a turn, in tokens, and that token."""
    before, ids = tokenizer.encode(prompt), tokenizer.encode(prompt + written)
    ids = ids[len(before) :] if ids[: len(before)] == before else tokenizer.encode(written)
    at = next((index for index, token_id in enumerate(ids) if token_id in ends), None)
    end, ids = (None, ids) if at is None else (ids[at], ids[:at])
    text = tokenizer.vocabulary.matchable.decode_bytes(ids).decode(errors="replace")
    return text, tuple(ids), end
