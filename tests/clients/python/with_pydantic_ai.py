"""pydantic-ai: tool, native and prompted output; a tool and then an answer; streams."""

import os
from typing import Literal

from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelHTTPError, ModelSettings, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"), api_key=os.environ.get("API_KEY", "none")
)
model = OpenAIChatModel(
    os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    provider=provider,
    settings=ModelSettings(temperature=0, max_tokens=200, parallel_tool_calls=False),
)
REPORT = "The printer on floor 3 is on fire. File a ticket."


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class Anything(BaseModel, extra="allow"):
    pass


def structured_output_tool():
    assert isinstance(Agent(model, output_type=ToolOutput(Ticket)).run_sync(REPORT).output, Ticket)


def structured_output_native():
    assert isinstance(Agent(model, output_type=NativeOutput(Ticket)).run_sync(REPORT).output, Ticket)


def structured_output_prompted():
    """The schema is only in the prompt: the answer is a JSON object, closed where it is cut, and else the model's."""
    closed = ModelSettings(max_tokens=60, extra_body={"truncation": "close"})
    agent = Agent(model, output_type=PromptedOutput(Anything), model_settings=closed)
    assert isinstance(agent.run_sync(REPORT).output, Anything)


def tool_first(context):
    """The model has to call the tool, and afterwards the tool is gone."""
    return ModelSettings(tool_choice=["caretaker"]) if context.run_step == 1 else ModelSettings()


async def only_at_first(context, tool):
    return tool if context.run_step == 1 else None


def looped(output):
    asked = []
    agent = Agent(model, output_type=output, model_settings=tool_first)

    @agent.tool_plain(prepare=only_at_first)
    def caretaker(floor: Literal[1, 2, 3]) -> str:
        """Who looks after a floor."""
        asked.append(floor)
        return "Ask Ada."

    assert isinstance(agent.run_sync(REPORT).output, Ticket)
    assert len(asked) == 1
    assert asked[0] in {1, 2, 3}


def tool_loop_tool():
    looped(ToolOutput(Ticket))


def tool_loop_native():
    looped(NativeOutput(Ticket))


async def streaming_text():
    agent = Agent(model, model_settings=ModelSettings(max_tokens=20))
    async with agent.run_stream(REPORT) as result:
        deltas = [delta async for delta in result.stream_text(delta=True, debounce_by=None)]
    assert len(deltas) > 1
    assert "".join(deltas) == (await agent.run(REPORT)).output


async def streamed(output):
    async with Agent(model, output_type=output).run_stream(REPORT) as result:
        partial = [ticket async for ticket in result.stream_output(debounce_by=None)]
        assert isinstance(partial[-1], Ticket)
        assert partial[-1] == await result.get_output()


async def streaming_tool():
    await streamed(ToolOutput(Ticket))


async def streaming_native():
    await streamed(NativeOutput(Ticket))


def error():
    try:
        Agent(OpenAIChatModel("no-such-model", provider=provider)).run_sync(REPORT)
    except ModelHTTPError as error:
        assert error.status_code == 404
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")
