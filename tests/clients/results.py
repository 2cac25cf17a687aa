"""What came of the clients: docs/clients.json, and the table made of it, docs/clients.md.

A run of a client replaces its row and leaves the others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.clients.running import Run
from tests.clients.table import CLIENTS, OPTIONAL, SCENARIOS, Client

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = (*SCENARIOS, *OPTIONAL)
HEAD = ("client", "versions", "date", "model", *(name.replace("_", " ") for name in COLUMNS))
TEXT = """# Clients

Real clients, unmodified except lm_eval (below), against `latticework serve`. Clients marked "Responses" use
`/v1/responses`, those marked "Messages" `/v1/messages`, the others `/v1/chat/completions`. `make clients` generates
this page from [clients.json](clients.json). The scripts, one per client, are examples to copy:
[tests/clients](../tests/clients). No client retries a request.

- structured output: the client returns an instance of the requested type, with valid values
- tool loop: the model calls, the tool runs with valid arguments, its result goes back, and the model answers
- streaming: more than one delta, and together they are the whole answer, or the requested value
- error: an unknown model raises the client's own typed error, with the server's message
- cut: `max_tokens` or `max_output_tokens` cuts a tool call, at as many limits as the second table has. A whole answer
  runs no tool with cut arguments, nor does a stream with `"tool_call_streaming": "whole"`, the default of Messages; a
  stream without it runs none with empty arguments
- closed: objects have listed properties only, if their schemas don't mention others
- many tools: 26 tools, one of which has an impossible schema and is left out (`"on_bad_tool": "skip"`), and names with
  dots and slashes, if the client sends them
- histories: parallel calls, empty and no content, empty results, a developer, text in many scripts
- completion: `/v1/completions`: a stream adds up to the whole text, log probabilities have one entry per token
- grammar: custom tools with Lark grammars and regexes: every input matches, read by other means
- thinking: each kind of `thinking` is accepted, and the answer's blocks go back in the next turn
- counting: the tokens that `/v1/messages/count_tokens` counts are those that the request uses

{table}

✓ passed, with the variants if there are several; ✗ failed; n/a: the client doesn't support it; –: not tested.
{remarks}
lm_eval's script overrides one check of its client, that of `/tokenizer_info`, and gives it the beginning and end
tokens: this server has no such endpoint. Codex has no settings for a tool choice, a temperature or a limit: its script
relays its requests and adds them. What pydantic-ai, litellm, the AI SDK and LangChain send over Messages depends on the
model's name: the server runs with `--alias 'claude-*=MODEL'`, and they ask for `claude-sonnet-4-5`.
{cuts}
## Repeating it

`make clients` installs each client into `.venv-clients` (some GB) and runs it; `make clients ARGS="instructor litellm"`
runs some of them. `ARGS="--url http://127.0.0.1:8000"` uses a running server. `make test` includes the core clients.
"""

CUTS = """
## Calls that are cut

At how many limits the client ran the tool, and with what. From a stream, some clients complete arguments that are cut,
and run the tool with them. `"tool_call_streaming": "whole"` prevents it.

| client | answers | tool runs |
| --- | --- | --- |
{table}
"""


def save(run: Run, model: str, version: str) -> None:
    """Keeps a run, which asked this model of a server of this version, in place of the client's last one."""
    file = DOCS / "clients.json"
    kept: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    kept[run.client] = _row(run, model, version)
    kept = {client.name: kept[client.name] for client in CLIENTS if client.name in kept}
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    (DOCS / "clients.md").write_text(render(kept))


def _row(run: Run, model: str, version: str) -> dict[str, Any]:
    return {"date": f"{datetime.now(UTC):%Y-%m-%d}", "model": model, "latticework": version, **asdict(run)}


def render(rows: Mapping[str, Any]) -> str:
    clients = [client for client in CLIENTS if client.name in rows]
    lines = [HEAD, ("---",) * len(HEAD), *(_line(client, rows[client.name]) for client in clients)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    remarks = [f"- {client.name}, {remark}" for client in clients for remark in _remarks(client, rows[client.name])]
    cuts = [_cuts(client, rows[client.name]) for client in clients]
    return TEXT.format(
        table=table,
        remarks="\n".join(["", *remarks, ""]) if remarks else "",
        cuts=CUTS.format(table="\n".join(line for line in cuts if line)) if any(cuts) else "",
    )


def _cuts(client: Client, row: Mapping[str, Any]) -> str:
    """What a client ran at its limits, a line for each of its ways."""
    seen = [one for one in row["outcomes"] if one["scenario"].startswith("cut") and one.get("seen")]
    return "\n".join(f"| {client.name} | {_way(one['scenario'])} | {one['seen']} |" for one in seen)


def _way(scenario: str) -> str:
    return scenario.removeprefix("cut_").replace("_", " ")


def _line(client: Client, row: Mapping[str, Any]) -> tuple[str, ...]:
    versions = ", ".join(f"{name} {number}" for name, number in row["versions"].items())
    return (
        client.name + (" (core)" if client.core else ""),
        versions,
        row["date"],
        row["model"].rpartition("/")[2],
        *(_cell(client, row, column) for column in COLUMNS),
    )


def _cell(client: Client, row: Mapping[str, Any], column: str) -> str:
    if column in client.lacks:
        return "n/a"
    outcomes = [one for one in row["outcomes"] if one["scenario"].startswith(column)]
    if not outcomes:
        return "✗" if row["broken"] and column not in OPTIONAL else "–"
    good, bad = (_ways(outcomes, column, failed) for failed in (False, True))
    return " ".join(filter(None, [good and "✓" + good.rstrip(), bad and "✗" + bad.rstrip()]))


def _ways(outcomes: Sequence[Mapping[str, Any]], column: str, failed: bool) -> str:
    """What the functions of a column are told apart by; a blank where there is nothing."""
    names = [one["scenario"] for one in outcomes if (one["failure"] is not None) == failed]
    ways = [name.removeprefix(column).strip("_").replace("_", " ") or "plain" for name in names]
    return " " + (", ".join(ways) if len(outcomes) > 1 else "") if names else ""


def _remarks(client: Client, row: Mapping[str, Any]) -> list[str]:
    failed = [f"{one['scenario']}: {one['failure']}" for one in row["outcomes"] if one["failure"] is not None]
    lacks = [f"{name.replace('_', ' ')}: {why}" for name, why in client.lacks.items()]
    return [*failed, *([row["broken"]] if row["broken"] else []), *lacks]
