"""`/v1/completions` over a real engine: prompts of every form, log probabilities that are right, streams, documents."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openai import BadRequestError, NotFoundError, OpenAI
from transformers import AutoTokenizer

from latticework import embedded
from latticework.doors.completions.request import CompletionRequest
from tests.e2e.conftest import ENGINE, MODEL

PROMPT = "The capital of France is"
GREEDY: dict[str, Any] = {"model": MODEL, "max_tokens": 8, "temperature": 0}
CHAT = "<|im_start|>user\nSay hi.<|im_end|>\n<|im_start|>assistant\n"
SPLIT = "Zürich, 数字: 😀👩‍👧 and"

needs_prompt_logprobs = pytest.mark.skipif(
    ENGINE == "portable", reason="the portable engine returns no log probabilities of the prompt"
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(embedded.model_path()))


def completed(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    response = http.post("/v1/completions", json={**GREEDY, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def streamed(http: httpx.Client, **fields: Any) -> list[Any]:
    """The events of a stream that ends well."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    response = http.post("/v1/completions", json={**GREEDY, **fields, **options})
    assert response.status_code == 200, response.text
    *events, done = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert done == "[DONE]"
    return [json.loads(event) for event in events]


def scored(http: httpx.Client, prompts: list[list[int]]) -> list[dict[str, Any]]:
    """The log probabilities of prompts, by the request that lm-eval sends."""
    payload = {"prompt": prompts, "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": True, "temperature": 0}
    body = completed(http, **payload)
    return [choice["logprobs"] for choice in sorted(body["choices"], key=lambda choice: choice["index"])]


def test_a_prompt_of_any_form_has_one_continuation(http: httpx.Client, tokenizer: Any) -> None:
    ids = tokenizer(PROMPT).input_ids
    text = completed(http, prompt=PROMPT)["choices"][0]["text"]
    assert len(tokenizer(text).input_ids) == 8
    for prompt, several in ((ids, 1), ([PROMPT, PROMPT], 2), ([ids, ids], 2)):
        body = completed(http, prompt=prompt)
        assert [(choice["index"], choice["text"]) for choice in body["choices"]] == [
            (at, text) for at in range(several)
        ]
        assert body["usage"]["prompt_tokens"] == several * len(ids)
        assert body["usage"]["completion_tokens"] == several * 8


def test_special_tokens_are_read_in_the_prompt_and_left_out_of_the_text(http: httpx.Client, tokenizer: Any) -> None:
    asked = {"prompt": CHAT, "max_tokens": 60}
    (choice,) = completed(http, **asked)["choices"]
    (kept,) = completed(http, **asked, skip_special_tokens=False)["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["text"] == kept["text"] == tokenizer.decode(tokenizer(choice["text"]).input_ids)
    assert completed(http, prompt=CHAT, max_tokens=1)["usage"]["prompt_tokens"] == len(tokenizer(CHAT).input_ids)
    (echoed,) = completed(http, prompt=tokenizer(CHAT).input_ids, max_tokens=0, echo=True)["choices"]
    assert echoed["text"] == CHAT


@needs_prompt_logprobs
def test_an_echoed_answer_is_as_likely_as_when_it_was_generated(http: httpx.Client, tokenizer: Any) -> None:
    ids = tokenizer(PROMPT).input_ids
    (answer,) = completed(http, prompt=PROMPT, logprobs=1)["choices"]
    continuation = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(answer["text"]))
    prompt = [*ids, *continuation]
    for _ in range(2):  # the second prompt is in the prefix cache, and its log probabilities are needed all the same
        (echoed,) = completed(http, prompt=prompt, max_tokens=0, echo=True, logprobs=1)["choices"]
        assert echoed["text"] == PROMPT + answer["text"]
        logprobs = echoed["logprobs"]
        assert logprobs["tokens"] == tokenizer.batch_decode([[token] for token in prompt])
        assert "".join(logprobs["tokens"]) == echoed["text"]
        assert logprobs["token_logprobs"][0] is None
        assert logprobs["token_logprobs"][len(ids) :] == pytest.approx(answer["logprobs"]["token_logprobs"], abs=0.05)
        for own, top in zip(logprobs["token_logprobs"][len(ids) :], logprobs["top_logprobs"][len(ids) :], strict=True):
            assert own == max(top.values())


