"""Runs the clients and records the results.

    python -m tests.clients [--url URL] [--key KEY] [--at-once N] [--every N] [--no-save] [NAME ...]

Exits with status 1 if a scenario failed. Without --url it starts the server, after everything is installed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.clients import environments, results
from tests.clients.running import Run, Server, run
from tests.clients.table import CLIENTS, Client
from tests.real import KEY, serving_embedded

# A client, and the command that runs its script; or why there is none.
Ready = tuple[Client, tuple[str, ...] | environments.CannotInstall]


def prepared(clients: Sequence[Client]) -> list[Ready]:
    return [(client, _prepared(client)) for client in clients]


def _prepared(client: Client) -> tuple[str, ...] | environments.CannotInstall:
    say(f"==> {client.name}: installing, unless it is")
    try:
        return environments.ready(client)
    except environments.CannotInstall as error:
        say(str(error))
        return error


@contextmanager
def served(url: str | None, key: str) -> Iterator[tuple[Server, str]]:
    """A server to ask, and its version: one that runs at `url`, or else one that is started."""
    if url:
        yield known(url.rstrip("/"), key)
        return
    say("==> Starting the server")
    with tempfile.TemporaryDirectory() as folder, serving_embedded(Path(folder) / "log") as server:
        yield known(server.url, KEY)


def known(url: str, key: str) -> tuple[Server, str]:
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, trust_env=False) as http:
        model = http.get("/v1/models").raise_for_status().json()["data"][0]["id"]
        return Server(url, key, model), http.get("/health").json()["version"]


def ran(one: Ready, server: Server, every: int) -> Run:
    client, command = one
    if isinstance(command, environments.CannotInstall):
        return Run(client.name, broken=f"it could not be installed: {command}")
    done = run(client, command, server, every=every)
    for outcome in done.outcomes:
        say(f"{client.name}: {outcome.scenario} {outcome.seconds} s {outcome.failure or ''}")
    return done


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="clients by name (all)")
    parser.add_argument("--url", help="the URL of a running server, without /v1")
    parser.add_argument("--key", default="none", help="the API key of that server")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="concurrent clients (%(default)s)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="cut calls at each N tokens (%(default)s)")
    parser.add_argument("--no-save", action="store_true", help="don't update docs/")
    given = parser.parse_args()
    table = {client.name: client for client in CLIENTS}
    if unknown := [name for name in given.names if name not in table]:
        parser.error(f"no such client: {', '.join(unknown)}; there are {', '.join(table)}")
    clients = prepared([table[name] for name in given.names] or CLIENTS)
    failures = []
    with served(given.url, given.key) as (server, version), ThreadPoolExecutor(given.at_once) as pool:
        for future in as_completed([pool.submit(ran, one, server, given.every) for one in clients]):
            done = future.result()
            failures += [f"{done.client}: {failure}" for failure in done.failures(table[done.client])]
            if not given.no_save:
                results.save(done, server.model, version)
    print("\n".join(failures) or f"{len(clients)} clients passed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
