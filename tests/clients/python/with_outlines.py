"""outlines as a client: types by `from_openai`; types, regexes and choices by `from_vllm`; streams."""

import json
import os
import re
from typing import Literal

import outlines
import shared
from openai import OpenAI
from outlines.exceptions import NotFoundError
from outlines.types import JsonSchema, Regex
from pydantic import BaseModel, Field
from shared import OPEN

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
client = OpenAI(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    max_retries=0,
)
REPORT = "The printer on floor 3 is on fire. File a ticket."
ASK = {"temperature": 0, "max_tokens": 200}


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def structured_output_from_openai():
    Ticket.model_validate_json(outlines.from_openai(client, MODEL)(REPORT, Ticket, **ASK))


def structured_output_from_vllm():
    Ticket.model_validate_json(outlines.from_vllm(client, MODEL)(REPORT, Ticket, **ASK))


def structured_output_regex():
    assert re.fullmatch(r"T-\d{4}", outlines.from_vllm(client, MODEL)(REPORT, Regex(r"T-\d{4}"), **ASK))


def structured_output_choice():
    assert outlines.from_vllm(client, MODEL)(REPORT, Literal["low", "high"], **ASK) in {"low", "high"}


def streamed(model):
    deltas = list(model.stream(REPORT, Ticket, **ASK))
    assert len(deltas) > 1
    assert "".join(deltas) == model(REPORT, Ticket, **ASK)


def streaming_from_openai():
    streamed(outlines.from_openai(client, MODEL))


def streaming_from_vllm():
    streamed(outlines.from_vllm(client, MODEL))


def error():
    try:
        outlines.from_openai(client, "no-such-model")(REPORT, **ASK)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def closed():
    model = outlines.from_vllm(client, MODEL)
    asked = {"temperature": 1, "max_tokens": 200}
    shared.closed(lambda seed: json.loads(model(REPORT, JsonSchema(OPEN), seed=seed, **asked)))
