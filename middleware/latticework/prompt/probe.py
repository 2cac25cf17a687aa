"""Finds out what a chat template can do, by rendering tiny conversations with it.

A template's text tells little: it may name `tools` and drop the calls, know no role but pass any through, or raise on a
shape that its neighbour demands. So each trait is a question put to the template: does this word come out?
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from latticework.prompt.template import PromptError, Template
from latticework.prompt.traits import DOORS, Calling, Message, Place, Telling, Traits


@dataclass(frozen=True)
class _Trial:
    """A template and the context that every question to it shares."""

    template: Template
    context: Mapping[str, Any]

    def text(self, *messages: Message, **context: Any) -> str | None:
        """The prompt, or None where the template can't render it."""
        try:
            return self.template.render(
                {"messages": list(messages), "add_generation_prompt": True, **self.context, **context}
            )
        except PromptError:
            return None

    def shows(self, words: Sequence[str], *messages: Message, **context: Any) -> bool:
        """Whether all `words` come out, in this order."""
        text = self.text(*messages, **context)
        position = 0 if text is not None else -1
        for word in words:
            position = (text or "").find(word, position) if position >= 0 else -1
        return position >= 0


def _said(role: str, content: Any, **extra: Any) -> Message:
    return {"role": role, "content": content, **extra}


_ASK, _ANSWER, _AGAIN = _said("user", "dunnart"), _said("assistant", "bilby"), _said("user", "potoroo")


def _tool(described: bool) -> Message:
    hole = {"type": "string", "description": "a hole"} if described else {"type": "string"}
    parameters = {"type": "object", "properties": {"burrow": hole}, "required": ["burrow"]}
    description = {"description": "a wombat's"} if described else {}
    return {"type": "function", "function": {"name": "find_wombat", **description, "parameters": parameters}}


def _call(shape: Calling, place: str = "Quokkaville") -> Message:
    arguments: Any = {"den": place, "deep": True}
    spelled = json.dumps(arguments) if shape.arguments == "string" else arguments
    return {"id": _id(shape, place), "type": "function", "function": {"name": "find_wombat", "arguments": spelled}}


def _id(shape: Calling | None, place: str) -> str:
    # Mistral's templates refuse any id but nine letters and digits.
    short = f"{len(place)}a1b2c3d4e"[:9]
    return short if shape and shape.short_ids else f"call_{short}f"


def _calls(shape: Calling, content: str | None, **extra: Any) -> Message:
    return _said("assistant", content, tool_calls=[_call(shape)], **extra)


def _result(shape: Calling | None, content: Any = "numbat", place: str = "Quokkaville") -> Message:
    return _said("tool", content, tool_call_id=_id(shape, place), name="find_wombat")


def probe(template: Template) -> Traits:
    """The traits of `template`, by some forty tiny renderings: tens of milliseconds."""
    bare = _Trial(template, {})
    untold = None if bare.text(_ASK, tools=None) is not None or bare.text(_ASK, tools=[]) is None else ()
    telling = _telling(bare, untold)
    with_tools = _Trial(template, _told(telling) if telling else {"tools": untold})
    without = _Trial(template, _untold(telling, untold))
    calling = _calling(with_tools)
    system = _system(without, telling, calling)
    reasoning = _reasoning(with_tools, calling)
    return Traits(
        telling=telling,
        untold=untold,
        calling=calling,
        results=_results(with_tools, calling, telling),
        system=system,
        alternates=not without.shows(["dunnart", "potoroo"], _ASK, _AGAIN),
        silence="" if without.text(_ASK, _said("assistant", ""), _AGAIN) is not None else " ",
        parts=_parts(with_tools, calling, system),
        reasoning=reasoning,
        reasoning_beside_text=with_tools.text(*_reasoned(calling, reasoning, "bandicoot")) is not None,
    )


def _told(telling: Telling) -> dict[str, Any]:
    return {telling.door: DOORS[telling.door]([_tool(telling.needs_descriptions)])}


def _untold(telling: Telling | None, untold: tuple[()] | None) -> dict[str, Any]:
    return {"tools": untold} if telling is None or telling.door == "tools" else {telling.door: DOORS[telling.door]([])}


