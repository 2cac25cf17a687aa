"""The openai package over /v1/responses: parsed answers, tools, custom tools with grammars, stored responses."""

import json
import os
from typing import Literal

import shared
from openai import BadRequestError, NotFoundError, OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field
from shared import DATE, HELD, OPEN, ORDER, QUERY, REMOVE, SKIP, TASK, ran, refused, remove

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
client = OpenAI(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    max_retries=0,
)
ASK = {"model": MODEL, "temperature": 0, "max_output_tokens": 200}
FORCED = {"tool_choice": "required", "parallel_tool_calls": False}
REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = "When does the bakery open on Monday?"


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class OpeningHours(BaseModel, extra="forbid"):
    """When a shop opens."""

    shop: Literal["bakery", "library"]
    day: Literal["Monday", "Sunday"]


PARSED = [pydantic_function_tool(OpeningHours, name="opening_hours")]
# `parse` and `stream` take both; `create` takes tools as they are sent.
TOOLS = [{"type": "function", "name": "opening_hours", "parameters": OpeningHours.model_json_schema(), "strict": True}]


def structured_output():
    answer = client.responses.parse(**ASK, input=REPORT, instructions="You help.", text_format=Ticket)
    assert isinstance(answer.output_parsed, Ticket)
    assert answer.status == "completed"
    assert answer.usage.output_tokens > 0


def structured_output_created():
    """By a schema, and beside tools: the answer is a document or a call."""
    form = {"type": "json_schema", "name": "ticket", "schema": Ticket.model_json_schema()}
    asked = {**ASK, "input": REPORT, "text": {"format": form}}
    Ticket.model_validate_json(client.responses.create(**asked).output_text)
    tool = shared.flat(REMOVE)
    Ticket.model_validate_json(client.responses.create(**asked, tools=[tool], tool_choice="none").output_text)
    for item in client.responses.create(**asked, tools=[tool]).output:
        if item.type == "message":
            Ticket.model_validate_json(item.content[0].text)
        else:
            assert item.name == "remove"
            assert json.loads(item.arguments).keys() <= {"pattern", "days"}


def called_hours(**options):
    answer = client.responses.parse(**ASK, **FORCED, input=QUESTION, tools=PARSED, **options)
    (call,) = answer.output
    assert (call.type, call.name, call.status) == ("function_call", "opening_hours", "completed")
    assert isinstance(call.parsed_arguments, OpeningHours)
    return answer, {"type": "function_call_output", "call_id": call.call_id, "output": "It opens at 7:30."}


def tool_loop_previous_response_id():
    first, result = called_hours()
    asked = {**ASK, "previous_response_id": first.id, "input": [result], "tools": TOOLS, "tool_choice": "none"}
    second = client.responses.parse(**asked, text_format=Ticket)
    assert isinstance(second.output_parsed, Ticket)
    assert second.previous_response_id == first.id


def tool_loop_replayed():
    """The output goes back as it came, and gives the answer that the stored one gives."""
    first, result = called_hours()
    turns = [{"role": "user", "content": QUESTION}, *first.output, result]
    asked = {**ASK, "tools": TOOLS, "tool_choice": "none"}
    answer = client.responses.create(**asked, input=turns, store=False).output_text
    stored = client.responses.create(**asked, input=[result], previous_response_id=first.id)
    assert answer == stored.output_text


