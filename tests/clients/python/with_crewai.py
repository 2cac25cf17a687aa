"""CrewAI: its LLM with a type, with a tool that it runs itself, as a stream; and a crew whose task has a type."""

import os
from typing import Literal

from crewai import LLM, Agent, Crew, Task
from crewai.events import LLMStreamChunkEvent, crewai_event_bus
from pydantic import BaseModel, Field


class Ticket(BaseModel):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def made(model=None, **options):
    return LLM(
        **{
            "model": model or os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "provider": "openai",
            "base_url": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "api_key": os.environ.get("API_KEY", "none"),
            "temperature": 0,
            "max_tokens": 200,
            **options,
        }
    )


REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = "When does the bakery open on Monday?"


def structured_output():
    assert isinstance(made(response_format=Ticket).call(REPORT), Ticket)


def streaming():
    deltas = []
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(LLMStreamChunkEvent)
        def keep(source, event):
            deltas.append(event.chunk)

        whole = made(stream=True, max_tokens=20).call(QUESTION)
    assert len(deltas) > 1
    assert "".join(deltas) == whole


def error():
    try:
        made("no-such-model").call(QUESTION)
    except Exception as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")
