"""smolagents: a model's answer in a schema, an agent whose tool is called, streams."""

import os
from typing import Literal

from pydantic import BaseModel, Field
from smolagents import AgentGenerationError, OpenAIModel, ToolCallingAgent, tool
from smolagents.models import agglomerate_stream_deltas


def made(**options):
    return OpenAIModel(
        **{
            "model_id": os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "api_key": os.environ.get("API_KEY", "none"),
            "temperature": 0,
            "max_tokens": 200,
            **options,
        }
    )


REPORT = [{"role": "user", "content": [{"type": "text", "text": "The printer is on fire. File a ticket."}]}]
asked = []


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers.

    Args:
        a: One number.
        b: The other.
    """
    asked.append((a, b))
    return a + b


def structured_output():
    schema = {"name": "ticket", "strict": True, "schema": Ticket.model_json_schema()}
    answer = made().generate(REPORT, response_format={"type": "json_schema", "json_schema": schema})
    Ticket.model_validate_json(answer.content)


def tool_loop():
    """The agent's own loop of two steps, after which the model answers in its own words."""
    asked.clear()
    agent = ToolCallingAgent([add], made(), max_steps=2, verbosity_level=0)
    answer = agent.run("Add 20 and 22 with the tool add.", return_full_result=True)
    assert asked
    assert all(isinstance(number, int) for pair in asked for number in pair)
    assert isinstance(answer.output, str) and answer.output


def streaming():
    short = made(max_tokens=20)
    deltas = list(short.generate_stream(REPORT))
    texts = [delta.content for delta in deltas if delta.content]
    assert len(texts) > 1
    assert "".join(texts) == agglomerate_stream_deltas(deltas).content == short.generate(REPORT).content
    assert deltas[-1].token_usage.output_tokens > 0


def error():
    try:
        ToolCallingAgent([], made(model_id="no-such-model"), max_steps=1, verbosity_level=0).run("Hello.")
    except AgentGenerationError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")
