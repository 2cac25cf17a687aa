"""The user's texts of a request, where strings of its answer have to be spans of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from latticework.ask import Ask, Conversation
from latticework.errors import BadRequest
from turngrammar.terminals.strings import SOURCE
from turngrammar.turn import JsonContent, Turn


def grounded(ask: Ask, turn: Turn, default: bool) -> Turn:
    """The turn with the user's texts, if any of its strings has to be a span.

    `default`: whether all strings are that, where the request does not say so. Raises BadRequest where there is no
    schema or no text.
    """
    schemas = [*_turn_schemas(turn)]
    grounding = default if ask.grounding is None else ask.grounding
    if not schemas or not (grounding or any(map(_mentions_source, schemas))):
        if ask.grounding:
            problem = "needs an answer with a schema: send a format with a JSON Schema, or tools."
            raise BadRequest(f"'{ask.name('grounding')}' {problem}", param=ask.name("grounding"))
        return turn
    texts = tuple(text for _, text in quotable_texts(ask))
    if grounding and not any(texts):
        problem = "needs a text of the user's, and the request has none: send one, or false."
        raise BadRequest(f"'{ask.name('grounding')}' {problem}", param=ask.name("grounding"))
    return replace(turn, texts=texts, grounding=grounding)


def source_names(ask: Ask, turn: Turn) -> Sequence[str]:
    """The names of the turn's texts."""
    return () if turn.texts is None else tuple(name for name, _ in quotable_texts(ask))


def quotable_texts(ask: Ask) -> Sequence[tuple[str, str]]:
    """The user's texts, each behind its name. Raises BadRequest for a prompt of token ids."""
    if isinstance(ask.prompt, Conversation):
        return ask.prompt.quotable
    name = ask.name("prompt")
    if isinstance(ask.prompt.content, str):
        return ((name, ask.prompt.content),)
    raise BadRequest(f"'{name}' has token ids, which '{SOURCE}' can't quote: send text.", param=name)


def _turn_schemas(turn: Turn) -> Iterator[Any]:
    yield from (tool.parameters for tool in turn.tools if tool.input is None)
    if isinstance(turn.content, JsonContent):
        yield turn.content.schema


def _mentions_source(value: Any) -> bool:
    """Whether the keyword may be anywhere in a schema."""
    if isinstance(value, Mapping):
        return value.get(SOURCE) is True or any(map(_mentions_source, value.values()))
    return isinstance(value, list) and any(map(_mentions_source, value))
