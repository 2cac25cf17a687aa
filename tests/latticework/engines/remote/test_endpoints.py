"""What is sent to a remote, and how what it sends is read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from latticework.engines.base import Sampling
from latticework.engines.remote.endpoints import (
    COMPLETIONS,
    GENERATE,
    Endpoint,
    RemoteOutput,
    RemoteRequest,
    merged_output,
)
from latticework.engines.remote.errors import RemoteRefused
from tests.remote import completions_event, tokens_event

EVENTS = [(GENERATE, tokens_event), (COMPLETIONS, completions_event)]
EVERYTHING = Sampling(
    max_tokens=9,
    grammar="start: A",
    temperature=0.5,
    top_p=0.9,
    top_k=5,
    min_p=0.1,
    seed=7,
    presence_penalty=0.1,
    frequency_penalty=0.2,
    repetition_penalty=1.1,
    logit_bias={3: -1.5},
    logprobs=2,
    min_tokens=1,
    ignore_eos=True,
    stop_token_ids=(4,),
)
SENT = {
    "max_tokens": 9,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 5,
    "min_p": 0.1,
    "seed": 7,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "repetition_penalty": 1.1,
    "logit_bias": {"3": -1.5},
    "min_tokens": 1,
    "ignore_eos": True,
    "structured_outputs": {"grammar": "start: A"},
}


def sent(endpoint: Endpoint, sampling: Sampling, **defaults: Any) -> Any:
    return json.loads(msgspec.json.encode(endpoint.body(RemoteRequest("m", [1, 2], sampling, "r", defaults))))


def test_all_of_a_sampling_is_sent() -> None:
    body = sent(GENERATE, EVERYTHING, temperature=0.1, top_k=20, stop_token_ids=[8])
    params = body.pop("sampling_params")
    assert body == {
        "model": "m",
        "request_id": "r",
        "token_ids": [1, 2],
        "reasoning_ended": True,
        "stream": True,
    }
    assert params == {**SENT, "logprobs": 3, "stop_token_ids": [8, 4], "detokenize": False}
    assert sent(COMPLETIONS, EVERYTHING) == {
        **SENT,
        "model": "m",
        "request_id": "r",
        "prompt": [1, 2],
        "logprobs": 2,
        "stop_token_ids": [4],
        "skip_special_tokens": False,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,
        "stream": True,
    }


def test_priority_and_salt_are_fields_of_the_request() -> None:
    sampling = Sampling(max_tokens=9, priority=-1, cache_salt="s", bad_words=["no"], allowed_token_ids=[1])
    generated, completed = sent(GENERATE, sampling), sent(COMPLETIONS, sampling)
    for body in (generated, completed):
        assert (body["priority"], body["cache_salt"]) == (-1, "s")
    for fields in (generated["sampling_params"], completed):
        assert (fields["bad_words"], fields["allowed_token_ids"]) == (["no"], [1])
    assert "priority" not in sent(COMPLETIONS, Sampling(max_tokens=9, priority=0))


def test_what_a_connector_needs_is_a_field_of_the_request_and_of_a_whole_response() -> None:
    """A prefill is one token, which needs no stream; a decode is streamed, and returns nothing for other engines."""
    prefill, decode = ({"do_remote_decode": True}, 1), ({"do_remote_prefill": True}, 9)
    for endpoint in (GENERATE, COMPLETIONS):
        for connection, most in (prefill, decode):
            body = sent(endpoint, Sampling(max_tokens=most, transfer=connection))
            assert (body["kv_transfer_params"], body["stream"]) == (connection, most > 1)
        whole = {"choices": [{"token_ids": [4], "finish_reason": "length"}], "kv_transfer_params": {"remote_port": 7}}
        output = endpoint.read(json.dumps(whole).encode())
        assert output is not None
        assert (output.token_ids, output.finish_reason, output.transfer) == ([4], "length", {"remote_port": 7})


def test_what_a_request_leaves_open_is_the_models_own() -> None:
    params = sent(GENERATE, Sampling(max_tokens=9), temperature=0.1, stop_token_ids=[8])["sampling_params"]
    assert params == {"max_tokens": 9, "min_tokens": 0, "ignore_eos": False, "temperature": 0.1} | {
        "stop_token_ids": [8],
        "detokenize": False,
    }
    assert "temperature" not in sent(COMPLETIONS, Sampling(max_tokens=9))


@pytest.mark.parametrize(("endpoint", "event"), EVENTS)
def test_tokens_and_log_probabilities_are_read(endpoint: Endpoint, event: Any) -> None:
    """Two likeliest are wanted, and the one that was sampled is none of them."""
    output = endpoint.read(json.dumps(event([40, 41], "stop", 2 + endpoint.more)).encode())
    assert output is not None
    assert (list(output.token_ids), output.finish_reason) == ([40, 41], "stop")
    for token_id, position in zip([40, 41], output.logprobs, strict=True):
        assert position[token_id].logprob == -9.0
        ranked = sorted(position, key=lambda one: position[one].rank)
        assert ranked[:2] == [0, 1]
        assert [round(position[one].logprob, 3) for one in ranked[:2]] == [-0.1, -0.2]


@pytest.mark.parametrize(("endpoint", "event"), EVENTS)
def test_what_says_nothing_new_is_passed_over(endpoint: Endpoint, event: Any) -> None:
    assert endpoint.read(b'{"choices": [], "usage": {"prompt_tokens": 1}}') is None
    assert endpoint.read(json.dumps(event([], None, None)).encode()) is None
    assert endpoint.read(json.dumps(event([], "length", None)).encode()) == RemoteOutput((), "length")


@pytest.mark.parametrize("endpoint", [GENERATE, COMPLETIONS])
@pytest.mark.parametrize(("code", "status"), [("bad_request", 500), (None, 500), (503, 503), (400, 400)])
def test_an_error_among_the_events_is_raised(endpoint: Endpoint, code: Any, status: int) -> None:
    with pytest.raises(RemoteRefused, match="full") as raised:
        endpoint.read(json.dumps({"error": {"message": "full", "code": code, "param": None}}).encode())
    assert raised.value.status == status


def test_outputs_that_come_at_once_are_one() -> None:
    one, two = RemoteOutput([1], None, [{1: (-1.0, 0)}]), RemoteOutput([2, 3], "stop", [{2: (-1.0, 0)}, {3: (-1.0, 0)}])  # type: ignore[dict-item]
    assert merged_output([one]) is one
    assert merged_output([one, two]) == RemoteOutput([1, 2, 3], "stop", [*one.logprobs, *two.logprobs])
