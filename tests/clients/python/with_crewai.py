"""CrewAI: its LLM with a type, with a tool, as a stream; and a crew whose task has a type."""

import json
import os
from typing import Literal

import shared
from crewai import LLM, Agent, Crew, Task
from crewai.events import LLMStreamChunkEvent, crewai_event_bus
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, REMOVE, SKIP, TASK, refused, remove


class Ticket(BaseModel, extra="forbid"):
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
            "max_retries": 0,
            **options,
        }
    )


REPORT = "The printer on floor 3 is on fire. File a ticket."
HOURS = {
    "type": "function",
    "function": {
        "name": "opening_hours",
        "parameters": {
            "type": "object",
            "properties": {"shop": {"enum": ["bakery", "library"]}},
            "required": ["shop"],
            "additionalProperties": False,
        },
    },
}
QUESTION = "When does the bakery open on Monday?"


def structured_output():
    assert isinstance(made(response_format=Ticket).call(REPORT), Ticket)


def structured_output_crew():
    """An agent of a crew, whose answer becomes the type: CrewAI asks for it in the prompt, then in a schema."""
    clerk = Agent(role="clerk", goal="file tickets", backstory="A clerk.", llm=made(response_format=Ticket), max_iter=1)
    task = Task(description=REPORT, expected_output="a ticket", agent=clerk, output_pydantic=Ticket)
    assert isinstance(Crew(agents=[clerk], tasks=[task]).kickoff().pydantic, Ticket)


def tool_loop():
    """CrewAI's own tools are always left to the model's choice, so this one is asked for by name."""
    forced = {"tools": [HOURS], "tool_choice": "required", "parallel_tool_calls": False}
    messages = [{"role": "user", "content": QUESTION}]
    (call,) = made(additional_params=forced).call(messages)
    assert json.loads(call.function.arguments)["shop"] in {"bakery", "library"}
    answer = {"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": "It opens at 7:30."}
    turns = [*messages, {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]}, answer]
    assert isinstance(made(response_format=Ticket).call(turns), Ticket)


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
    except ValueError as error:  # CrewAI's own, made of the openai package's
        assert isinstance(error.__cause__, NotFoundError)
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")


FORCED = {"tool_choice": "required", "parallel_tool_calls": False}


def act(tokens, **options):
    """The function is CrewAI's to run, as soon as the model has called it."""
    extra = options.pop("extra_body", {})
    forced = {**FORCED, "tools": [REMOVE], "extra_body": extra}
    model = made(max_tokens=tokens, additional_params=forced, **options)
    try:
        model.call([{"role": "user", "content": TASK}], available_functions={"remove": remove})
    except BadRequestError as error:
        refused(error)


def cut_whole():
    return shared.cut(act)


def cut_streamed():
    return shared.cut(lambda tokens: act(tokens, stream=True), streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: act(tokens, stream=True, extra_body=HELD))


def called(tools, **options):
    calls = made(additional_params={**FORCED, "tools": tools, **options}).call(QUESTION)
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


def closed():
    tool = {"type": "function", "function": {"name": "hours", "parameters": OPEN}}
    shared.closed(lambda seed: [given for _, given in called([tool], temperature=1, seed=seed)])


def fitting(names):
    ((name, arguments),) = called(shared.functions(names), extra_body=SKIP)
    shared.fits(name, arguments, names)


def many_tools():
    fitting("tool_{}")


def many_tools_dotted():
    fitting("files.v2/tool_{}")


def histories():
    shared.histories(made(max_tokens=8).call)