def streaming_text():
    asked = {**ASK, "max_output_tokens": 20, "input": QUESTION}
    events = list(client.responses.create(**asked, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(texts) > 1
    assert "".join(texts) == client.responses.create(**asked).output_text == events[-1].response.output_text
    assert events[-1].response.usage.output_tokens > 0


def streaming_document():
    with client.responses.stream(**ASK, input=REPORT, text_format=Ticket) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    assert len(deltas) > 1
    assert "".join(deltas) == answer.output_text
    assert isinstance(answer.output_parsed, Ticket)


def streaming_tool_call():
    with client.responses.stream(**ASK, **FORCED, input=QUESTION, tools=PARSED) as stream:
        kind = "response.function_call_arguments.delta"
        deltas = [event.delta for event in stream if event.type == kind]
        (call,) = stream.get_final_response().output
    assert "".join(deltas) == call.arguments
    assert OpeningHours(**json.loads(call.arguments)) == call.parsed_arguments


def error_unknown_model():
    try:
        client.responses.create(model="no-such-model", input=QUESTION)
    except NotFoundError as error:
        assert error.code == "model_not_found"
        assert "no-such-model" in error.message
    else:
        raise AssertionError("an unknown model was served")


def error_bad_schema():
    """It is told before the stream begins."""
    bad = {"format": {"type": "json_schema", "name": "bad", "schema": {"type": "banana"}}}
    try:
        client.responses.create(**ASK, input=QUESTION, text=bad, stream=True)
    except BadRequestError as error:
        assert error.param == "text.format.schema.type"
        assert "banana" in error.message
    else:
        raise AssertionError("a schema of no type was taken")


def error_bad_grammar():
    tool = {"type": "custom", "name": "query", "format": {**QUERY, "definition": "start: nothing"}}
    try:
        client.responses.create(**ASK, input=QUESTION, tools=[tool], stream=True)
    except BadRequestError as error:
        assert error.param == "tools[0].format.definition"
    else:
        raise AssertionError("a grammar without a rule was taken")


def error_previous_response():
    try:
        client.responses.create(**ASK, input=QUESTION, previous_response_id="resp_gone")
    except BadRequestError as error:
        assert error.code == "previous_response_not_found"
        assert error.param == "previous_response_id"
    else:
        raise AssertionError("a response that never was has been continued")


CUT = {"model": MODEL, "temperature": 0, "input": TASK, "tools": [shared.flat(REMOVE)], **FORCED}


def run_calls(items):
    """As the package's examples do: it has no loop of its own."""
    for item in items:
        if item.type == "function_call":
            try:
                remove(**json.loads(item.arguments or "{}"))
            except json.JSONDecodeError:
                ran.append(item.arguments)


def cut_whole():
    def drive(tokens):
        try:
            answer = client.responses.create(**CUT, max_output_tokens=tokens)
        except BadRequestError as error:
            return refused(error)
        if answer.status == "incomplete":
            assert answer.incomplete_details.reason == "max_output_tokens"
        return run_calls(answer.output)

    return shared.cut(drive)


def streamed(tokens, **options):
    """As a client runs calls that does not wait for the whole response: each one when its item is done."""
    try:
        for event in client.responses.create(**CUT, max_output_tokens=tokens, stream=True, **options):
            if event.type == "response.output_item.done":
                run_calls([event.item])
    except BadRequestError as error:
        refused(error)


def cut_streamed():
    """No item of a cut call is done: nothing that is cut runs, whether calls are held or not."""
    return shared.cut(streamed)


def cut_streamed_whole():
    return shared.cut(lambda tokens: streamed(tokens, extra_body=HELD))


def function(name, parameters):
    return {"type": "function", "name": name, "parameters": parameters, "strict": False}


def closed_tool():
    def drive(seed):
        asked = {**ASK, **FORCED, "temperature": 1, "extra_body": {"seed": seed}, "input": QUESTION}
        answer = client.responses.create(**asked, tools=[function("hours", OPEN)])
        return [json.loads(call.arguments) for call in answer.output]

    shared.closed(drive)


def closed_document():
    form = {"format": {"type": "json_schema", "name": "hours", "schema": OPEN}}

    def drive(seed):
        asked = {**ASK, "temperature": 1, "extra_body": {"seed": seed}, "input": QUESTION}
        return json.loads(client.responses.create(**asked, text=form).output_text)

    shared.closed(drive)


def called(names, tools, **options):
    answer = client.responses.create(**ASK, **{**FORCED, **options}, input=QUESTION, tools=tools, extra_body=SKIP)
    (call,) = answer.output
    shared.fits(call.name, json.loads(call.arguments), names)
    return call


def many_tools():
    called("tool_{}", [shared.flat(tool) for tool in shared.functions()])


def many_tools_dotted():
    """Names of servers and their tools, as MCP writes them."""
    called("files.v2/tool_{}", [shared.flat(tool) for tool in shared.functions("files.v2/tool_{}")])


def many_tools_namespaces():
    """Two servers whose tools have the same names; a choice tells them apart."""
    tools = [shared.flat(tool) for tool in shared.functions()]
    spaces = [
        {"type": "namespace", "name": name, "description": f"Tools of {name}.", "tools": tools}
        for name in ("mcp__files", "mcp__mail")
    ]
    for space in ("mcp__files", "mcp__mail"):
        chosen = {"type": "function", "name": "tool_3", "namespace": space}
        call = called("tool_{}", spaces, tool_choice=chosen)
        assert (call.name, call.namespace) == ("tool_3", space)


def many_tools_allowed():
    allowed = [{"type": "function", "name": f"tool_{number}"} for number in (5, 17)]
    choice = {"type": "allowed_tools", "mode": "required", "tools": allowed}
    call = called("tool_{}", [shared.flat(tool) for tool in shared.functions()], tool_choice=choice)
    assert call.name in {"tool_5", "tool_17"}


def histories():
    def ask(messages):
        asked = {**ASK, "max_output_tokens": 8, "input": list(shared.items(messages))}
        return client.responses.create(**asked).output_text

    shared.histories(ask)


def histories_stored():
    """What is stored: the response, its input, its items by reference; and then nothing."""
    first, result = called_hours(metadata={"ticket": "7"})
    kept = client.responses.retrieve(first.id)
    (call,), (sent,) = kept.output, first.output
    assert (call.id, call.call_id, call.arguments) == (sent.id, sent.call_id, sent.arguments)
    assert kept.metadata == {"ticket": "7"}
    (asked,) = client.responses.input_items.list(first.id)
    assert asked.content[0].text == QUESTION
    references = [{"type": "item_reference", "id": one.id} for one in (asked, call)]
    turns = {**ASK, "tools": TOOLS, "tool_choice": "none"}
    by_reference = client.responses.create(**turns, input=[*references, result]).output_text
    by_id = client.responses.create(**turns, input=[result], previous_response_id=first.id).output_text
    assert by_reference == by_id
    client.responses.delete(first.id)
    try:
        client.responses.retrieve(first.id)
    except NotFoundError as error:
        assert first.id in error.message
    else:
        raise AssertionError("a response was there after its deletion")


def querying(name, format, **options):
    tool = {"type": "custom", "name": name, "description": "Looks up orders.", "format": format}
    choice = {"type": "custom", "name": name}
    return {**ASK, "input": ORDER, "tools": [tool], "tool_choice": choice, **options}


def grammar_lark():
    answer = client.responses.create(**querying("query", QUERY))
    (call,) = answer.output
    assert (call.type, call.name) == ("custom_tool_call", "query")
    assert shared.is_query(call.input), call.input


def grammar_regex():
    (call,) = client.responses.create(**querying("day", DATE)).output
    assert shared.is_date(call.input), call.input


def grammar_sampled():
    """Whatever the sampling, the input is of the grammar."""
    for seed in shared.SEEDS:
        asked = querying("query", QUERY, temperature=1.5, extra_body={"seed": seed})
        (call,) = client.responses.create(**asked).output
        assert shared.is_query(call.input), call.input


def grammar_streamed():
    asked = querying("query", QUERY)
    with client.responses.stream(**asked) as stream:
        events = list(stream)
        (call,) = stream.get_final_response().output
    deltas = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == call.input == client.responses.create(**asked).output[0].input
    assert shared.is_query(call.input)


def grammar_loop():
    """A custom tool beside a function, and its result."""
    asked = querying("query", QUERY)
    asked["tools"].append(shared.flat(REMOVE))
    first = client.responses.create(**asked)
    result = {"type": "custom_tool_call_output", "call_id": first.output[0].call_id, "output": "3 orders"}
    turns = {**ASK, "tools": asked["tools"], "tool_choice": "none"}
    by_id = client.responses.create(**turns, previous_response_id=first.id, input=[result])
    replayed = client.responses.create(
        **turns, input=[{"role": "user", "content": ORDER}, *first.output, result], store=False
    )
    assert by_id.output_text == replayed.output_text != ""
