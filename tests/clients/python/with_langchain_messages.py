"""langchain-anthropic: `with_structured_output`, `bind_tools`, streams, thinking, counted tokens."""

import os
from typing import Literal

import shared
from anthropic import BadRequestError
from langchain_anthropic import ChatAnthropic
from langchain_core.exceptions import ContextOverflowError, ModelNotFoundError
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field
from shared import CLAUDE, FLOOD, HELD, OPEN, SKIP, TASK

model = ChatAnthropic(
    model=CLAUDE,
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    temperature=0,
    max_tokens=200,
    max_retries=0,
)
REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = HumanMessage("When does the bakery open on Monday?")
ONCE = {"tool_choice": "any", "parallel_tool_calls": False}
asked = []


class Ticket(BaseModel, extra="forbid"):
    """What has to be mended."""

    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


@tool
def opening_hours(shop: Literal["bakery", "library"], day: Literal["Monday", "Sunday"]) -> str:
    """When a shop opens."""
    asked.append((shop, day))
    return "It opens at 7:30."


def structured_output_function_calling():
    """Its default: a tool that is forced."""
    assert isinstance(model.with_structured_output(Ticket).invoke(REPORT), Ticket)


def structured_output_json_schema():
    """With the bounds as text, which it then checks."""
    assert isinstance(model.with_structured_output(Ticket, method="json_schema").invoke(REPORT), Ticket)


def structured_output_dict():
    """A schema that is no type: the answer is a dict."""
    answer = model.with_structured_output(Ticket.model_json_schema(), method="json_schema").invoke(REPORT)
    Ticket.model_validate(answer)


def structured_output_beside_tools():
    """A schema and tools in one request: the answer is a document or calls."""
    form = {"format": {"type": "json_schema", "schema": Ticket.model_json_schema()}}
    answer = model.bind_tools([opening_hours], strict=True, output_config=form).invoke(REPORT)
    if answer.tool_calls:
        assert {call["name"] for call in answer.tool_calls} == {"opening_hours"}
    else:
        Ticket.model_validate_json(answer.text)


def looped(bound, answering=model):
    asked.clear()
    call = bound.invoke([QUESTION])
    results = [opening_hours.invoke(one) for one in call.tool_calls]
    assert len(asked) == len(results) > 0
    assert all(isinstance(one, ToolMessage) for one in results)
    answering = answering.with_structured_output(Ticket, method="json_schema")
    assert isinstance(answering.invoke([QUESTION, call, *results]), Ticket)


def tool_loop_strict():
    looped(model.bind_tools([opening_hours], strict=True, **ONCE))


def tool_loop_not_strict():
    looped(model.bind_tools([opening_hours], tool_choice="opening_hours"))


def at_most(tokens):
    return model.model_copy(update={"max_tokens": tokens})


def streaming_text():
    short = at_most(20)
    chunks = list(short.stream([QUESTION]))
    texts = [chunk.text for chunk in chunks if chunk.text]
    whole = short.invoke([QUESTION])
    assert len(texts) > 1
    assert "".join(texts) == whole.text
    used, alone = add_all(chunks).usage_metadata, whole.usage_metadata
    assert (used["input_tokens"], used["output_tokens"]) == (alone["input_tokens"], alone["output_tokens"])


def streaming_document():
    partial = list(model.with_structured_output(Ticket.model_json_schema(), method="json_schema").stream(REPORT))
    assert len(partial) > 1
    Ticket.model_validate(partial[-1])


def streaming_tool_call():
    bound = model.bind_tools([opening_hours], **ONCE)
    whole = add_all(bound.stream([QUESTION]))
    assert [call["args"] for call in whole.tool_calls] == [call["args"] for call in bound.invoke([QUESTION]).tool_calls]


def error():
    try:
        model.model_copy(update={"model": "no-such-model"}).invoke(REPORT)
    except ModelNotFoundError as error:
        assert "no-such-model" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def error_too_long():
    try:
        model.invoke(FLOOD)
    except ContextOverflowError as error:
        shared.too_long(error)
    else:
        raise AssertionError("it was taken")


remove = tool(shared.remove)


def limiting(ask):
    """The calls of a cut answer, run as LangChain's examples do."""

    def drive(tokens):
        try:
            for call in ask(at_most(tokens).bind_tools([remove], **ONCE)).tool_calls:
                remove.invoke(call)
        except BadRequestError as error:
            shared.refused(error)

    return drive


def cut_whole():
    return shared.cut(limiting(lambda bound: bound.invoke(TASK)))


def cut_streamed():
    return shared.cut(limiting(lambda bound: add_all(bound.stream(TASK))))


def cut_streamed_whole():
    return shared.cut(limiting(lambda bound: add_all(bound.stream(TASK, extra_body=HELD))))


def add_all(chunks):
    first, *rest = chunks
    return sum(rest, first)


def sampled(seed):
    return model.model_copy(update={"temperature": 1.0, "model_kwargs": {"extra_body": {"seed": seed}}})


def closed_tool():
    function = {"name": "hours", "description": "When a shop opens.", "input_schema": OPEN}

    def drive(seed):
        bound = sampled(seed).bind_tools([function], **ONCE)
        return [call["args"] for call in bound.invoke([QUESTION]).tool_calls]

    shared.closed(drive)


def closed_document():
    form = {"title": "hours", "description": "When a shop opens.", **OPEN}
    shared.closed(lambda seed: sampled(seed).with_structured_output(form, method="json_schema").invoke([QUESTION]))


def called(names):
    bound = model.bind_tools(shared.functions(names), **ONCE)
    (call,) = bound.invoke([QUESTION], extra_body=SKIP).tool_calls
    shared.fits(call["name"], call["args"], names)


def many_tools():
    called("tool_{}")


def many_tools_dotted():
    called("files.v2/tool_{}")


def histories():
    """As dicts, which LangChain makes its own messages of."""

    def named(message):
        return {**message, "role": {"developer": "system"}.get(message["role"], message["role"])}

    shared.histories(lambda messages: at_most(8).invoke([named(one) for one in messages]).text)


def histories_cached():
    """Marks of a cache change nothing."""
    mark = {"cache_control": {"type": "ephemeral"}}
    plain = at_most(8).invoke([SystemMessage("You help."), QUESTION])
    blocks = [
        kind([{"type": "text", "text": text, **mark}])
        for kind, text in ((SystemMessage, "You help."), (HumanMessage, QUESTION.content))
    ]
    assert at_most(8).invoke(blocks).text == plain.text


def thinking():
    """Its answers go back, with their thoughts if the model has any."""
    thinker = model.model_copy(update={"temperature": 1.0, "thinking": {"type": "enabled", "budget_tokens": 1024}})
    thinker.max_tokens = 1030
    first = thinker.invoke([QUESTION])
    assert first.content
    assert thinker.invoke([QUESTION, first, HumanMessage("Thank you.")]).content


def counting():
    short = at_most(8)
    for messages, tools in (([QUESTION], None), ([SystemMessage("You help."), QUESTION], [opening_hours])):
        choice = {"tool_choice": {"type": "none"}} if tools else {}
        bound = short.bind_tools(tools, **choice) if tools else short
        counted = short.get_num_tokens_from_messages(messages, tools=tools, **choice)
        assert counted == bound.invoke(messages).usage_metadata["input_tokens"]
