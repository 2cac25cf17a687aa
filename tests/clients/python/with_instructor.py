"""instructor: an answer of a Pydantic type, in each of its modes; a second try when a validator says no."""

import json
import os
from typing import Literal

import instructor
import shared
from instructor.core import IncompleteOutputException, InstructorRetryException
from openai import OpenAI
from pydantic import BaseModel, Field, field_validator
from shared import HELD, TASK, ran, refused

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
client = OpenAI(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    max_retries=0,
)
REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
ASK = {"model": MODEL, "temperature": 0, "max_tokens": 200, "max_retries": 0, "messages": REPORT}


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def structured_output_tools():
    ticket = instructor.from_openai(client, mode=instructor.Mode.TOOLS).create(**ASK, response_model=Ticket)
    assert isinstance(ticket, Ticket)


def structured_output_json_schema():
    ticket = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA).create(**ASK, response_model=Ticket)
    assert isinstance(ticket, Ticket)


def structured_output_json():
    """The schema is only in the prompt, and the server holds the answer to be JSON: all else is left to the model.

    One that goes on and on is cut, and instructor says so.
    """

    class Anything(BaseModel, extra="allow"):
        pass

    try:
        answer = instructor.from_openai(client, mode=instructor.Mode.JSON).create(**ASK, response_model=Anything)
    except IncompleteOutputException as error:
        assert error.last_completion.choices[0].finish_reason == "length"
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

    asked = {**ASK, "max_retries": 1}
    ticket = instructor.from_openai(client, mode=instructor.Mode.TOOLS).create(**asked, response_model=Checked)
    assert isinstance(ticket, Checked)
    assert len(seen) == 2


def streaming():
    tickets = list(instructor.from_openai(client).create_partial(**ASK, response_model=Ticket))
    assert len(tickets) > 1
    assert Ticket.model_validate(tickets[-1].model_dump())


def error():
    try:
        instructor.from_openai(client).create(**{**ASK, "model": "no-such-model"}, response_model=Ticket)
    except InstructorRetryException as error:
        assert "The model 'no-such-model' does not exist" in str(error)
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
            pass  # it heeds the finish reason
        except InstructorRetryException as error:
            refused(error)

    return drive


def cut_whole():
    tools = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
    return shared.cut(handed_over(lambda tokens: [tools.create(**{**REMOVING, "max_tokens": tokens})]))


def last(tokens, **options):
    """Of the partial objects, which have none for what has not come."""
    partial = instructor.from_openai(client).create_partial(**{**REMOVING, "max_tokens": tokens, **options})
    return list(partial)[-1:]


def cut_streamed():
    return shared.cut(handed_over(last), streamed=True)


def cut_streamed_whole():
    return shared.cut(handed_over(lambda tokens: last(tokens, extra_body=HELD)))


class Hours(BaseModel):
    shop: Literal["bakery", "library"]
    note: str = Field("", max_length=12)


def closed():
    tools = instructor.from_openai(client, mode=instructor.Mode.TOOLS)

    def drive(seed):
        asked = {**ASK, "temperature": 1, "seed": seed, "response_model": Hours}
        _, completion = tools.create_with_completion(**asked)
        return [json.loads(call.function.arguments) for call in completion.choices[0].message.tool_calls]

    shared.closed(drive)
