"""Tools that OpenAI defines and the client runs: each is a function of a known schema, with an item type of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from latticework.doors.common.objects import closed_object


@dataclass(frozen=True)
class ClientTool:
    """One of them.

    Attributes:
        call, output: the types of its items.
        arguments: the field of the call that has the arguments.
        parameters: the JSON Schema of the arguments.
        fixed: what the arguments have in an item, where the model has not written it.
    """

    call: str
    output: str
    arguments: str
    description: str
    parameters: Mapping[str, Any]
    fixed: Mapping[str, Any] = field(default_factory=dict)


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1}
_MILLISECONDS = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}


def _file_operation(kind: str, *, with_diff: bool) -> dict[str, Any]:
    return closed_object({"type": {"const": kind}, "path": _TEXT, **({"diff": _TEXT} if with_diff else {})})


CLIENT_TOOLS: Mapping[str, ClientTool] = {
    "local_shell": ClientTool(
        "local_shell_call",
        "local_shell_call_output",
        "action",
        "Runs a command on the user's machine.",
        closed_object({"command": _TEXTS}, {"working_directory": _TEXT, "timeout_ms": _MILLISECONDS}),
        # A call has its environment's variables, of which the model sets none.
        fixed={"type": "exec", "env": {}},
    ),
    "shell": ClientTool(
        "shell_call",
        "shell_call_output",
        "action",
        "Runs shell commands on the user's machine.",
        closed_object({"commands": _TEXTS}, {"timeout_ms": _MILLISECONDS, "max_output_length": _MILLISECONDS}),
        fixed={"timeout_ms": None, "max_output_length": None},
    ),
    "apply_patch": ClientTool(
        "apply_patch_call",
        "apply_patch_call_output",
        "operation",
        "Creates, updates or deletes a file; 'diff' is in the V4A format.",
        {
            "anyOf": [
                _file_operation("create_file", with_diff=True),
                _file_operation("update_file", with_diff=True),
                _file_operation("delete_file", with_diff=False),
            ]
        },
    ),
    "tool_search": ClientTool(
        "tool_search_call",
        "tool_search_output",
        "arguments",
        "Searches for further tools.",
        closed_object({"query": _TEXT}),
    ),
}
