"""The turns that a model is tested with: calls, texts and JSON documents, with and without reasoning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.prompt.capabilities import Message
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
"""JSON Schema of each tool's parameters, by the tool's name."""

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
"""JSON Schema of the documents."""


@dataclass(frozen=True)
class Case:
    """One assistant turn.

    Attributes:
        name: as reports print it.
        calls: names and arguments.
        text: content beside the calls, or without any.
        reasoning: before the text and the calls.
        document: `text` is a JSON document, valid under SCHEMA.
    """

    name: str
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    text: str = ""
    reasoning: str = ""
    document: bool = False

    @property
    def wire_calls(self) -> tuple[Call, ...]:
        """`calls` with their arguments as JSON text."""
        return tuple(Call(name, json.dumps(arguments, ensure_ascii=False)) for name, arguments in self.calls)

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The tool choices under which a model may write this turn."""
        return ("auto", "required") if self.calls and not self.text else ("auto",)


_WEATHER = ("get_weather", {"city": "Oslo", "days": 3})
_TRICKY = "He said \"no\" and 'yes'.\n\n\tA \\ B & <b>bold</b> {x: [1]}, 🌦️ 東京 naïve; 100% </p>\n"
_REASONING = "The user wants the weather.\nSo I call a tool."

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
    Case("reasoning, then a call", (_WEATHER,), reasoning=_REASONING),
    Case(
        "reasoning, then a document",
        text=json.dumps({"name": "Ann", "age": 7, "langs": ["no", "en"]}),
        reasoning=_REASONING,
        document=True,
    ),
    Case("a document", text=json.dumps({"name": "Ann", "age": 7, "langs": ["no", "en"]}), document=True),
    Case("text", text="It rains in Oslo, <b>today</b>.\n\n1. Take an umbrella.\n2. Wait."),
)


def case_tools(case: Case) -> tuple[Tool, ...]:
    """The tools offered in the turn, as the compiler takes them: those that are called. None beside a document."""
    names = [] if case.document else dict.fromkeys([*(name for name, _ in case.calls), "get_weather"])
    return tuple(Tool(name, f"The tool {name}.", PARAMETERS[name]) for name in names)


def openai_tools(case: Case) -> list[Message]:
    """`case_tools` in the form of OpenAI's API."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in case_tools(case)
    ]


RESULT = "It is done."


def assistant_message(case: Case) -> Message:
    """The turn in the form of OpenAI's API."""
    message: Message = {"role": "assistant", "content": case.text or None}
    if case.reasoning:
        message["reasoning_content"] = case.reasoning
    if case.calls:
        message["tool_calls"] = [_openai_call(index, call) for index, call in enumerate(case.wire_calls)]
    return message


def result_messages(case: Case) -> list[Message]:
    """A result, RESULT, for each of the calls."""
    return [{"role": "tool", "tool_call_id": _call_id(at), "content": RESULT} for at in range(len(case.calls))]


def _openai_call(index: int, call: Call) -> Message:
    return {"id": _call_id(index), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _call_id(index: int) -> str:
    return f"call{index}abcd"  # nine letters and digits, as Mistral's templates require
