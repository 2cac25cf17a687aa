"""Whether an answer of a kind is right, told by jsonschema and the family's list of tokens."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator

from tests.e2e.families.asking import Answer
from tests.e2e.families.kinds import NAMED, SCHEMA, TOOLS, Kind

FINISHED, CUT = "finished", "cut"


def faults(kind: Kind, answer: Answer, markup: Collection[str], *, sure: bool = True) -> list[str]:
    """What is wrong with the answer, in a word each.

    `markup`: the texts of tokens that are in no text. `sure`: whether the model can be made to call.
    """
    if answer.status != 200:
        return [f"status {answer.status}"]
    found = [f"{mark} in the text" for mark in markup if mark in answer.content or mark in answer.reasoning]
    ended = answer.calls[: len(answer.calls) - (answer.finish == "length")]
    found += [fault for name, arguments in ended for fault in _of_call(kind, name, arguments)]
    return found if answer.finish == "length" else found + _of_finished(kind, answer, sure)


def outcome(answer: Answer) -> str:
    return CUT if answer.finish == "length" else FINISHED


def _of_call(kind: Kind, name: str, arguments: str) -> list[str]:
    if name not in ([NAMED] if kind.name == "named" else TOOLS):
        return [f"a call of {name!r}"]
    return [f"{name}: {fault}" for fault in _against(TOOLS[name], arguments)]


def _of_finished(kind: Kind, answer: Answer, sure: bool) -> list[str]:
    (least, most), calls = kind.calls, len(answer.calls)
    least = least if sure or kind.ruled else 0
    found = []
    if calls < least or (most is not None and calls > most):
        found.append(f"{calls} calls")
    if answer.finish != ("tool_calls" if calls else "stop"):
        found.append(f"finish_reason {answer.finish}")
    if kind.document and not calls:
        found += [f"document: {fault}" for fault in _against(SCHEMA, answer.content)]
    if (kind.document or kind.calls[0]) and calls and answer.content.strip():
        found.append("content beside calls")
    return found


def _against(schema: Mapping[str, Any], text: str) -> list[str]:
    try:
        Draft202012Validator(schema).validate(json.loads(text))
    except (ValueError, ValidationError) as error:
        return [str(error).splitlines()[0]]
    return []
