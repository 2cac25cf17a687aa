"""langchain-openai: `with_structured_output` by each method, `bind_tools`, streams; completions through `OpenAI`."""

import os
from typing import Literal

import shared
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI
from openai import BadRequestError, LengthFinishReasonError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, SKIP, TASK, refused

model = ChatOpenAI(
    model=os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    temperature=0,
    max_tokens=200,
    max_retries=0,
)
REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = HumanMessage("When does the bakery open on Monday?")
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


def structured_output_json_mode():
    """The server holds the answer to be a JSON object, and the rest is left to the model.

    One that goes on and on is cut, and LangChain says so.
    """
    try:
        answer = model.with_structured_output(None, method="json_mode").invoke(REPORT + " Answer in JSON.")
    except LengthFinishReasonError as error:
        assert error.completion.choices[0].finish_reason == "length"
    else:
        assert isinstance(answer, dict)


def structured_output_dict():
    """A schema that is no type: the answer is a dict."""
    answer = model.with_structured_output(Ticket.model_json_schema(), method="json_schema").invoke(REPORT)
    Ticket.model_validate(answer)


def looped(bound):
    asked.clear()
    call = bound.invoke([QUESTION])
    results = [opening_hours.invoke(one) for one in call.tool_calls]
    assert len(asked) == len(results) > 0
    assert all(isinstance(one, ToolMessage) for one in results)
    assert isinstance(model.with_structured_output(Ticket).invoke([QUESTION, call, *results]), Ticket)


def tool_loop_strict():
    looped(model.bind_tools([opening_hours], tool_choice="any", strict=True, parallel_tool_calls=False))


def tool_loop_not_strict():
    looped(model.bind_tools([opening_hours], tool_choice="opening_hours"))


def streaming_text():
    short = model.bind(max_tokens=20)
    chunks = [chunk.text for chunk in short.stream([QUESTION]) if chunk.text]
    assert len(chunks) > 1
    assert "".join(chunks) == short.invoke([QUESTION]).text


def streaming_tool_call():
    bound = model.bind_tools([opening_hours], tool_choice="any", parallel_tool_calls=False)
    chunks = list(bound.stream([QUESTION]))
    whole = sum(chunks[1:], chunks[0])
    assert [call["args"] for call in whole.tool_calls] == [call["args"] for call in bound.invoke([QUESTION]).tool_calls]


def completing(**options):
    return OpenAI(
        **{
            "model": model.model_name,
            "base_url": model.openai_api_base,
            "api_key": model.openai_api_key,
            "temperature": 0,
            "max_tokens": 10,
            "max_retries": 0,
            **options,
        }
    )


def completion_invoke():
    assert completing().invoke("The capital of France is")


def completion_stream():
    chunks = [chunk for chunk in completing().stream("The capital of France is") if chunk]
    assert len(chunks) > 1
    assert "".join(chunks) == completing().invoke("The capital of France is")


def completion_batch():
    prompts = ["The capital of France is", "One, two, three,"]
    assert completing().batch(prompts) == [completing().invoke(prompt) for prompt in prompts]


def completion_several():
    result = completing(n=2, best_of=2, temperature=1, seed=7).generate(["The capital of France is", "One, two,"])
    assert [len(answers) for answers in result.generations] == [2, 2]
    assert result.llm_output["token_usage"]["completion_tokens"] == 40


def completion_logprobs():
    (answer,) = completing(logprobs=2).generate(["The capital of France is"]).generations[0]
    assert len(answer.generation_info["logprobs"]["tokens"]) == 10


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
            for call in ask(remover.bind(max_tokens=tokens)).tool_calls:
                remove.invoke(call)
        except BadRequestError as error:
            refused(error)

    return drive


remover = model.bind_tools([remove], tool_choice="any", parallel_tool_calls=False)


def cut_whole():
    return shared.cut(limiting(lambda bound: bound.invoke(TASK)))


def cut_streamed():
    return shared.cut(limiting(lambda bound: add_all(bound.stream(TASK))), streamed=True)


def cut_streamed_whole():
    return shared.cut(limiting(lambda bound: add_all(bound.stream(TASK, extra_body=HELD))))


def add_all(chunks):
    first, *rest = chunks
    return sum(rest, first)


def sampled(seed):
    return model.model_copy(update={"temperature": 1.0, "seed": seed})


def closed_tool():
    function = {"name": "hours", "description": "When a shop opens.", "parameters": OPEN}

    def drive(seed):
        bound = sampled(seed).bind_tools([function], tool_choice="any", parallel_tool_calls=False)
        return [call["args"] for call in bound.invoke([QUESTION]).tool_calls]

    shared.closed(drive)


def closed_document():
    form = {"title": "hours", "description": "When a shop opens.", **OPEN}
    shared.closed(lambda seed: sampled(seed).with_structured_output(form, method="json_schema").invoke([QUESTION]))


def called(names):
    bound = model.bind_tools(shared.functions(names), tool_choice="any", parallel_tool_calls=False)
    (call,) = bound.invoke([QUESTION], extra_body=SKIP).tool_calls
    shared.fits(call["name"], call["args"], names)


def many_tools():
    called("tool_{}")


def many_tools_dotted():
    called("files.v2/tool_{}")


def histories():
    """As dicts, which LangChain makes its own messages of."""
    shared.histories(lambda messages: model.bind(max_tokens=8).invoke(messages).text)
