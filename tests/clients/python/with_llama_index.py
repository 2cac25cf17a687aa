"""LlamaIndex, through OpenAILike: structured answers, a tool, streams; and as it comes, by completions."""

import os
from typing import Literal

import shared
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai.utils import from_openai_message_dict
from llama_index.llms.openai_like import OpenAILike
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel, ConfigDict, Field
from shared import HELD, OPEN, SKIP, TASK, refused, remove


def made(**options):
    return OpenAILike(
        **{
            "model": os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "api_key": os.environ.get("API_KEY", "none"),
            "is_chat_model": True,
            "is_function_calling_model": True,
            "context_window": 4096,
            "temperature": 0,
            "max_tokens": 200,
            "max_retries": 0,
            **options,
        }
    )


REPORT = PromptTemplate("The printer on floor {floor} is on fire. File a ticket.")
QUESTION = ChatMessage(role="user", content="When does the bakery open on Monday?")


class Ticket(BaseModel, extra="forbid"):
    """What has to be mended."""

    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def structured_output_function():
    assert isinstance(made().structured_predict(Ticket, REPORT, floor=3), Ticket)


def structured_output_native():
    native = made(should_use_structured_outputs=True)
    assert isinstance(native.structured_predict(Ticket, REPORT, floor=3), Ticket)


def tool_loop():
    asked = []

    def opening_hours(shop: Literal["bakery", "library"], day: Literal["Monday", "Sunday"]) -> str:
        """When a shop opens."""
        asked.append((shop, day))
        return "It opens at 7:30."

    llm, tool = made(), FunctionTool.from_defaults(opening_hours)
    first = llm.chat_with_tools([tool], QUESTION, tool_required=True, allow_parallel_tool_calls=False)
    (call,) = llm.get_tool_calls_from_response(first)
    said = tool.call(**call.tool_kwargs)
    assert len(asked) == 1
    result = ChatMessage(role="tool", content=said.content, additional_kwargs={"tool_call_id": call.tool_id})
    answer = llm.as_structured_llm(Ticket).chat([QUESTION, first.message, result])
    assert isinstance(answer.raw, Ticket)


def streaming_text():
    llm = made(max_tokens=20)
    parts = list(llm.stream_chat([QUESTION]))
    deltas = [part.delta for part in parts if part.delta]
    assert len(deltas) > 1
    assert "".join(deltas) == parts[-1].message.content == llm.chat([QUESTION]).message.content


def streaming_function():
    """Streamed, LlamaIndex leaves it to the model whether it calls, unless it is told otherwise."""
    named = {"type": "function", "function": {"name": "Ticket"}}
    program = FunctionCallingProgram.from_defaults(Ticket, prompt=REPORT, llm=made(), tool_choice=named)
    tickets = list(program.stream_call(floor=3))
    assert Ticket.model_validate(tickets[-1].model_dump())


def streaming_native():
    native = made(should_use_structured_outputs=True)
    tickets = list(native.stream_structured_predict(Ticket, REPORT, floor=3))
    assert Ticket.model_validate(tickets[-1].model_dump())


def completed(**options):
    """Where nothing else is chosen, OpenAILike takes a model for one without a chat API."""
    return made(**{"is_chat_model": False, "is_function_calling_model": False, "max_tokens": 20, **options})


def completion_text():
    answer = completed().complete("The capital of France is")
    assert answer.text
    assert answer.raw.object == "text_completion"


def completion_stream():
    parts = list(completed().stream_complete("The capital of France is"))
    assert len([part.delta for part in parts if part.delta]) > 1
    assert parts[-1].text == completed().complete("The capital of France is").text


def completion_chat():
    answer = completed().chat([QUESTION])
    assert answer.message.content
    assert answer.raw.object == "text_completion"


def completion_logprobs():
    answer = completed(logprobs=True, top_logprobs=2, max_tokens=4).complete("The capital of France is")
    assert len(answer.logprobs) == 4
    assert all(len(likely) >= 2 for likely in answer.logprobs)


def error():
    try:
        made(model="no-such-model").chat([QUESTION])
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")


async def act(tokens, streaming, **extra):
    """An agent of the framework's, which must call at first, and ends once the tool has run."""
    tool = FunctionTool.from_defaults(remove, return_direct=True)
    llm = made(max_tokens=tokens, additional_kwargs={"extra_body": extra})
    agent = FunctionAgent(
        tools=[tool], llm=llm, streaming=streaming, initial_tool_choice="required", allow_parallel_tool_calls=False
    )
    try:
        await agent.run(TASK)
    except BadRequestError as error:
        refused(error)


def cut_whole():
    return shared.cut(lambda tokens: act(tokens, streaming=False))


def cut_streamed():
    return shared.cut(lambda tokens: act(tokens, streaming=True), streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: act(tokens, streaming=True, **HELD))


def answering(name, parameters):
    """A tool whose schema is given as it is: LlamaIndex takes a type, and asks it for its schema."""
    kind = type(
        name, (BaseModel,), {"model_config": ConfigDict(json_schema_extra=lambda made: made.update(parameters))}
    )
    return FunctionTool.from_defaults(lambda **given: "Done.", name=name, description="A tool.", fn_schema=kind)


def called(schemas, **options):
    llm = made(**options)
    tools = [answering(name, parameters) for name, parameters in schemas.items()]
    answer = llm.chat_with_tools(tools, QUESTION, tool_required=True, allow_parallel_tool_calls=False)
    return [(call.tool_name, call.tool_kwargs) for call in llm.get_tool_calls_from_response(answer)]


def closed_tool():
    def drive(seed):
        return [given for _, given in called({"hours": OPEN}, temperature=1, additional_kwargs={"seed": seed})]

    shared.closed(drive)


def many_tools():
    """It makes its own of names with dots and slashes."""
    ((name, arguments),) = called(shared.many(), additional_kwargs={"extra_body": SKIP})
    shared.fits(name, arguments)


def histories():
    def ask(messages):
        return made(max_tokens=8).chat([from_openai_message_dict(one) for one in messages]).message.content

    shared.histories(ask)
