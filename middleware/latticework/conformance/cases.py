"""The turns that a model is put to the test with: calls, texts, documents and thoughts of every kind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from turngrammar.render import Call
from turngrammar.turn import Mode, Tool

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "get_weather": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city."},
            "days": {"type": "integer", "description": "How many days."},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
    "list_alarms": {"type": "object", "properties": {}, "additionalProperties": False},
    "save_note": {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "The title."},
            "body": {"type": "string", "description": "The text."},
        },
        "required": ["title", "body"],
        "additionalProperties": False,
    },
    "plan_trip": {
        "type": "object",
        "properties": {
            "stops": {
                "type": "array",
                "description": "The stops.",
                "items": {
                    "type": "object",
                    "properties": {
                        "place": {"type": "string"},
                        "nights": {"type": "integer"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["place"],
                    "additionalProperties": False,
                },
            },
            "budget": {
                "type": "object",
                "description": "The budget.",
                "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
                "required": ["amount"],
                "additionalProperties": False,
            },
        },
        "required": ["stops"],
        "additionalProperties": False,
    },
    "set_options": {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "description": "How many."},
            "ratio": {"type": "number", "description": "A ratio."},
            "verbose": {"type": "boolean", "description": "Whether."},
            "quiet": {"type": "boolean", "description": "Whether not."},
            "parent": {"type": "null", "description": "Nothing."},
            "mode": {"type": "string", "enum": ["fast", "slow"], "description": "The mode."},
            "names": {"type": "array", "items": {"type": "string"}, "description": "Names."},
            "extra": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "More."},
        },
        "required": ["count"],
        "additionalProperties": False,
    },
}
"""The tools on offer, name -> parameters."""

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "langs": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "langs"],
    "additionalProperties": False,
}
"""The schema of the document."""


@dataclass(frozen=True)
class Case:
    """One turn. `calls` are names and arguments; a `document` is the turn's text and fits SCHEMA."""

    name: str
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    text: str = ""
    thoughts: str = ""
    document: bool = False

    @property
    def wire_calls(self) -> tuple[Call, ...]:
        """The calls with their arguments as JSON text."""
        return tuple(Call(name, json.dumps(arguments, ensure_ascii=False)) for name, arguments in self.calls)

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The tool choices under which a model may write so."""
        return ("auto", "required") if self.calls and not self.text else ("auto",)


_WEATHER = ("get_weather", {"city": "Oslo", "days": 3})
_TRICKY = "He said \"no\" and 'yes'.\n\n\tA \\ B & <b>bold</b> {x: [1]}, 🌦️ 東京 naïve; 100% </p>\n"
_THOUGHTS = "The user wants the weather.\nSo I call a tool."

CASES: Sequence[Case] = (
    Case("one call", (_WEATHER,)),
    Case("parallel calls", (_WEATHER, ("get_weather", {"city": "Bergen"}))),
    Case("other tools in parallel", (_WEATHER, ("list_alarms", {}))),
    Case("no arguments", (("list_alarms", {}),)),
    Case(
        "nested arguments",
        (
            (
                "plan_trip",
                {
                    "stops": [{"place": "Oslo", "nights": 2, "tags": ["art", "food"]}, {"place": "Bergen"}],
                    "budget": {"amount": 1250.5, "currency": "NOK"},
                },
            ),
        ),
    ),
    Case("tricky strings", (("save_note", {"title": "Note: <i>, [1]", "body": _TRICKY}),)),
    Case(
        "every JSON type",
        (
            (
                "set_options",
                {
                    "count": -3,
                    "ratio": 0.5,
                    "verbose": True,
                    "quiet": False,
                    "parent": None,
                    "mode": "fast",
                    "names": ["Ann", "Bob"],
                    "extra": {"a": 1},
                },
            ),
        ),
    ),
    Case("text, then a call", (_WEATHER,), text="Let me look that up."),
    Case("thoughts, then a call", (_WEATHER,), thoughts=_THOUGHTS),
    Case(
        "thoughts, then a document",
        text=json.dumps({"name": "Ann", "age": 7, "langs": ["no", "en"]}),
        thoughts=_THOUGHTS,
        document=True,
    ),
    Case("a document", text=json.dumps({"name": "Ann", "age": 7, "langs": ["no", "en"]}), document=True),
    Case("text", text="It rains in Oslo, <b>today</b>.\n\n1. Take an umbrella.\n2. Wait."),
)


def tools(case: Case) -> tuple[Tool, ...]:
    """What is on offer in a turn, as the compiler takes it: what is called; nothing beside a document."""
    names = [] if case.document else dict.fromkeys([*(name for name, _ in case.calls), "get_weather"])
    return tuple(Tool(name, f"The tool {name}.", PARAMETERS[name]) for name in names)


def offered(case: Case) -> list[dict[str, Any]]:
    """The same in OpenAI's form."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in tools(case)
    ]
