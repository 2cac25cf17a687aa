"""The examples that talk to a server, against the real one. Those that mount it are in tests/examples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from examples.extract import Order
from examples.letters import letters
from tests.e2e.conftest import KEY, MODEL, RunningServer
from tests.examples.environment import python_with
from tests.examples.test_agent import AGENT, ask

ROOT = Path(__file__).parents[2]


def test_documents_are_extracted(server: RunningServer, tmp_path: Path) -> None:
    source, out = tmp_path / "letters.jsonl", tmp_path / "orders.jsonl"
    source.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in letters(8)))
    command = [
        sys.executable,
        "-m",
        "examples.extract",
        str(out),
        "--documents",
        str(source),
        "--url",
        f"{server.url}/v1",
    ]
    environ = {**os.environ, "LATTICEWORK_API_KEY": KEY}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(row["id"] for row in rows) == [name for name, _ in letters(8)]
    for row in rows:
        Order.model_validate(row["order"])


def test_an_agent_looks_up_and_answers(server: RunningServer) -> None:
    """The model is small: its answer has the form, and may be wrong."""
    offer, told = ask(python_with("langgraph", AGENT / "requirements.txt"), server.url, MODEL, KEY)
    assert offer.keys() == {"euros", "days", "summary"}
    assert "Tool Message" in told
    assert " euros\n" in told or " days\n" in told
