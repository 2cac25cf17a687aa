"""The anthropic package: parsed answers, tools, its tool runner, streams, thinking, counted tokens; 2.x and 0.x."""

import json
import re
from typing import Literal

import shared
from anthropic import BadRequestError, beta_tool
from anthropic_asking import (
    ASK,
    MODEL,
    ONCE,
    QUESTION,
    REPORT,
    TOOLS,
    OpeningHours,
    Ticket,
    calls,
    client,
    read,
    sampled,
    schema,
    text,
)
from anthropic_turns import *  # noqa: F403 - its scenarios are of this script
from pydantic import BaseModel, Field
from shared import HELD, OPEN, REMOVE, SKIP, TASK, remove


class Address(BaseModel):
    """Bounds of each kind, which `parse` sends as text of a description, and holds the answer to."""

    zip: str = Field(description="Of five digits.", pattern=r"^\d{5}$")
    floors: list[int] = Field(min_length=2, max_length=3)
    share: float = Field(gt=0, lt=1)
    note: str | None = Field(max_length=12)


def structured_output():
    answer = client.messages.parse(**ASK, messages=REPORT, system="You help.", output_format=Ticket)
    assert isinstance(answer.parsed_output, Ticket)
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 0


def structured_output_bounds():
    for seed in shared.SEEDS:
        answer = client.messages.parse(**sampled(seed), messages=REPORT, output_format=Address)
        assert isinstance(answer.parsed_output, Address)


def structured_output_created():
    """By a schema with its bounds, and beside tools: the answer is a document or a call."""
    asked = {**ASK, "messages": REPORT, "output_config": {"format": schema(Ticket)}}
    Ticket.model_validate_json(text(client.messages.create(**asked)))
    tools = [shared.own(REMOVE)]
    Ticket.model_validate_json(text(client.messages.create(**asked, tools=tools, tool_choice={"type": "none"})))
    answer = client.messages.create(**asked, tools=tools)
    if made := calls(answer):
        assert answer.stop_reason == "tool_use"
        assert all(call.name == "remove" and call.input.keys() <= {"pattern", "days"} for call in made)
    else:
        Ticket.model_validate_json(text(answer))


def structured_output_older():
    """The field of the beta that came before `output_config`."""
    asked = {**ASK, "extra_body": {"temperature": 0, "output_format": schema(Ticket)}}
    beta = {"anthropic-beta": "structured-outputs-2025-11-13"}
    Ticket.model_validate_json(text(client.messages.create(**asked, messages=REPORT, extra_headers=beta)))