@needs_prompt_logprobs
def test_continuations_are_scored_as_lm_eval_scores_them(http: httpx.Client, tokenizer: Any) -> None:
    """The likelier continuation has the larger sum, and only the greedy one passes for greedy."""
    context = tokenizer(PROMPT).input_ids
    continuations = [tokenizer(text).input_ids for text in (" Paris.", " Berlin.", " purple 😀")]
    sums, greedy = [], []
    for logprobs in scored(http, [context + continuation for continuation in continuations]):
        own = logprobs["token_logprobs"][len(context) : -1]
        top = logprobs["top_logprobs"][len(context) : -1]
        sums.append(sum(own))
        greedy.append(all(value == max(likely.values()) for value, likely in zip(own, top, strict=True)))
    assert sums == sorted(sums, reverse=True)
    assert greedy == [True, False, False]


@needs_prompt_logprobs
@pytest.mark.parametrize("ids", [False, True])
def test_characters_of_several_tokens(http: httpx.Client, tokenizer: Any, ids: bool) -> None:
    prompt = tokenizer(SPLIT).input_ids if ids else SPLIT
    (choice,) = completed(http, prompt=prompt, echo=True, logprobs=2, max_tokens=2)["choices"]
    logprobs = choice["logprobs"]
    assert choice["text"].startswith(SPLIT)
    assert "".join(logprobs["tokens"]) == choice["text"]
    for offset, token in zip(logprobs["text_offset"], logprobs["tokens"], strict=True):
        assert choice["text"][offset : offset + len(token)] == token


def test_several_answers_are_numbered_through(http: httpx.Client) -> None:
    asked = {"prompt": [PROMPT, "One, two,"], "n": 2, "seed": 7, "temperature": 1, "echo": True}
    choices = completed(http, **asked)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2, 3]
    assert [choice["text"].startswith(PROMPT) for choice in choices] == [True, True, False, False]
    assert len({choice["text"] for choice in choices}) == 4
    assert completed(http, **asked)["choices"] == choices


def test_a_stop_string_ends_the_answer_and_never_the_prompt(http: httpx.Client) -> None:
    asked = {"prompt": "One, two, three,", "stop": [" six", "two"], "max_tokens": 20}
    (choice,) = completed(http, **asked, echo=True)["choices"]
    assert choice["text"] == "One, two, three, four, five,"
    assert choice["finish_reason"] == "stop"


STREAMS: dict[str, dict[str, Any]] = {
    "text": {"prompt": PROMPT},
    "several": {"prompt": [PROMPT, "One, two,"], "n": 2, "seed": 7, "temperature": 1},
    "echo": {"prompt": PROMPT, "echo": True},
    "echo alone": {"prompt": PROMPT, "echo": True, "max_tokens": 0},
    "logprobs": {"prompt": "Repeat: 😀😀😀 😀", "logprobs": 2},
    "document": {"prompt": PROMPT, "structured_outputs": {"choice": ["Paris", "Lyon"]}},
}
ECHOES = {"echo with logprobs": {"prompt": [PROMPT, SPLIT], "echo": True, "logprobs": 1}}
if ENGINE != "portable":
    STREAMS |= ECHOES


