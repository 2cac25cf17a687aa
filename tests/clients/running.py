"""One client, run: what came of each of its scenarios."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.clients.table import SCENARIOS, Client

# Seconds for all scenarios of one client, which ask for a few hundred tokens each: a busy machine writes two a second.
PATIENCE = 1200
# Settings of clients and of the server, from the environment that runs the tests: none is for a script.
_SETTINGS = ("ANTHROPIC_", "CLAUDE", "LATTICEWORK_", "OPENAI_")
# Clients that count and trace their users do not, as far as they can be told.
QUIET = {
    "ANONYMIZED_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


@dataclass(frozen=True)
class Server:
    """What a script is told of the server: its address without /v1, a key of it, and a model that it serves."""

    url: str
    key: str
    model: str


@dataclass(frozen=True)
class Outcome:
    """`scenario`: the function's name. `failure`: what was raised; none where it passed. `seen`: what it returned."""

    scenario: str
    seconds: float
    failure: str | None
    seen: str | None = None


@dataclass(frozen=True)
class Run:
    """`broken`: why there are no more outcomes than these, where the script did not end as it should."""

    client: str
    versions: Mapping[str, str] = field(default_factory=dict)
    outcomes: Sequence[Outcome] = ()
    broken: str | None = None

    def failures(self, client: Client) -> list[str]:
        """What failed, what was not run and should have been, and what was run and was said to be impossible."""
        told = [f"{one.scenario}: {one.failure}" for one in self.outcomes if one.failure is not None]
        for column in SCENARIOS:
            ran = any(one.scenario.startswith(column) for one in self.outcomes)
            if ran == (column in client.lacks):
                told.append(f"{column}: {'it was run' if ran else self.broken or 'the script has none'}")
        return told + ([self.broken] if self.broken else [])


def run(
    client: Client, command: Sequence[str], server: Server, patience: float = PATIENCE, every: int = 1, seeds: int = 3
) -> Run:
    """`command` is its environment's, and `patience` in seconds.

    `every`: calls are cut at each of so many limits. `seeds`: how many answers are sampled.
    """
    process = subprocess.Popen(
        [*command, client.script, *client.packages],
        env={**_environ(server), "EVERY": str(every), "SEEDS": str(seeds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        told, complaints = process.communicate(timeout=patience)
        broken = None if process.returncode == 0 else f"exit status {process.returncode}: {complaints.strip()[-500:]}"
    except subprocess.TimeoutExpired:
        process.kill()
        told, complaints = process.communicate()
        broken = f"not done within {patience:.0f} s"
    return _read(client, told, broken)


def _read(client: Client, told: str, broken: str | None) -> Run:
    lines: list[Any] = [json.loads(line) for line in told.splitlines() if line.endswith("}")]
    if not lines:
        return Run(client.name, broken=broken or "it told nothing")
    first, *rest = lines
    return Run(client.name, first["versions"], [Outcome(**line) for line in rest], broken)


def _environ(server: Server) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    kept.pop("PYTHONPATH", None)
    asked = {"BASE_URL": f"{server.url}/v1", "API_KEY": server.key, "MODEL": server.model}
    return {**kept, **QUIET, **asked, "NO_PROXY": "127.0.0.1"}
