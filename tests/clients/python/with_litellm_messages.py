"""litellm over /v1/messages (`anthropic/`): by a name that it knows, and by one that it doesn't."""

import json
import os
from enum import StrEnum
from typing import Literal

import litellm
import shared
from pydantic import BaseModel, Field
from shared import CLAUDE, FLOOD, HELD, OPEN, REMOVE, SKIP, TASK, ran, remove

litellm.suppress_debug_info = True
KNOWN = f"anthropic/{CLAUDE}"
UNKNOWN = f"anthropic/{os.environ.get('MODEL', 'HuggingFaceTB/SmolLM2-135M-Instruct')}"
ASK = {
    "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1"),
    "api_key": os.environ.get("API_KEY", "none"),
    "temperature": 0,
    "max_tokens": 200,
    "max_retries": 0,
}
REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
QUESTION = [{"role": "user", "content": "When does the bakery open on Monday?"}]


class Priority(StrEnum):
    LOW = "low"
    HIGH = "high"


class Owner(BaseModel):
    name: str = Field(max_length=20)
    floor: int = Field(ge=1, le=3)


class Ticket(BaseModel, extra="forbid"):
    """With references, and bounds."""

    title: str = Field(max_length=40)
    priority: Priority
    owner: Owner | None
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
FORCED = {"tool_choice": "required", "parallel_tool_calls": False}


def sampled(seed):
    """For this provider what litellm doesn't know goes into the body as it is; a seed does if it is told so."""
    return {"temperature": 1, "seed": seed, "allowed_openai_params": ["seed"]}


def structured(model):
    for seed in shared.SEEDS:
        answer = litellm.completion(model, REPORT, response_format=Ticket, **{**ASK, **sampled(seed)})
        Ticket.model_validate_json(answer.choices[0].message.content)


def structured_output_known():
    """As `output_format`, a field of the beta."""
    structured(KNOWN)


def structured_output_unknown():
    """As a tool that is forced, whose references have lost their `#`."""
    structured(UNKNOWN)


def looped(model, **last):
    message = litellm.completion(model, QUESTION, tools=TOOLS, **FORCED, **ASK).choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "opening_hours"
    OpeningHours.model_validate_json(call.function.arguments)
    turns = [*QUESTION, message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "At 7:30."}]
    answer = litellm.completion(model, turns, response_format=Ticket, **last, **ASK).choices[0].message
    Ticket.model_validate_json(answer.content)


def tool_loop_known():
    looped(KNOWN, tools=TOOLS, tool_choice="none")


def tool_loop_unknown():
    """The answer is a call of the tool that is forced."""
    looped(UNKNOWN)


def streaming_text():
    asked = {**ASK, "model": KNOWN, "messages": QUESTION, "max_tokens": 20}
    chunks = list(litellm.completion(**asked, stream=True, stream_options={"include_usage": True}))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    whole = litellm.completion(**asked)
    assert len(texts) > 1
    assert "".join(texts) == whole.choices[0].message.content
    built = litellm.stream_chunk_builder(chunks)
    assert built.choices[0].finish_reason == whole.choices[0].finish_reason
    assert built.usage.completion_tokens == whole.usage.completion_tokens > 0


def streaming_document():
    chunks = list(litellm.completion(KNOWN, REPORT, response_format=Ticket, stream=True, **ASK))
    assert len(chunks) > 2
    Ticket.model_validate_json(litellm.stream_chunk_builder(chunks).choices[0].message.content)


def error():
    try:
        litellm.completion("anthropic/no-such-model", QUESTION, **ASK)
    except litellm.NotFoundError as error:
        assert "no-such-model" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def error_too_long():
    try:
        litellm.completion(KNOWN, [{"role": "user", "content": FLOOD}], **ASK)
    except litellm.ContextWindowExceededError as error:
        shared.too_long(error)
    else:
        raise AssertionError("it was taken")


def limited(tokens, **options):
    messages = [{"role": "user", "content": TASK}]
    asked = {**ASK, **FORCED, "max_tokens": tokens, "messages": messages, "tools": [REMOVE], **options}
    return litellm.completion(KNOWN, **asked)


def run_calls(message):
    """As litellm's examples do: it has no loop of its own."""
    for call in message.tool_calls or []:
        try:
            remove(**json.loads(call.function.arguments or "{}"))
        except json.JSONDecodeError:
            ran.append(call.function.arguments)


def whole(tokens):
    try:
        run_calls(limited(tokens).choices[0].message)
    except litellm.BadRequestError as error:
        shared.refused(error)


def in_pieces(tokens, **options):
    try:
        chunks = list(limited(tokens, stream=True, **options))
    except litellm.BadRequestError as error:
        return shared.refused(error)
    return run_calls(litellm.stream_chunk_builder(chunks).choices[0].message)


def cut_whole():
    return shared.cut(whole)


def cut_streamed():
    return shared.cut(in_pieces)


def cut_streamed_whole():
    return shared.cut(lambda tokens: in_pieces(tokens, **HELD))


def called(tools, **options):
    """Names and arguments, as the model called."""
    message = litellm.completion(KNOWN, **{**ASK, **FORCED, "messages": QUESTION, "tools": tools, **options})
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.choices[0].message.tool_calls]


def closed():
    tool = {"type": "function", "function": {"name": "hours", "parameters": OPEN}}

    def drive(seed):
        return [arguments for _, arguments in called([tool], **sampled(seed))]

    shared.closed(drive)


def fitting(names):
    ((name, arguments),) = called(shared.functions(names), **SKIP)
    shared.fits(name, arguments, names)


def many_tools():
    fitting("tool_{}")


def many_tools_dotted():
    fitting("files.v2/tool_{}")


def histories():
    asked = {**ASK, "max_tokens": 8}
    shared.histories(lambda messages: litellm.completion(KNOWN, messages, **asked).choices[0].message.content)


def thinking():
    """Thoughts go back in the next turn; `reasoning_effort` is a budget."""
    asked = {**ASK, "temperature": 1, "max_tokens": 1030, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    message = litellm.completion(KNOWN, QUESTION, **asked).choices[0].message
    turns = [*QUESTION, message.model_dump(), {"role": "user", "content": "Thank you."}]
    assert litellm.completion(KNOWN, turns, **asked).choices[0].message.content
    assert litellm.completion(KNOWN, QUESTION, **{**ASK, "max_tokens": 1200}, reasoning_effort="low").choices
