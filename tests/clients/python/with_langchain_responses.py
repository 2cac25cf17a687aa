"""langchain-openai over /v1/responses: `with_structured_output`, `bind_tools`, custom tools, streams."""

import os
from typing import Literal

import shared
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, custom_tool
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, ORDER, QUERY, SKIP, TASK, refused

model = ChatOpenAI(
    model=os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    use_responses_api=True,
    temperature=0,
    max_tokens=200,
    max_retries=0,
)
REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = HumanMessage("When does the bakery open on Monday?")
FORCED = {"tool_choice": "any", "parallel_tool_calls": False}
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


def structured_output_json_schema():
    assert isinstance(model.with_structured_output(Ticket, method="json_schema").invoke(REPORT), Ticket)


def structured_output_function_calling():
    assert isinstance(model.with_structured_output(Ticket, method="function_calling").invoke(REPORT), Ticket)


def structured_output_dict():
    """A schema that is no type: the answer is a dict."""
    answer = model.with_structured_output(Ticket.model_json_schema(), method="json_schema").invoke(REPORT)
    Ticket.model_validate(answer)


def structured_output_beside_tools():
    """A schema and tools in one request: the answer is a document or calls."""
    bound = model.bind_tools([opening_hours], response_format=Ticket, strict=True)
    answer = bound.invoke(REPORT)
    if answer.tool_calls:
        assert {call["name"] for call in answer.tool_calls} == {"opening_hours"}
    else:
        assert isinstance(answer.additional_kwargs["parsed"], Ticket)


def looped(bound, answering=model):
    asked.clear()
    call = bound.invoke([QUESTION])
    results = [opening_hours.invoke(one) for one in call.tool_calls]
    assert len(asked) == len(results) > 0
    assert all(isinstance(one, ToolMessage) for one in results)
    assert isinstance(answering.with_structured_output(Ticket).invoke([QUESTION, call, *results]), Ticket)


def tool_loop_strict():
    looped(model.bind_tools([opening_hours], strict=True, **FORCED))


def tool_loop_not_strict():
    looped(model.bind_tools([opening_hours], tool_choice="opening_hours"))


def tool_loop_previous_response_id():
    """Only what comes after the last answer is sent."""
    chained = model.model_copy(update={"use_previous_response_id": True})
    looped(chained.bind_tools([opening_hours], **FORCED), chained)


def tool_loop_items():
    """The output as items, which go back as they came."""
    itemized = model.model_copy(update={"output_version": "responses/v1", "store": False})
    looped(itemized.bind_tools([opening_hours], **FORCED), itemized)


def at_most(tokens):
    return model.model_copy(update={"max_tokens": tokens})


def streaming_text():
    short = at_most(20)
    chunks = [chunk.text for chunk in short.stream([QUESTION]) if chunk.text]
    assert len(chunks) > 1
    assert "".join(chunks) == short.invoke([QUESTION]).text


def streaming_tool_call():
    bound = model.bind_tools([opening_hours], **FORCED)
    whole = add_all(bound.stream([QUESTION]))
    assert [call["args"] for call in whole.tool_calls] == [call["args"] for call in bound.invoke([QUESTION]).tool_calls]


def error():
    try:
        model.bind(model="no-such-model").invoke(REPORT)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")


remove = tool(shared.remove)


def limiting(ask):
    """The calls of a cut answer, run as LangChain's examples do."""

    def drive(tokens):
        try:
            for call in ask(at_most(tokens).bind_tools([remove], **FORCED)).tool_calls:
                remove.invoke(call)
        except BadRequestError as error:
            refused(error)

    return drive


def cut_whole():
    return shared.cut(limiting(lambda bound: bound.invoke(TASK)))


def cut_streamed():
    """It adds up deltas, and completes their JSON: it runs what is cut."""
    return shared.cut(limiting(lambda bound: add_all(bound.stream(TASK))), streamed=True)


def cut_streamed_whole():
    return shared.cut(limiting(lambda bound: add_all(bound.stream(TASK, extra_body=HELD))))


def add_all(chunks):
    first, *rest = chunks
    return sum(rest, first)


def sampled(seed):
    return model.model_copy(update={"temperature": 1.0, "extra_body": {"seed": seed}})


def closed_tool():
    function = {"name": "hours", "description": "When a shop opens.", "parameters": OPEN}

    def drive(seed):
        bound = sampled(seed).bind_tools([function], **FORCED)
        return [call["args"] for call in bound.invoke([QUESTION]).tool_calls]

    shared.closed(drive)


def closed_document():
    form = {"title": "hours", "description": "When a shop opens.", **OPEN}
    shared.closed(lambda seed: sampled(seed).with_structured_output(form, method="json_schema").invoke([QUESTION]))


def called(names):
    bound = model.bind_tools(shared.functions(names), **FORCED)
    (call,) = bound.invoke([QUESTION], extra_body=SKIP).tool_calls
    shared.fits(call["name"], call["args"], names)


def many_tools():
    called("tool_{}")


def many_tools_dotted():
    called("files.v2/tool_{}")


def histories():
    """As dicts, which LangChain makes its own messages of."""
    shared.histories(lambda messages: at_most(8).invoke(messages).text)


@custom_tool(format=QUERY)
def query(text: str) -> str:
    """Looks up orders."""
    asked.append(text)
    return "3 orders"


def grammar():
    """A custom tool with a grammar, whose result goes back."""
    asked.clear()
    itemized = model.model_copy(update={"output_version": "responses/v1"})
    question = HumanMessage(ORDER)
    call = itemized.bind_tools([query], **FORCED).invoke([question])
    results = [query.invoke(one) for one in call.tool_calls]
    assert len(asked) == 1
    assert shared.is_query(asked[0]), asked
    assert itemized.bind_tools([query], tool_choice="none").invoke([question, call, *results]).text
