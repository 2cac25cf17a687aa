"""How each request field of the APIs of OpenAI, vLLM, SGLang, llama.cpp and Ollama is treated.

A field is implemented, and then it is in a request type and in `field_docs`; or it is refused by name, in `refused`; or
it is ignored, because no answer depends on it, in `harmless`. From these tables come errors, `/openapi.json` and
docs/api.md. A field that is in none of them is ignored, and listed in the response's header.
"""

from __future__ import annotations

from collections.abc import Mapping

from latticework.doors.common.fields import DoorName, Refused
from latticework.doors.openai.fields.harmless import HARMLESS
from latticework.doors.openai.fields.refused import REFUSED

__all__ = ("HARMLESS", "REFUSED", "refused_by")


def refused_by(door: DoorName) -> Mapping[str, Refused]:
    """The fields that a door refuses, by name."""
    return {name: row for name, row in REFUSED.items() if door in row.doors}
