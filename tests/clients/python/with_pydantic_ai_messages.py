"""pydantic-ai over /v1/messages (`anthropic:`): outputs of each kind, a tool and then an answer, streams, thinking."""

import os
from dataclasses import replace
from typing import Literal

import shared
from anthropic import AsyncAnthropic
from pydantic import BaseModel, Field
from pydantic_ai import (
    Agent,
    ModelHTTPError,
    ModelSettings,
    NativeOutput,
    PromptedOutput,
    StructuredDict,
    Tool,
    ToolOutput,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
)
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.usage import UsageLimits
from shared import CLAUDE, FLOOD, HELD, OPEN, SKIP, TASK, refused, remove


def made(name=None, **settings):
    """A client belongs to the event loop that it is first used in."""
    client = AsyncAnthropic(
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1"),
        api_key=os.environ.get("API_KEY", "none"),
        max_retries=0,
    )
    return AnthropicModel(
        name or CLAUDE,
        provider=AnthropicProvider(anthropic_client=client),
        settings=ModelSettings(temperature=0, max_tokens=200, parallel_tool_calls=False, **settings),
    )


REPORT = "The printer on floor 3 is on fire. File a ticket."


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class Anything(BaseModel, extra="allow"):
    pass


def structured_output_tool():
    assert isinstance(Agent(made(), output_type=ToolOutput(Ticket)).run_sync(REPORT).output, Ticket)


def structured_output_native():
    assert isinstance(Agent(made(), output_type=NativeOutput(Ticket)).run_sync(REPORT).output, Ticket)


def structured_output_prompted():
    """The schema is only in the prompt; that the answer is an object is added to the request."""
    small = {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}, "maxProperties": 3}
    form = {"output_config": {"format": {"type": "json_schema", "schema": small}}}
    agent = Agent(made(), output_type=PromptedOutput(Anything), model_settings=ModelSettings(extra_body=form))
    assert isinstance(agent.run_sync(REPORT).output, Anything)


def tool_first(context):
    """The model has to call the tool, and afterwards the tool is gone."""
    return ModelSettings(tool_choice=["caretaker"]) if context.run_step == 1 else ModelSettings()


async def only_at_first(context, tool):
    return tool if context.run_step == 1 else None


def looped(output, **settings):
    asked = []
    agent = Agent(made(**settings), output_type=output, model_settings=tool_first)

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
    agent = Agent(made(), model_settings=ModelSettings(max_tokens=20))
    async with agent.run_stream(REPORT) as result:
        deltas = [delta async for delta in result.stream_text(delta=True, debounce_by=None)]
    assert len(deltas) > 1
    assert "".join(deltas) == (await agent.run(REPORT)).output


async def streamed(output):
    async with Agent(made(), output_type=output).run_stream(REPORT) as result:
        partial = [ticket async for ticket in result.stream_output(debounce_by=None)]
        assert isinstance(partial[-1], Ticket)
        assert partial[-1] == await result.get_output()


async def streaming_tool():
    await streamed(ToolOutput(Ticket))


async def streaming_native():
    await streamed(NativeOutput(Ticket))


def error():
    try:
        Agent(made("no-such-model")).run_sync(REPORT)
    except ModelHTTPError as error:
        assert error.status_code == 404
        assert "no-such-model" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def error_too_long():
    try:
        Agent(made()).run_sync(FLOOD)
    except ModelHTTPError as error:
        shared.too_long(error)
    else:
        raise AssertionError("it was taken")


ONCE = UsageLimits(request_limit=1)


def limited(tokens, **extra):
    """An agent that must call the tool, and is ended after one request."""
    return forced([Tool(remove)], ModelSettings(max_tokens=tokens, extra_body=extra))


def forced(tools, settings):
    """It must call one of the tools at first."""
    names = [tool.name for tool in tools]

    def chosen(context):
        return settings | ({"tool_choice": names} if context.run_step == 1 else {})

    return Agent(made(), tools=tools, model_settings=chosen, retries=0)