def _telling(bare: _Trial, untold: tuple[()] | None) -> Telling | None:
    for door, needs_system, needs_descriptions in product(DOORS, (False, True), (False, True)):
        telling = Telling(door, needs_system, needs_descriptions)
        head = [_said("system", "wallaby")] if needs_system else []
        if bare.shows(["find_wombat"], *head, _ASK, **{"tools": untold, **_told(telling)}):
            return telling
    return None


def _calling(trial: _Trial) -> Calling | None:
    contents: tuple[str | None, ...] = ("", None)
    kinds: tuple[Literal["object", "string"], ...] = ("object", "string")
    for short_ids, kind in product((False, True), kinds):
        shapes = [Calling(kind, content, short_ids) for content in contents]
        # The shorter text is right: from the wrong one of "" and None come an empty turn or the word None.
        texts = [(len(text), shape) for shape in shapes if (text := _rendering(trial, shape))]
        if texts:
            shape = min(texts, key=lambda found: found[0])[1]
            return replace(shape, beside_text=_beside_text(trial, shape), parallel=_parallel(trial, shape))
    return None


def _rendering(trial: _Trial, shape: Calling) -> str | None:
    for after in (_result(shape), _AGAIN):
        text = trial.text(_ASK, _calls(shape, shape.content), after)
        # A dict printed as Python would (functionary's, given an object) is not what the model was trained on.
        if text is not None and "Quokkaville" in text and "{'den'" not in text:
            return text
    return None


def _beside_text(trial: _Trial, shape: Calling) -> bool:
    message = _calls(shape, "bandicoot")
    return any(trial.shows(["Quokkaville"], _ASK, message, after) for after in (_result(shape), _AGAIN))


def _parallel(trial: _Trial, shape: Calling) -> bool:
    places = ("Quokkaville", "Quollton")
    message = _said("assistant", shape.content, tool_calls=[_call(shape, place) for place in places])
    results = [_result(shape, place=place) for place in places]
    return any(trial.shows(places, _ASK, message, *after) for after in (results, [_AGAIN]))


def _results(trial: _Trial, calling: Calling | None, telling: Telling | None) -> bool:
    before, result = _calls(calling, calling.content) if calling else _ANSWER, _result(calling)
    text = trial.text(_ASK, before, result)
    if text is None or "numbat" not in text:
        return False
    # A template that knows nothing of tools may print any role's name. To its model this one is as strange as any.
    stranger = trial.text(_ASK, before, {**result, "role": "stranger"})
    return telling is not None or stranger is None or text.replace("tool", "") != stranger.replace("stranger", "")


def _system(trial: _Trial, telling: Telling | None, calling: Calling | None) -> Place:
    first, second, late = (_said("system", word) for word in ("wallaby", "wallaroo", "pademelon"))
    words = ["wallaby", "wallaroo", "dunnart", "bilby", "pademelon", "potoroo"]
    if not trial.shows(["wallaby", "dunnart"], first, _ASK):
        return "never"
    if calling and not trial.shows(["wallaby"], first, _ASK, _calls(calling, calling.content), _result(calling)):
        return "last"
    # One that lists its tools in a system message lists them in each.
    repeats = telling is not None and telling.needs_system
    anywhere = not repeats and trial.shows(words, first, second, _ASK, _ANSWER, late, _AGAIN)
    return "anywhere" if anywhere else "first"


def _parts(trial: _Trial, calling: Calling | None, system: Place) -> bool:
    roles = [*(["system"] if system != "never" else []), "user", "assistant", "user"]
    talk = [_said(role, _two_parts(role)) for role in roles]
    if calling:
        talk += [_calls(calling, calling.content), _result(calling, _two_parts("tool"))]
        roles.append("tool")
    words = [f"{role} {count}" for role in roles for count in ("one", "two")]
    # A list printed as a list is no text.
    return trial.shows(words, *talk) and not any(trial.shows([key], *talk) for key in ("'text'", '"text"'))


def _two_parts(role: str) -> list[Message]:
    return [{"type": "text", "text": f"{role} {count}"} for count in ("one", "two")]


def _reasoning(trial: _Trial, calling: Calling | None) -> str:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if trial.shows(["kowari"], *_reasoned(calling, key, calling.content if calling else "bilby")):
            return key
    return "reasoning_content"


def _reasoned(calling: Calling | None, key: str, content: str | None) -> list[Message]:
    if calling is None:
        return [_ASK, _said("assistant", content, **{key: "kowari"}), _AGAIN]
    return [_ASK, _calls(calling, content, **{key: "kowari"}), _result(calling)]
