"""The core of the end-to-end suite over the portable engine and the embedded model: an app served in this process.

LATTICEWORK_TEST_ENGINE=portable runs all of the suite, over a server of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from latticework import Settings, create_app, embedded
from latticework.engines.portable import PortableArgs, PortableEngine
from tests.e2e.conftest import MODEL
from tests.e2e.test_chat import (
    test_a_cut_document_is_a_length_error,
    test_choices_differ_and_logprobs_add_up,
    test_create,
    test_logit_bias_rules_the_answer,
    test_max_tokens_is_counted_in_tokens,
    test_stop_strings_end_free_text,
    test_stream_a_nested_model,
    test_structured_outputs,
)
from tests.e2e.test_tools import (
    test_none,
    test_one_call_when_parallel_calls_are_off,
)
from tests.e2e.test_truncation import test_the_stream_is_the_same
from tests.serving import served

__all__ = [
    "test_a_cut_document_is_a_length_error",
    "test_choices_differ_and_logprobs_add_up",
    "test_create",
    "test_logit_bias_rules_the_answer",
    "test_max_tokens_is_counted_in_tokens",
    "test_none",
    "test_one_call_when_parallel_calls_are_off",
    "test_stop_strings_end_free_text",
    "test_stream_a_nested_model",
    "test_structured_outputs",
    "test_the_stream_is_the_same",
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    engine = PortableEngine(PortableArgs(str(embedded.model_path()), served_model_name=[MODEL], device="cpu"))
    settings = Settings()
    with served(create_app(engine, settings=settings), settings) as server:
        host, port = server.address
        yield f"http://{host}:{port}"


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=300) as client:
        yield client


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=300) as http:
        yield http