async def tried(act):
    try:
        await act
    except ModelHTTPError as error:
        refused(error)
    except UsageLimitExceeded:
        pass  # what comes after the tool
    except UnexpectedModelBehavior as error:  # what pydantic-ai says of calls and answers that are cut
        assert "token limit" in str(error) or "max_tokens" in str(error) or "retries" in str(error), error


def cut_whole():
    return shared.cut(lambda tokens: tried(limited(tokens).run(TASK, usage_limits=ONCE)))


async def stepped(agent):
    """Each request of the agent's is streamed."""

    async def events(context, stream):
        async for _ in stream:
            pass

    await agent.run(TASK, usage_limits=ONCE, event_stream_handler=events)


def cut_streamed():
    return shared.cut(lambda tokens: tried(stepped(limited(tokens))))


def cut_streamed_whole():
    return shared.cut(lambda tokens: tried(stepped(limited(tokens, **HELD))))


async def first_calls(agent):
    """The calls of an agent's first answer."""
    given = []

    async def events(context, stream):
        calls = [event.part async for event in stream if event.event_kind == "function_tool_call"]
        given.extend((call.tool_name, call.args_as_dict()) for call in calls)

    await tried(agent.run(REPORT, usage_limits=ONCE, event_stream_handler=events))
    return given


def answering(name, parameters):
    return Tool.from_schema(lambda **given: "Done.", name, "A tool.", parameters)


def closed_tool():
    async def drive(seed):
        agent = forced([answering("hours", OPEN)], ModelSettings(temperature=1, extra_body={"seed": seed}))
        return [arguments for _, arguments in await first_calls(agent)]

    shared.closed(drive)


def closed_document():
    kind = NativeOutput(StructuredDict(OPEN, name="hours"))

    async def drive(seed):
        settings = ModelSettings(temperature=1, extra_body={"seed": seed})
        return (await Agent(made(), output_type=kind, model_settings=settings).run(REPORT)).output

    shared.closed(drive)


async def called(names):
    tools = [answering(name, parameters) for name, parameters in shared.many(names).items()]
    ((name, arguments),) = await first_calls(forced(tools, ModelSettings(extra_body=SKIP)))
    shared.fits(name, arguments, names)


async def many_tools():
    await called("tool_{}")


async def many_tools_dotted():
    await called("files.v2/tool_{}")


def parts(message, names):
    """A message of OpenAI's as pydantic-ai's; `names` of the calls so far, by their ids."""
    text = message["content"]
    if message["role"] == "assistant":
        calls = [
            ToolCallPart(one["function"]["name"], one["function"]["arguments"], one["id"])
            for one in message.get("tool_calls", [])
        ]
        names.update({call.tool_call_id: call.tool_name for call in calls})
        return ModelResponse([*([] if text is None else [TextPart(text)]), *calls])
    if message["role"] == "tool":
        return ModelRequest([ToolReturnPart(names[message["tool_call_id"]], text, message["tool_call_id"])])
    return ModelRequest([UserPromptPart(text) if message["role"] == "user" else SystemPromptPart(text)])


def histories():
    async def ask(messages):
        names = {}
        history = [parts(message, names) for message in messages]
        agent = Agent(made(), model_settings=ModelSettings(max_tokens=8))
        return (await agent.run(message_history=history)).output

    shared.histories(ask)


def thinking():
    """Thoughts go back in the next turn."""
    config = {"type": "enabled", "budget_tokens": 1024}
    settings = AnthropicModelSettings(temperature=1, max_tokens=1030, anthropic_thinking=config)
    agent = Agent(made(), model_settings=settings)
    first = agent.run_sync(REPORT)
    assert agent.run_sync("Thank you.", message_history=first.all_messages()).output


async def counting():
    """It counts a request before it sends it, and refuses one beyond a limit; a count is what is then used."""
    agent = Agent(made(), model_settings=ModelSettings(max_tokens=8))
    used = (await agent.run(REPORT)).usage.input_tokens
    exact = UsageLimits(input_tokens_limit=used, count_tokens_before_request=True)
    assert (await agent.run(REPORT, usage_limits=exact)).output
    try:
        await agent.run(REPORT, usage_limits=replace(exact, input_tokens_limit=used - 1))
    except UsageLimitExceeded:
        return
    raise AssertionError("it was sent")