def tool_loop():
    asked = {**ASK, "tools": TOOLS}
    first = client.messages.create(**asked, messages=QUESTION, tool_choice=ONCE)
    (call,) = calls(first)
    assert first.stop_reason == "tool_use"
    OpeningHours(**call.input)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "It opens at 7:30."}
    sent = [*QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = client.messages.parse(**asked, messages=sent, tool_choice={"type": "none"}, output_format=Ticket)
    assert isinstance(second.parsed_output, Ticket)


asked_for = []


@beta_tool
def opening_hours(shop: Literal["bakery", "library"], day: Literal["Monday", "Sunday"]) -> str:
    """When a shop opens.

    Args:
        shop: Which one.
        day: On which day.
    """
    asked_for.append((shop, day))
    return "It opens at 7:30."


@beta_tool
def address(shop: Literal["bakery", "library"]) -> str:
    """Where a shop is."""
    asked_for.append((shop,))
    return "In Main Street."


def running(**options):
    """Its own loop, which must call at first and then may not. Version 2 asks for a thread, and does without one."""
    asked_for.clear()
    runner = client.beta.messages.tool_runner(
        **ASK, messages=QUESTION, tools=[opening_hours, address], tool_choice=ONCE, max_iterations=3, **options
    )
    answers = []
    for answer in runner:
        answers.append(answer.get_final_message() if options else answer)
        runner.set_messages_params(lambda params: {**params, "tool_choice": {"type": "none"}})
    assert len(answers) == 2
    assert answers[0].stop_reason == "tool_use"
    assert len(asked_for) == len(calls(answers[0])) == 1
    assert asked_for[0][0] in {"bakery", "library"}
    assert text(answers[1])
    # The second request had the call and its result: without them the answer is another.
    plain = client.messages.create(**ASK, messages=QUESTION, tools=TOOLS, tool_choice={"type": "none"})
    assert read(answers[1]) > read(plain)


def tool_loop_runner():
    running()


def tool_loop_runner_streamed():
    running(stream=True)


def tool_loop_turns():
    """A call in each turn, by the same choice: the runner sends all of the conversation each time."""
    asked_for.clear()
    runner = client.beta.messages.tool_runner(
        **ASK, messages=QUESTION, tools=[opening_hours, address], tool_choice=ONCE, max_iterations=3
    )
    first, second, third = (read(answer) for answer in runner)
    assert first < second < third
    assert len(asked_for) == 3


if hasattr(client.beta.messages, "thread"):

    def tool_loop_thread():
        """A thread of the package's, which goes on without one of the server's."""
        thread = client.beta.messages.thread(
            **ASK, tools=[opening_hours], unsupported_request_behavior="continue_unthreaded"
        )
        first = thread.send(*QUESTION)
        assert read(thread.send({"role": "user", "content": "And on Sunday?"})) > read(first)


def tool_loop_choices():
    """What each choice allows, whatever the sampling."""
    both = [*TOOLS, shared.own(REMOVE)]

    def made(choice, seed):
        return calls(client.messages.create(**sampled(seed), messages=QUESTION, tools=both, tool_choice=choice))

    for seed in shared.SEEDS:
        assert made({"type": "any"}, seed)
        assert len(made(ONCE, seed)) == 1
        assert [call.name for call in made({"type": "tool", "name": "remove"}, seed)] == ["remove"]
        assert len(made({"type": "auto", "disable_parallel_tool_use": True}, seed)) < 2
        assert made({"type": "none"}, seed) == []


def streaming_text():
    asked = {**ASK, "max_tokens": 20, "messages": QUESTION}
    with client.messages.stream(**asked) as stream:
        texts = list(stream.text_stream)
        answer = stream.get_final_message()
    whole = client.messages.create(**asked)
    assert len(texts) > 1
    assert "".join(texts) == text(answer) == text(whole)
    assert answer.stop_reason == whole.stop_reason
    assert answer.usage.output_tokens == whole.usage.output_tokens > 0


def streaming_events():
    """The order of events: blocks one at a time, then one `message_delta`, then `message_stop`."""
    asked = {**ASK, "max_tokens": 60, "messages": QUESTION, "tools": TOOLS, "tool_choice": ONCE}
    events = [event for event in client.messages.create(**asked, stream=True) if event.type != "ping"]
    kinds = " ".join(event.type for event in events)
    block = "content_block_start (content_block_delta )+content_block_stop "
    assert re.fullmatch(f"message_start ({block})+message_delta message_stop", kinds), kinds
    starts = [event.index for event in events if event.type == "content_block_start"]
    assert starts == list(range(len(starts)))
    assert read(events[0].message) > 0
    assert events[-2].usage.output_tokens > 0


def streaming_document():
    with client.messages.stream(**ASK, messages=REPORT, output_format=Ticket) as stream:
        texts = list(stream.text_stream)
        answer = stream.get_final_message()
    assert len(texts) > 1
    assert "".join(texts) == text(answer)
    assert isinstance(answer.parsed_output, Ticket)


def streaming_tool_call():
    asked = {**ASK, "messages": QUESTION, "tools": TOOLS, "tool_choice": ONCE}
    with client.messages.stream(**asked) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        (call,) = calls(stream.get_final_message())
    assert json.loads("".join(pieces)) == call.input
    assert OpeningHours(**call.input)
    assert calls(client.messages.create(**asked))[0].input == call.input


def streaming_stop_sequence():
    """A string that the answer has; a document is cut by none."""
    asked = {**ASK, "max_tokens": 20, "messages": QUESTION}
    word = text(client.messages.create(**asked)).split()[2]
    with client.messages.stream(**asked, stop_sequences=["\x07", word]) as stream:
        answer = stream.get_final_message()
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", word)
    assert word not in text(answer)
    document = client.messages.parse(**ASK, messages=REPORT, stop_sequences=["priority"], output_format=Ticket)
    assert isinstance(document.parsed_output, Ticket)


CUT = {
    "model": MODEL,
    "messages": [{"role": "user", "content": TASK}],
    "tools": [shared.own(REMOVE)],
    "tool_choice": ONCE,
}


def limiting(ask):
    """`ask` runs calls as soon as they are there, whatever the reason of the end."""

    def drive(tokens):
        try:
            ask(tokens)
        except BadRequestError as error:
            shared.refused(error)

    return drive


def run_calls(answer):
    """As the package's examples do: its own loop heeds the reason of the end, and is below."""
    for call in calls(answer):
        remove(**call.input)


def cut_whole():
    def ask(tokens):
        answer = client.messages.create(**CUT, max_tokens=tokens, extra_body={"temperature": 0})
        assert answer.content
        assert answer.stop_reason == "max_tokens" or (calls(answer) and answer.stop_reason == "tool_use")
        run_calls(answer)

    return shared.cut(limiting(ask))


def streamed(tokens, **options):
    body = {"temperature": 0, **options}
    with client.messages.stream(**CUT, max_tokens=tokens, extra_body=body) as stream:
        run_calls(stream.get_final_message())


def cut_streamed():
    """A call is sent when it is complete: the package would complete the JSON of one that is cut, and run it."""
    return shared.cut(limiting(streamed))


def cut_streamed_whole():
    return shared.cut(limiting(lambda tokens: streamed(tokens, **HELD)))


removing = beta_tool(remove)


def run_loop(tokens, **options):
    asked = {**CUT, "tools": [removing], "extra_body": {"temperature": 0}}
    client.beta.messages.tool_runner(**asked, max_tokens=tokens, max_iterations=1, **options).until_done()


def cut_runner():
    """By its own loop."""
    return shared.cut(limiting(run_loop))


def cut_runner_streamed():
    return shared.cut(limiting(lambda tokens: run_loop(tokens, stream=True)))


def closed_tool():
    tool = {"name": "hours", "input_schema": OPEN}

    def drive(seed):
        answer = client.messages.create(**sampled(seed), messages=QUESTION, tools=[tool], tool_choice=ONCE)
        return [call.input for call in calls(answer)]

    shared.closed(drive)


def closed_document():
    form = {"format": {"type": "json_schema", "schema": OPEN}}

    def drive(seed):
        return json.loads(text(client.messages.create(**sampled(seed), messages=QUESTION, output_config=form)))

    shared.closed(drive)


def called(names):
    tools = [shared.own(tool) for tool in shared.functions(names)]
    asked = {**ASK, "extra_body": {"temperature": 0, **SKIP}, "tools": tools, "tool_choice": ONCE}
    (call,) = calls(client.messages.create(**asked, messages=QUESTION))
    shared.fits(call.name, call.input, names)


def many_tools():
    called("tool_{}")


def many_tools_dotted():
    """Names of servers and their tools, as MCP writes them."""
    called("files.v2/tool_{}")
