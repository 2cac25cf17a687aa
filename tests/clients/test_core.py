"""The clients that most people use, unchanged, against the real server.

The others are in `python -m tests.clients`, which is `make clients`.
"""

from __future__ import annotations

import pytest

from tests.clients import environments
from tests.clients.running import Server, run
from tests.clients.table import CLIENTS, Client
from tests.real import KEY, MODEL, RunningServer

CORE = [client for client in CLIENTS if client.core]


@pytest.fixture(scope="module")
def commands() -> dict[str, tuple[str, ...] | environments.Unreachable]:
    """All are installed before the server is started, which would slow it down."""
    return {client.name: _command(client) for client in CORE}


def _command(client: Client) -> tuple[str, ...] | environments.Unreachable:
    try:
        return environments.ready(client)
    except environments.Unreachable as error:
        return error


@pytest.mark.parametrize("client", CORE, ids=lambda client: client.name)
def test_a_client(
    client: Client,
    commands: dict[str, tuple[str, ...] | environments.Unreachable],
    request: pytest.FixtureRequest,
) -> None:
    command = commands[client.name]
    if isinstance(command, environments.Unreachable):
        pytest.skip(f"{client.name} can't be installed here: {str(command).splitlines()[-1]}")
    server: RunningServer = request.getfixturevalue("server")
    done = run(client, command, Server(server.url, KEY, MODEL), every=11, seeds=1)
    assert done.failures(client) == []
