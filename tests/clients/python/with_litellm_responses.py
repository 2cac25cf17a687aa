"""litellm over /v1/responses: `litellm.responses`, and chats that it translates (`openai/responses/`)."""

import json
import os
from typing import Literal

import litellm
import shared
from pydantic import BaseModel, Field
from shared import DATE, HELD, OPEN, ORDER, QUERY, REMOVE, SKIP, TASK, ran, remove

litellm.suppress_debug_info = True
MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
SERVER = {
    "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    "api_key": os.environ.get("API_KEY", "none"),
    "temperature": 0,
    "max_retries": 0,
}
ASK = {"model": f"openai/{MODEL}", "max_output_tokens": 200, **SERVER}
CHAT = {"model": f"openai/responses/{MODEL}", "max_tokens": 200, **SERVER}
FORCED = {"tool_choice": "required", "parallel_tool_calls": False}
REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = "When does the bakery open on Monday?"


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class OpeningHours(BaseModel):
    shop: Literal["bakery", "library"]
    day: Literal["Monday", "Sunday"]


TOOL = {"name": "opening_hours", "description": "When a shop opens.", "parameters": OpeningHours.model_json_schema()}
FORM = {"format": {"type": "json_schema", "name": "ticket", "schema": Ticket.model_json_schema(), "strict": True}}


def said(content):
    return [{"role": "user", "content": content}]


def structured_output():
    Ticket.model_validate_json(litellm.responses(**ASK, input=REPORT, text=FORM).output_text)


def structured_output_chat():
    answer = litellm.completion(**CHAT, messages=said(REPORT), response_format=Ticket)
    Ticket.model_validate_json(answer.choices[0].message.content)


def tool_loop_previous_response_id():
    tools = [{"type": "function", **TOOL}]
    first = litellm.responses(**ASK, **FORCED, input=QUESTION, tools=tools)
    (call,) = first.output
    assert call.name == "opening_hours"
    OpeningHours.model_validate_json(call.arguments)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "At 7:30."}
    turn = {"previous_response_id": first.id, "input": [result], "tools": tools, "tool_choice": "none"}
    Ticket.model_validate_json(litellm.responses(**ASK, **turn, text=FORM).output_text)


def tool_loop_chat():
    must = {"tools": [{"type": "function", "function": TOOL}], **FORCED}
    message = litellm.completion(**CHAT, messages=said(QUESTION), **must).choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "opening_hours"
    OpeningHours.model_validate_json(call.function.arguments)
    turns = [*said(QUESTION), message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "At 7:30."}]
    answer = litellm.completion(**CHAT, messages=turns, response_format=Ticket).choices[0].message
    Ticket.model_validate_json(answer.content)


def streaming():
    """For a model that it doesn't know, it asks for the whole response, and makes the events itself."""
    events = list(litellm.responses(**ASK, input=REPORT, text=FORM, stream=True))
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(texts) > 1
    Ticket.model_validate_json("".join(texts))


def streaming_chat():
    asked = {"messages": said(REPORT), "response_format": Ticket, "stream": True}
    chunks = list(litellm.completion(**CHAT, **asked))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(texts) > 1
    whole = litellm.stream_chunk_builder(chunks).choices[0].message.content
    assert "".join(texts) == whole
    assert Ticket(**json.loads(whole))


def refused(ask):
    try:
        ask()
    except litellm.NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def error():
    refused(lambda: litellm.responses(**{**ASK, "model": "openai/no-such-model"}, input=QUESTION))


def error_chat():
    chat = {**CHAT, "model": "openai/responses/no-such-model"}
    refused(lambda: litellm.completion(**chat, messages=said(QUESTION)))


def run(arguments):
    """As litellm's examples do: it has no loop of its own."""
    try:
        remove(**json.loads(arguments or "{}"))
    except json.JSONDecodeError:
        ran.append(arguments)


def whole(tokens, **options):
    asked = {**ASK, **FORCED, "max_output_tokens": tokens, "input": TASK, "tools": [shared.flat(REMOVE)], **options}
    try:
        answer = litellm.responses(**asked)
    except litellm.BadRequestError as error:
        return shared.refused(error)
    for item in answer.output:
        if item.type == "function_call":
            run(item.arguments)
    return None


def in_pieces(tokens, **options):
    asked = {**CHAT, **FORCED, "max_tokens": tokens, "messages": said(TASK), "tools": [REMOVE], **options}
    try:
        chunks = list(litellm.completion(**asked, stream=True))
    except litellm.BadRequestError as error:
        return shared.refused(error)
    for call in litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls or []:
        run(call.function.arguments)
    return None


def cut_whole():
    return shared.cut(whole)


def cut_streamed_chat():
    return shared.cut(in_pieces, streamed=True)


def cut_streamed_whole_chat():
    return shared.cut(lambda tokens: in_pieces(tokens, extra_body=HELD))


def called(tools, **options):
    """Names and arguments, as the model called."""
    answer = litellm.responses(**{**ASK, **FORCED, "input": QUESTION, "tools": tools, **options})
    return [(call.name, json.loads(call.arguments)) for call in answer.output]


def closed():
    tool = {"type": "function", "name": "hours", "parameters": OPEN}

    def drive(seed):
        return [arguments for _, arguments in called([tool], temperature=1, extra_body={"seed": seed})]

    shared.closed(drive)


def fitting(names):
    tools = [shared.flat(tool) for tool in shared.functions(names)]
    ((name, arguments),) = called(tools, extra_body=SKIP)
    shared.fits(name, arguments, names)


def many_tools():
    fitting("tool_{}")


def many_tools_dotted():
    fitting("files.v2/tool_{}")


def histories():
    asked = {**ASK, "max_output_tokens": 8}
    shared.histories(lambda messages: litellm.responses(**asked, input=list(shared.items(messages))).output_text)


def histories_chat():
    asked = {**CHAT, "max_tokens": 8}
    shared.histories(lambda messages: litellm.completion(**asked, messages=messages).choices[0].message.content)


def querying(format):
    tool = {"type": "custom", "name": "query", "description": "Looks up orders.", "format": format}
    choice = {"type": "custom", "name": "query"}
    (call,) = litellm.responses(**ASK, input=ORDER, tools=[tool], tool_choice=choice).output
    assert (call.type, call.name) == ("custom_tool_call", "query")
    return call.input


def grammar_lark():
    assert shared.is_query(querying(QUERY))


def grammar_regex():
    assert shared.is_date(querying(DATE))
