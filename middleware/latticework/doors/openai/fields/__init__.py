"""How each request field of the APIs of OpenAI, vLLM, SGLang, llama.cpp and Ollama is treated.

A field is implemented, and then it is in a request type and in `field_docs`; or it is refused by name, in `refused`; or
it is ignored, because no answer depends on it, in `harmless`. From these tables come errors, `/openapi.json` and
docs/api.md. A field that is in none of them is ignored, and listed in the response's header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latticework.doors.openai.fields.harmless import HARMLESS
from latticework.doors.openai.fields.refused import REFUSED
from latticework.doors.openai.fields.rows import CHAT, COMPLETIONS, DoorName, Harmless, Refused

__all__ = ("CHAT", "COMPLETIONS", "HARMLESS", "REFUSED", "DoorName", "Harmless", "Refused", "passes", "refused_by")


def refused_by(door: DoorName) -> Mapping[str, Refused]:
    """The fields that a door refuses, by name."""
    return {name: row for name, row in REFUSED.items() if door in row.doors}


def passes(value: Any, row: Refused) -> bool:
    """Whether a refused field has a value that has no effect. True and 1 differ, as in JSON; 1 and 1.0 don't."""
    return any(isinstance(value, bool) == isinstance(neutral, bool) and value == neutral for neutral in row.neutral)
