"""Tools that Anthropic defines and the client runs: each is a function of a known schema.

Source: Anthropic's reference of the bash, text editor, memory and computer use tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latticework.doors.common.objects import closed_object

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string"}
_LINE: Schema = {"type": "integer", "minimum": 0}
_RANGE: Schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
_POINT: Schema = {"type": "array", "items": _LINE, "minItems": 2, "maxItems": 2}
_SECONDS: Schema = {"type": "number", "minimum": 0, "maximum": 100}


@dataclass(frozen=True)
class AnthropicTool:
    """A kind of tool.

    Attributes:
        types: a pattern of its types, which have dates.
        parameters: the JSON Schema of its input.
    """

    types: re.Pattern[str]
    description: str
    parameters: Schema


def _commands(name: str, commands: Mapping[str, tuple[Schema, Schema]]) -> Schema:
    """One of several commands, each with its required and its optional parameters."""
    return {
        "anyOf": [
            closed_object({name: {"const": command}, **required}, optional)
            for command, (required, optional) in commands.items()
        ]
    }


_EDITING: Mapping[str, tuple[Schema, Schema]] = {
    "view": ({"path": _TEXT}, {"view_range": _RANGE}),
    "create": ({"path": _TEXT, "file_text": _TEXT}, {}),
    "str_replace": ({"path": _TEXT, "old_str": _TEXT}, {"new_str": _TEXT}),
}
_INSERTING: Schema = {"path": _TEXT, "insert_line": _LINE}
_AT: tuple[Schema, Schema] = ({"coordinate": _POINT}, {"text": _TEXT})
_CLICKS = ("left_click", "right_click", "middle_click", "double_click", "triple_click")

CLIENT_TOOLS: tuple[AnthropicTool, ...] = (
    AnthropicTool(
        re.compile(r"bash_\d{8}"),
        "Runs a command in a bash session that keeps its state, or restarts the session.",
        {"anyOf": [closed_object({"command": _TEXT}), closed_object({"restart": {"const": True}})]},
    ),
    AnthropicTool(
        re.compile(r"text_editor_(?:20241022|20250124)"),
        "Views, creates and edits files.",
        _commands(
            "command",
            {**_EDITING, "insert": ({**_INSERTING, "new_str": _TEXT}, {}), "undo_edit": ({"path": _TEXT}, {})},
        ),
    ),
    AnthropicTool(
        re.compile(r"text_editor_\d{8}"),
        "Views, creates and edits files.",
        _commands("command", {**_EDITING, "insert": ({**_INSERTING, "insert_text": _TEXT}, {})}),
    ),
    AnthropicTool(
        re.compile(r"memory_\d{8}"),
        "Views, creates and edits the files below /memories, which stay from one conversation to the next.",
        _commands(
            "command",
            {
                **_EDITING,
                "insert": ({**_INSERTING, "insert_text": _TEXT}, {}),
                "delete": ({"path": _TEXT}, {}),
                "rename": ({"old_path": _TEXT, "new_path": _TEXT}, {}),
            },
        ),
    ),
    AnthropicTool(
        re.compile(r"computer_\d{8}"),
        "Controls the mouse and the keyboard of a computer, and takes screenshots.",
        _commands(
            "action",
            {
                "screenshot": ({}, {}),
                "cursor_position": ({}, {}),
                "key": ({"text": _TEXT}, {}),
                "type": ({"text": _TEXT}, {}),
                "mouse_move": ({"coordinate": _POINT}, {}),
                **dict.fromkeys(_CLICKS, _AT),
                "left_click_drag": ({"start_coordinate": _POINT, "coordinate": _POINT}, {}),
                "left_mouse_down": ({}, {}),
                "left_mouse_up": ({}, {}),
                "scroll": (
                    {
                        "coordinate": _POINT,
                        "scroll_direction": {"enum": ["up", "down", "left", "right"]},
                        "scroll_amount": _LINE,
                    },
                    {"text": _TEXT},
                ),
                "hold_key": ({"text": _TEXT, "duration": _SECONDS}, {}),
                "wait": ({"duration": _SECONDS}, {}),
            },
        ),
    ),
)


def client_tool(kind: str) -> AnthropicTool | None:
    """The tool of this type; None for one that the client does not run, or whose schema is not known."""
    return next((tool for tool in CLIENT_TOOLS if tool.types.fullmatch(kind)), None)
