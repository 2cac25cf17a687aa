"""What the tests of this folder share: clients of the server that the whole suite starts once."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from tests.real import ENGINE, KEY, MODEL, RunningServer, serving

__all__ = ["ENGINE", "KEY", "MODEL", "RunningServer", "serving"]


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[OpenAI]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with server.http() as http:
        yield http
