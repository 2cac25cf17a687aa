"""smolagents: a model's answer in a schema, an agent whose tool is called, streams."""

import json
import os
from typing import Literal

import shared
from openai import BadRequestError
from pydantic import BaseModel, Field
from shared import HELD, TASK, refused
from smolagents import ActionStep, AgentGenerationError, OpenAIModel, Tool, ToolCallingAgent, tool
from smolagents.models import agglomerate_stream_deltas


def made(**options):
    return OpenAIModel(
        **{
            "model_id": os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "api_key": os.environ.get("API_KEY", "none"),
            "temperature": 0,
            "max_tokens": 200,
            "client_kwargs": {"max_retries": 0},
            "retry": False,
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


class Remove(Tool):
    name = "remove"
    description = "Removes the files that match a pattern."
    inputs = {  # noqa: RUF012 - as smolagents has it
        "pattern": {"type": "string", "description": "Which files.", "nullable": True},
        "days": {"type": "integer", "description": "Only those that are so many days old.", "nullable": True},
    }
    output_type = "string"

    def forward(self, pattern: str | None = "*", days: int | None = 0) -> str:
        return shared.remove(pattern, days)


def act(tokens, streaming, **extra):
    """The agent's own loop, of one step; what a step can't parse is noted in its memory."""
    model = made(max_tokens=tokens, extra_body={"parallel_tool_calls": False, **extra})
    agent = ToolCallingAgent([Remove()], model, stream_outputs=streaming, max_steps=1, verbosity_level=0)
    del agent.tools["final_answer"]
    try:
        for step in agent.run(TASK, stream=True):
            if isinstance(step, ActionStep):
                break  # before it has the model sum up
    except AgentGenerationError as error:
        assert isinstance(error.__cause__, BadRequestError)
        refused(error)


def cut_whole():
    return shared.cut(lambda tokens: act(tokens, streaming=False))


def cut_streamed():
    return shared.cut(lambda tokens: act(tokens, streaming=True), streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: act(tokens, streaming=True, **HELD))


class Hours(Tool):
    name = "hours"
    description = "When a shop opens."
    inputs = {  # noqa: RUF012 - as smolagents has it
        "shop": {"type": "string", "description": "Which shop.", "enum": ["bakery", "library"]},
        "note": {"type": "string", "description": "A note.", "nullable": True},
    }
    output_type = "string"
    skip_forward_signature_validation = True

    def forward(self, **given):
        return "At 7:30."


def called(tools, **options):
    """What the model calls: a tool's schema is made of its inputs, which have types and little else."""
    message = made(**options).generate(REPORT, tools_to_call_from=tools)
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]


def closed():
    forced = {"temperature": 1, "parallel_tool_calls": False}
    shared.closed(lambda seed: [given for _, given in called([Hours()], seed=seed, **forced)])


def many_tools():
    """Names must be those of Python, and inputs have no bounds: no schema is impossible."""
    kinds = ["string", "integer", "boolean", "number", "array"]

    def numbered(number):
        inputs = {"value": {"type": kinds[number % 5], "description": "A value."}}
        members = {"name": f"tool_{number}", "description": "A tool.", "inputs": inputs, "output_type": "string"}
        members |= {"forward": lambda self, value: "Done."}
        return type("Numbered", (Tool,), {**members, "skip_forward_signature_validation": True})()

    ((name, given),) = called([numbered(number) for number in range(1, 27)], parallel_tool_calls=False)
    assert name.startswith("tool_")
    assert given.keys() == {"value"}


def texts(message):
    """A message of OpenAI's as this package keeps it: calls and results are text, in roles of its own."""
    for call in message.get("tool_calls", []):
        yield "tool-call", f"Calling tools: {call['function']}"
    if message["content"] is not None:
        roles = {"tool": "tool-response", "developer": "system"}
        yield roles.get(message["role"], message["role"]), message["content"]


def histories():
    def ask(messages):
        turns = [
            {"role": role, "content": [{"type": "text", "text": text}]}
            for message in messages
            for role, text in texts(message)
        ]
        return made(max_tokens=8).generate(turns).content

    shared.histories(ask)