@pytest.mark.parametrize("fields", STREAMS.values(), ids=STREAMS)
def test_a_stream_adds_up_to_the_whole(http: httpx.Client, fields: dict[str, Any]) -> None:
    whole = completed(http, **fields)
    *chunks, last = streamed(http, **fields)
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    assert all(chunk["usage"] is None for chunk in chunks)
    for choice in whole["choices"]:
        parts = [part for chunk in chunks for part in chunk["choices"] if part["index"] == choice["index"]]
        assert "".join(part["text"] for part in parts) == choice["text"]
        assert [part["finish_reason"] for part in parts] == [None] * (len(parts) - 1) + [choice["finish_reason"]]
        if choice["logprobs"] is None:
            continue
        added, rows = [part["logprobs"] for part in parts if part["logprobs"]], choice["logprobs"]
        for name in ("tokens", "text_offset"):
            assert [entry for part in added for entry in part[name]] == rows[name]
        logprobs = [value or 0 for part in added for value in part["token_logprobs"]]
        assert logprobs == pytest.approx([value or 0 for value in rows["token_logprobs"]], abs=0.01)
        assert sum(len(part["top_logprobs"]) for part in added) == len(rows["top_logprobs"])


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}, "country": {"enum": ["France", "Norway"]}},
    "required": ["city", "country"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
        {"structured_outputs": {"json": SCHEMA}, "echo": True},
        {"structured_outputs": {"json": json.dumps(SCHEMA)}, "n": 2},
    ],
)
def test_a_document_fits_its_schema(http: httpx.Client, fields: dict[str, Any]) -> None:
    for choice in completed(http, prompt=PROMPT, max_tokens=60, **fields)["choices"]:
        assert choice["finish_reason"] == "stop"
        Draft202012Validator(SCHEMA).validate(json.loads(choice["text"].removeprefix(PROMPT)))


@pytest.mark.parametrize(
    ("structured", "form"),
    [
        ({"choice": ["north", "south-west"]}, "north|south-west"),
        ({"regex": r"\d{4}-\d{2}"}, r"\d{4}-\d{2}"),
        ({"grammar": 'start: "to " PLACE "!"\nPLACE: /[A-Z][a-z]{2,6}/'}, "to [A-Z][a-z]{2,6}!"),
    ],
)
def test_structured_outputs(http: httpx.Client, structured: dict[str, Any], form: str) -> None:
    (choice,) = completed(http, prompt=PROMPT, max_tokens=30, structured_outputs=structured)["choices"]
    assert re.fullmatch(form, choice["text"])
    assert choice["finish_reason"] == "stop"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a suffix": ({"suffix": "."}, "suffix"),
    "ids that the vocabulary lacks": ({"prompt": [[1], [49152]]}, "prompt"),
    "ids beyond int64": ({"prompt": [2**70]}, "prompt[0]"),
    "a list of several kinds": ({"prompt": ["a", [1]]}, "prompt[1]"),
    "too long a prompt": ({"prompt": "word " * 9000}, "prompt"),
    "too many tokens requested": ({"max_tokens": 9000}, "max_tokens"),
    "more prompts than are generated at once": ({"prompt": ["a"] * 2000}, "n"),
    "two constraints": ({"structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fields", "param"), BAD.values(), ids=BAD)
def test_bad_requests_name_the_parameter(client: OpenAI, fields: dict[str, Any], param: str, stream: bool) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.post("/completions", cast_to=object, body={**GREEDY, "prompt": "a", **fields, "stream": stream})
    assert caught.value.param == param


def test_an_unknown_model(client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="no-such-model"):
        client.completions.create(model="no-such-model", prompt="a")


def test_null_is_the_same_as_leaving_a_field_out(http: httpx.Client) -> None:
    nulls = dict.fromkeys(CompletionRequest.model_fields.keys() - {"model", "prompt"})
    body = completed(http, **{**nulls, "prompt": PROMPT})
    assert body["usage"]["completion_tokens"] == 16
    assert body["choices"][0]["logprobs"] is None


def test_a_client_that_goes_away_ends_the_generation(http: httpx.Client) -> None:
    endless = {**GREEDY, "prompt": [PROMPT] * 4, "max_tokens": 4000, "ignore_eos": True, "stream": True}
    with http.stream("POST", "/v1/completions", json=endless) as response:
        lines = response.iter_lines()  # kept: an iterator that is collected closes the connection
        assert next(lines).startswith("data: ")
        assert running(http) == 4
    until = time.monotonic() + 30
    while running(http) and time.monotonic() < until:
        time.sleep(0.1)
    assert running(http) == 0


def running(http: httpx.Client) -> int:
    return int(http.get("/health").json()["running"][MODEL])
