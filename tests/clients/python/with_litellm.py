"""litellm, by both of its providers for such a server: openai/ and hosted_vllm/."""

import json
import os
from typing import Literal

import litellm
import shared
from pydantic import BaseModel, Field
from shared import HELD, OPEN, REMOVE, SKIP, TASK, ran, remove

litellm.suppress_debug_info = True
MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
ASK = {
    "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    "api_key": os.environ.get("API_KEY", "none"),
    "temperature": 0,
    "max_tokens": 200,
    "max_retries": 0,
}
REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
QUESTION = [{"role": "user", "content": "When does the bakery open on Monday?"}]


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class OpeningHours(BaseModel):
    shop: Literal["bakery", "library"]
    day: Literal["Monday", "Sunday"]


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "opening_hours",
            "description": "When a shop opens.",
            "parameters": OpeningHours.model_json_schema(),
        },
    }
]


def structured(provider):
    answer = litellm.completion(f"{provider}/{MODEL}", REPORT, response_format=Ticket, **ASK)
    Ticket.model_validate_json(answer.choices[0].message.content)


def structured_output_openai():
    structured("openai")


def structured_output_hosted_vllm():
    structured("hosted_vllm")


def looped(provider):
    must = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
    message = litellm.completion(f"{provider}/{MODEL}", QUESTION, **must, **ASK).choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "opening_hours"
    OpeningHours.model_validate_json(call.function.arguments)
    turns = [*QUESTION, message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "At 7:30."}]
    answer = litellm.completion(f"{provider}/{MODEL}", turns, response_format=Ticket, **ASK).choices[0].message
    Ticket.model_validate_json(answer.content)


def tool_loop_openai():
    looped("openai")


def tool_loop_hosted_vllm():
    looped("hosted_vllm")


def streamed(provider):
    asked = {"messages": REPORT, "response_format": Ticket, "stream": True, **ASK}
    chunks = list(litellm.completion(f"{provider}/{MODEL}", **asked))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(texts) > 1
    whole = litellm.stream_chunk_builder(chunks).choices[0].message.content
    assert "".join(texts) == whole
    assert Ticket(**json.loads(whole))


def streaming_openai():
    streamed("openai")


def streaming_hosted_vllm():
    streamed("hosted_vllm")


def refused(provider):
    try:
        litellm.completion(f"{provider}/no-such-model", QUESTION, **ASK)
    except litellm.NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def error_openai():
    refused("openai")


def error_hosted_vllm():
    refused("hosted_vllm")


FORCED = {"tool_choice": "required", "parallel_tool_calls": False}


def limited(provider, tokens, **options):
    messages = [{"role": "user", "content": TASK}]
    asked = {**ASK, **FORCED, "max_tokens": tokens, "messages": messages, "tools": [REMOVE], **options}
    return litellm.completion(f"{provider}/{MODEL}", **asked)


def run_calls(message):
    """As litellm's examples do: it has no loop of its own."""
    for call in message.tool_calls or []:
        try:
            remove(**json.loads(call.function.arguments or "{}"))
        except json.JSONDecodeError:
            ran.append(call.function.arguments)


def whole(provider, tokens):
    try:
        run_calls(limited(provider, tokens).choices[0].message)
    except litellm.BadRequestError as error:
        shared.refused(error)


def in_pieces(provider, tokens, **options):
    try:
        chunks = list(limited(provider, tokens, stream=True, **options))
    except litellm.BadRequestError as error:
        return shared.refused(error)
    return run_calls(litellm.stream_chunk_builder(chunks).choices[0].message)


def cut_whole_openai():
    return shared.cut(lambda tokens: whole("openai", tokens))


def cut_whole_hosted_vllm():
    return shared.cut(lambda tokens: whole("hosted_vllm", tokens))


def cut_streamed_openai():
    return shared.cut(lambda tokens: in_pieces("openai", tokens), streamed=True)


def cut_streamed_hosted_vllm():
    return shared.cut(lambda tokens: in_pieces("hosted_vllm", tokens), streamed=True)


def cut_streamed_whole_openai():
    return shared.cut(lambda tokens: in_pieces("openai", tokens, extra_body=HELD))


def cut_streamed_whole_hosted_vllm():
    return shared.cut(lambda tokens: in_pieces("hosted_vllm", tokens, extra_body=HELD))


def called(provider, tools, **options):
    """Names and arguments, as the model called."""
    asked = {**ASK, **FORCED, "messages": QUESTION, "tools": tools, **options}
    message = litellm.completion(f"{provider}/{MODEL}", **asked).choices[0].message
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]


def sampled(provider):
    tool = {"type": "function", "function": {"name": "hours", "parameters": OPEN}}

    def drive(seed):
        return [arguments for _, arguments in called(provider, [tool], temperature=1, seed=seed)]

    shared.closed(drive)


def closed_openai():
    sampled("openai")


def closed_hosted_vllm():
    sampled("hosted_vllm")


def fitting(provider, names):
    ((name, arguments),) = called(provider, shared.functions(names), extra_body=SKIP)
    shared.fits(name, arguments, names)


def many_tools_openai():
    fitting("openai", "tool_{}")


def many_tools_hosted_vllm():
    fitting("hosted_vllm", "files.v2/tool_{}")


def replayed(provider):
    asked = {**ASK, "max_tokens": 8}
    shared.histories(
        lambda messages: litellm.completion(f"{provider}/{MODEL}", messages, **asked).choices[0].message.content
    )


def histories_openai():
    replayed("openai")


def histories_hosted_vllm():
    replayed("hosted_vllm")
