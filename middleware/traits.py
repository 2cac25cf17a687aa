"""What a chat template can do, found by rendering tiny conversations with it.

A template's text tells little: it may name `tools` and drop the calls, know no role but pass any through, or raise on a
shape that its neighbour demands. So each trait is a question put to the template: does this word come out?
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Any, Literal

from middleware.template import PromptError, Template

Message = dict[str, Any]
Tools = Sequence[Mapping[str, Any]]

LONG_ID = "call_0a1b2c3d4e5f"
SHORT_ID = "a1b2c3d4e"  # Mistral's templates refuse any id but nine letters and digits


def _functions(tools: Tools) -> str:
    return json.dumps([tool["function"] for tool in tools], ensure_ascii=False) if tools else ""


# The variables through which templates take their tools, and in which form: all `tools`, but for Firefunction.
DOORS: Mapping[str, Callable[[Tools], Any]] = MappingProxyType({"tools": list, "functions": _functions})


@dataclass(frozen=True)
class Telling:
    """How a template is told of tools.

    Attributes:
        door: the variable that takes them, a key of DOORS.
        needs_system: it lists them only if there is a system message (FunctionGemma).
        needs_descriptions: it fails on a property without a description (Command R+).
    """

    door: str
    needs_system: bool = False
    needs_descriptions: bool = False


@dataclass(frozen=True)
class Calling:
    """The shape of `tool_calls` that a template renders.

    Attributes:
        arguments: "object" or "string" (JSON text, as OpenAI has it).
        content: what `content` must be where there is no text: "" or None (DeepSeek V3 drops calls otherwise).
        short_ids: ids must be nine letters or digits (Mistral).
        beside_text: calls are rendered beside text too.
        parallel: one message may hold several calls.
    """

    arguments: Literal["object", "string"]
    content: str | None = ""
    short_ids: bool = False
    beside_text: bool = True
    parallel: bool = True


@dataclass(frozen=True)
class Traits:
    """What one template can do.

    Attributes:
        telling: how it takes tools, None if it can't tell the model of them.
        untold: what its `tools` variable is where there are none: None by convention, () where it fails on None.
        calling: the shape of calls that it renders, None if it drops them.
        results: it knows the role `tool`, and does not merely print any role's name.
        system: where it renders system messages: "anywhere", "first" (one, at the head), "never".
        alternates: it refuses two messages of one role in a row.
        parts: it joins content parts itself, for each role.
        reasoning: the key under which it reads an assistant's reasoning; the usual one if it shows none unasked.
        reasoning_beside_text: a message with calls may hold reasoning and text (not in gpt-oss's).
    """

    telling: Telling | None
    untold: tuple[()] | None
    calling: Calling | None
    results: bool
    system: Literal["anywhere", "first", "never"]
    alternates: bool
    parts: bool
    reasoning: str
    reasoning_beside_text: bool


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


def _tool(described: bool) -> Message:
    city = {"type": "string", "description": "a hamlet"} if described else {"type": "string"}
    parameters = {"type": "object", "properties": {"burrow": city}, "required": ["burrow"]}
    description = {"description": "a wombat's"} if described else {}
    return {"type": "function", "function": {"name": "find_wombat", **description, "parameters": parameters}}


def _call(shape: Calling, place: str = "Quokkaville", identity: str = "") -> Message:
    arguments: Any = {"den": place, "deep": True}
    return {
        "id": identity or (SHORT_ID if shape.short_ids else LONG_ID),
        "type": "function",
        "function": {
            "name": "find_wombat",
            "arguments": json.dumps(arguments) if shape.arguments == "string" else arguments,
        },
    }


def _result(shape: Calling | None, content: Any = "numbat", role: str = "tool", identity: str = "") -> Message:
    identity = identity or (SHORT_ID if shape and shape.short_ids else LONG_ID)
    return _said(role, content, tool_call_id=identity, name="find_wombat")


_ASK, _ANSWER, _AGAIN = _said("user", "dunnart"), _said("assistant", "bilby"), _said("user", "potoroo")


@lru_cache(maxsize=64)
def probe(template: Template) -> Traits:
    """The traits of `template`, by some forty tiny renderings, once."""
    bare = _Trial(template, {})
    untold = None if bare.text(_ASK, tools=None) is not None or bare.text(_ASK, tools=[]) is None else ()
    telling = _telling(_Trial(template, {"tools": untold}))
    context = _told(telling) if telling else {"tools": untold}
    trial = _Trial(template, context)
    calling = _calling(trial)
    system = _system(_Trial(template, {"tools": untold, **_closed(telling)}))
    alternates = not trial.shows(["dunnart", "potoroo"], _ASK, _AGAIN)
    key = _reasoning(trial, calling)
    return Traits(
        telling=telling,
        untold=untold,
        calling=calling,
        results=_results(trial, calling, telling is not None),
        system=system,
        alternates=alternates,
        parts=_parts(trial, calling, system),
        reasoning=key,
        reasoning_beside_text=trial.text(*_reasoned(calling, key, "bandicoot")) is not None,
    )


def _told(telling: Telling) -> dict[str, Any]:
    return {telling.door: DOORS[telling.door]([_tool(telling.needs_descriptions)])}


def _closed(telling: Telling | None) -> dict[str, Any]:
    return {} if telling is None or telling.door == "tools" else {telling.door: DOORS[telling.door]([])}


def _telling(trial: _Trial) -> Telling | None:
    for door, needs_system, needs_descriptions in product(DOORS, (False, True), (False, True)):
        telling = Telling(door, needs_system, needs_descriptions)
        head = [_said("system", "wallaby")] if needs_system else []
        if trial.shows(["find_wombat"], *head, _ASK, **_told(telling)):
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
        text = trial.text(_ASK, _said("assistant", shape.content, tool_calls=[_call(shape)]), after)
        # A dict printed as Python would (functionary's, given an object) is not what the model was trained on.
        if text is not None and "Quokkaville" in text and "{'den'" not in text:
            return text
    return None


def _beside_text(trial: _Trial, shape: Calling) -> bool:
    message = _said("assistant", "bandicoot", tool_calls=[_call(shape)])
    return any(trial.shows(["Quokkaville"], _ASK, message, after) for after in (_result(shape), _AGAIN))


def _parallel(trial: _Trial, shape: Calling) -> bool:
    ids = ("a1b2c3d4e", "b1b2c3d4e") if shape.short_ids else (LONG_ID, LONG_ID + "1")
    calls = [_call(shape, "Quokkaville", ids[0]), _call(shape, "Quollton", ids[1])]
    message = _said("assistant", shape.content, tool_calls=calls)
    results = [_result(shape, "numbat", identity=ids[0]), _result(shape, "dibbler", identity=ids[1])]
    words = ["Quokkaville", "Quollton"]
    return trial.shows(words, _ASK, message, *results) or trial.shows(words, _ASK, message, _AGAIN)


def _results(trial: _Trial, calling: Calling | None, told: bool) -> bool:
    head = [_ASK, _said("assistant", calling.content, tool_calls=[_call(calling)]) if calling else _ANSWER]
    text = trial.text(*head, _result(calling))
    if text is None or "numbat" not in text:
        return False
    stranger = trial.text(*head, _result(calling, role="stranger"))
    return told or stranger is None or text.replace("tool", "") != stranger.replace("stranger", "")


def _system(trial: _Trial) -> Literal["anywhere", "first", "never"]:
    first, late = _said("system", "wallaby"), _said("system", "wallaroo")
    words = ["wallaby", "wallaroo", "dunnart", "bilby", "pademelon", "potoroo"]
    if trial.shows(words, first, late, _ASK, _ANSWER, _said("system", "pademelon"), _AGAIN):
        return "anywhere"
    return "first" if trial.shows(["wallaby", "dunnart"], first, _ASK) else "never"


def _parts(trial: _Trial, calling: Calling | None, system: str) -> bool:
    def parts(word: str) -> list[Message]:
        return [{"type": "text", "text": f"{word}one"}, {"type": "text", "text": f"{word}two"}]

    talk = [_said(role, parts(role)) for role in ("user", "assistant", "user")]
    words = [f"{role}{count}" for role in ("user", "assistant", "user") for count in ("one", "two")]
    if system != "never":
        talk, words = [_said("system", parts("system")), *talk], ["systemone", "systemtwo", *words]
    if calling:
        talk += [_said("assistant", calling.content, tool_calls=[_call(calling)]), _result(calling, parts("tool"))]
        words += ["toolone", "tooltwo"]
    text = trial.text(*talk)
    return trial.shows(words, *talk) and "'text'" not in (text or "") and '"text"' not in (text or "")


def _reasoning(trial: _Trial, calling: Calling | None) -> str:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if trial.shows(["kowari"], *_reasoned(calling, key, calling.content if calling else "bilby")):
            return key
    return "reasoning_content"


def _reasoned(calling: Calling | None, key: str, content: str | None) -> list[Message]:
    calls = {"tool_calls": [_call(calling)]} if calling else {}
    return [_ASK, _said("assistant", content, **{key: "kowari"}, **calls), _result(calling) if calling else _AGAIN]
