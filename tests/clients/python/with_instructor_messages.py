"""instructor over /v1/messages (`from_anthropic`): an answer of a Pydantic type; a second try if it is turned down."""

import os
from typing import Literal

import instructor
import shared
from anthropic import Anthropic
from instructor.core import IncompleteOutputException, InstructorRetryException
from pydantic import BaseModel, Field, field_validator
from shared import HELD, TASK, ran, refused

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
client = Anthropic(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    max_retries=0,
)
REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
# Version 2 of the anthropic package has no arguments for a temperature and a seed.
ASK = {"model": MODEL, "max_tokens": 200, "max_retries": 0, "messages": REPORT, "extra_body": {"temperature": 0}}
TOOLS, JSON = instructor.Mode.TOOLS, instructor.Mode.JSON


def patched(mode=TOOLS):
    return instructor.from_anthropic(client, mode=mode)


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def structured_output_tools():
    assert isinstance(patched().create(**ASK, response_model=Ticket), Ticket)


def structured_output_json():
    """The schema is only in the prompt, and the answer is begun with `{`: all else is left to the model."""

    class Anything(BaseModel, extra="allow"):
        pass

    form = {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "maxProperties": 3}}}}
    try:
        answer = patched(JSON).create(**{**ASK, **form}, response_model=Anything)
    except IncompleteOutputException as error:
        assert error.last_completion.stop_reason == "max_tokens"
    else:
        assert isinstance(answer, Anything)


def tool_loop():
    """The first call is turned down by a validator, which tells the model why: the second is taken."""
    seen = []

    class Checked(Ticket):
        @field_validator("minutes")
        @classmethod
        def second_thoughts(cls, minutes):
            seen.append(minutes)
            if len(seen) == 1:
                raise ValueError("think about it once more")
            return minutes

    ticket = patched().create(**{**ASK, "max_retries": 1}, response_model=Checked)
    assert isinstance(ticket, Checked)
    assert len(seen) == 2


def streaming():
    """Calls are sent in one piece when they are complete, unless a request asks for pieces."""
    body = {**ASK["extra_body"], "tool_call_streaming": "incremental"}
    tickets = list(patched().create_partial(**{**ASK, "extra_body": body}, response_model=Ticket))
    assert len(tickets) > 1
    assert Ticket.model_validate(tickets[-1].model_dump())


def error():
    try:
        patched().create(**{**ASK, "model": "no-such-model"}, response_model=Ticket)
    except InstructorRetryException as error:
        assert "no-such-model" in str(error)
    else:
        raise AssertionError("an unknown model was served")


class Remove(BaseModel):
    """Removes the files that match a pattern."""

    pattern: str = "*"
    days: int = 0


# What instructor answers with is what a program acts on: an instance of the type.
REMOVING = {**ASK, "messages": [{"role": "user", "content": TASK}], "response_model": Remove}


def handed_over(ask):
    def drive(tokens):
        try:
            ran.extend(one.model_dump() for one in ask(tokens))
        except IncompleteOutputException:
            pass  # it heeds the reason of the end
        except InstructorRetryException as error:
            refused(error)

    return drive


def cut_whole():
    return shared.cut(handed_over(lambda tokens: [patched().create(**{**REMOVING, "max_tokens": tokens})]))


def last(tokens, **options):
    """Of the partial objects, which have none for what has not come."""
    body = {**ASK["extra_body"], **options}
    return list(patched().create_partial(**{**REMOVING, "max_tokens": tokens, "extra_body": body}))[-1:]


def cut_streamed():
    return shared.cut(handed_over(last))


def cut_streamed_whole():
    return shared.cut(handed_over(lambda tokens: last(tokens, **HELD)))


class Hours(BaseModel):
    shop: Literal["bakery", "library"]
    note: str = Field("", max_length=12)


def closed():
    def drive(seed):
        asked = {**ASK, "extra_body": {"temperature": 1, "seed": seed}, "response_model": Hours}
        _, completion = patched().create_with_completion(**asked)
        return [block.input for block in completion.content if block.type == "tool_use"]

    shared.closed(drive)
