"""The openai package: parsed answers, tools, streams, completions."""

import json
import os
from typing import Literal

import shared
from openai import BadRequestError, LengthFinishReasonError, NotFoundError, OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field
from shared import HELD, OPEN, REMOVE, SKIP, TASK, ran, refused, remove

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
client = OpenAI(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    max_retries=0,
)
ASK = {"model": MODEL, "temperature": 0, "max_tokens": 200}


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class OpeningHours(BaseModel, extra="forbid"):
    """When a shop opens."""

    shop: Literal["bakery", "library"]
    day: Literal["Monday", "Sunday"]


REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
QUESTION = [{"role": "user", "content": "When does the bakery open on Monday?"}]
TOOLS = [pydantic_function_tool(OpeningHours, name="opening_hours")]


def structured_output():
    answer = client.chat.completions.parse(**ASK, messages=REPORT, response_format=Ticket)
    assert isinstance(answer.choices[0].message.parsed, Ticket)
    assert answer.usage.completion_tokens > 0


def tool_loop():
    first = client.chat.completions.parse(
        **ASK, messages=QUESTION, tools=TOOLS, tool_choice="required", parallel_tool_calls=False
    ).choices[0]
    (call,) = first.message.tool_calls
    assert first.finish_reason == "tool_calls"
    assert isinstance(call.function.parsed_arguments, OpeningHours)
    result = {"role": "tool", "tool_call_id": call.id, "content": "It opens at 7:30."}
    second = client.chat.completions.parse(
        **ASK, messages=[*QUESTION, first.message, result], tools=TOOLS, response_format=Ticket, tool_choice="none"
    ).choices[0]
    assert isinstance(second.message.parsed, Ticket)


def streaming_text():
    asked = {**ASK, "max_tokens": 20, "messages": QUESTION}
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(texts) > 1
    assert "".join(texts) == client.chat.completions.create(**asked).choices[0].message.content
    assert chunks[-1].usage.completion_tokens > 0


def streaming_document():
    with client.chat.completions.stream(**ASK, messages=REPORT, response_format=Ticket) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        message = stream.get_final_completion().choices[0].message
    assert len(deltas) > 1
    assert "".join(deltas) == message.content
    assert isinstance(message.parsed, Ticket)


def streaming_tool_call():
    asked = {**ASK, "messages": QUESTION, "tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
    with client.chat.completions.stream(**asked) as stream:
        kind = "tool_calls.function.arguments.delta"
        deltas = [event.arguments_delta for event in stream if event.type == kind]
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    assert "".join(deltas) == call.function.arguments
    assert OpeningHours(**json.loads(call.function.arguments)) == call.function.parsed_arguments


PROMPT = {"model": MODEL, "prompt": "The capital of France is", "temperature": 0, "max_tokens": 8}


def completion_text():
    answer = client.completions.create(**PROMPT, echo=True)
    assert answer.choices[0].text.startswith(PROMPT["prompt"])
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 8


def completion_stream():
    chunks = list(client.completions.create(**PROMPT, stream=True, stream_options={"include_usage": True}))
    texts = [chunk.choices[0].text for chunk in chunks if chunk.choices]
    assert len(texts) > 1
    assert "".join(texts) == client.completions.create(**PROMPT).choices[0].text
    assert chunks[-1].usage.completion_tokens == 8


def completion_logprobs():
    logprobs = client.completions.create(**PROMPT, logprobs=2).choices[0].logprobs
    assert len(logprobs.tokens) == len(logprobs.text_offset) == 8
    for own, top in zip(logprobs.token_logprobs, logprobs.top_logprobs, strict=True):
        assert own == max(top.values())


def completion_document():
    """Of each prompt; what the package has no name for goes into `extra_body`."""
    asked = {**PROMPT, "prompt": ["A ticket:", "Another:"], "max_tokens": 200}
    form = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": Ticket.model_json_schema()}}
    choices = client.completions.create(**asked, extra_body={"response_format": form}).choices
    assert [choice.index for choice in choices] == [0, 1]
    for choice in choices:
        Ticket.model_validate_json(choice.text)


def error_unknown_model():
    try:
        client.chat.completions.create(model="no-such-model", messages=QUESTION)
    except NotFoundError as error:
        assert error.code == "model_not_found"
        assert "no-such-model" in error.message
    else:
        raise AssertionError("an unknown model was served")


def error_bad_schema():
    """It is told before the stream begins."""
    bad = {"type": "json_schema", "json_schema": {"name": "bad", "schema": {"type": "banana"}}}
    try:
        client.chat.completions.create(**ASK, messages=QUESTION, response_format=bad, stream=True)
    except BadRequestError as error:
        assert error.param == "response_format.json_schema.schema.type"
        assert "banana" in error.message
    else:
        raise AssertionError("a schema of no type was taken")


CUT = {"model": MODEL, "temperature": 0, "messages": [{"role": "user", "content": TASK}], "tools": [REMOVE]}


def run_calls(message):
    """As the package's examples do: it has no loop of its own."""
    for call in message.tool_calls or []:
        try:
            remove(**json.loads(call.function.arguments or "{}"))
        except json.JSONDecodeError:
            ran.append(call.function.arguments)


def cut_whole():
    def drive(tokens):
        try:
            answer = client.chat.completions.create(
                **CUT, max_tokens=tokens, tool_choice="required", parallel_tool_calls=False
            )
        except BadRequestError as error:
            return refused(error)
        return run_calls(answer.choices[0].message)

    return shared.cut(drive)


def streamed(tokens, **options):
    try:
        asked = {**CUT, "max_tokens": tokens, "tool_choice": "required", "parallel_tool_calls": False, **options}
        with client.chat.completions.stream(**asked) as stream:
            for _ in stream:
                message = stream.current_completion_snapshot.choices[0].message
    except BadRequestError as error:
        return refused(error)
    except LengthFinishReasonError as error:
        message = error.completion.choices[0].message
    return run_calls(message)


def cut_streamed():
    return shared.cut(streamed, streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: streamed(tokens, extra_body=HELD))


def function(name, parameters):
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


FORCED = {"tool_choice": "required", "parallel_tool_calls": False}


def closed_tool():
    def drive(seed):
        asked = {**ASK, **FORCED, "temperature": 1, "seed": seed, "messages": QUESTION}
        answer = client.chat.completions.create(**asked, tools=[function("hours", OPEN)])
        return [json.loads(call.function.arguments) for call in answer.choices[0].message.tool_calls]

    shared.closed(drive)


def closed_document():
    form = {"type": "json_schema", "json_schema": {"name": "hours", "schema": OPEN}}

    def drive(seed):
        asked = {**ASK, "temperature": 1, "seed": seed, "messages": QUESTION}
        return json.loads(client.chat.completions.create(**asked, response_format=form).choices[0].message.content)

    shared.closed(drive)


def called(names):
    asked = {**ASK, **FORCED, "messages": QUESTION}
    answer = client.chat.completions.create(**asked, tools=shared.functions(names), extra_body=SKIP)
    (call,) = answer.choices[0].message.tool_calls
    shared.fits(call.function.name, json.loads(call.function.arguments), names)


def many_tools():
    called("tool_{}")


def many_tools_dotted():
    """Names of servers and their tools, as MCP writes them."""
    called("files.v2/tool_{}")


def histories():
    def ask(messages):
        asked = {**ASK, "max_tokens": 8, "messages": messages}
        return client.chat.completions.create(**asked).choices[0].message.content

    shared.histories(ask)
