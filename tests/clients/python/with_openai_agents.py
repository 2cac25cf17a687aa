"""openai-agents: an agent with an output type, a tool, streams."""

import os
from typing import Literal

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from openai import AsyncOpenAI, NotFoundError
from pydantic import BaseModel, Field

set_tracing_disabled(True)
MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
REPORT = "The printer on floor 3 is on fire. File a ticket."


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def agent(name=MODEL, settings=None, **options):
    client = AsyncOpenAI(
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"), api_key=os.environ.get("API_KEY", "none")
    )
    settings = ModelSettings(temperature=0, max_tokens=200).resolve(settings)
    model = OpenAIChatCompletionsModel(model=name, openai_client=client)
    return Agent(name="helper", instructions="You help.", model=model, model_settings=settings, **options)


async def structured_output():
    assert isinstance((await Runner.run(agent(output_type=Ticket), REPORT)).final_output, Ticket)


async def tool_loop():
    """The tool is there until it has run, and the model must call it; then it must answer."""
    asked = []

    @function_tool(is_enabled=lambda context, agent: not asked)
    def caretaker(floor: Literal[1, 2, 3]) -> str:
        """Who looks after a floor."""
        asked.append(floor)
        return "Ask Ada."

    required = ModelSettings(tool_choice="required", parallel_tool_calls=False)
    helper = agent(tools=[caretaker], output_type=Ticket, settings=required)
    result = await Runner.run(helper, REPORT, max_turns=3)
    assert len(asked) == 1
    assert isinstance(result.final_output, Ticket)
    assert len(result.raw_responses) == 2


async def streaming():
    result = Runner.run_streamed(agent(output_type=Ticket), REPORT)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert len(deltas) > 1
    assert Ticket.model_validate_json("".join(deltas)) == result.final_output


async def error():
    try:
        await Runner.run(agent("no-such-model"), REPORT)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")
