"""Tools of MCP servers: their input schemas, as the running servers list them. No tool is called.

Runs in a folder with the servers of npm in node_modules, and a Python with the others. Prints a row for each of a
server's tools, or with an argument for that number of them: those whose schemas have the most keywords.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 40
LONGEST = 8000  # characters of a schema
DESCRIBED = 60  # characters of a description; a grammar does not depend on them


@dataclass(frozen=True)
class Server:
    """A server, its package, its command, and the variables without which it doesn't start."""

    name: str
    package: str
    command: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    python: bool = False

    def version(self) -> str:
        if self.python:
            return subprocess.run(
                [sys.executable, "-m", "pip", "show", self.package], capture_output=True, text=True, check=True
            ).stdout.split("Version: ")[1].split()[0]  # fmt: skip
        return str(json.loads(Path(f"node_modules/{self.package}/package.json").read_text("utf-8"))["version"])

    def tools(self) -> list[dict[str, Any]]:
        """The tools that it lists. Raises TimeoutError."""
        environment = {**os.environ, **self.variables}
        with subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        ) as process:
            try:
                return Conversation(process).tools()
            finally:
                process.kill()


class Conversation:
    """JSON-RPC in lines, over a server's standard streams."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        self._to, self._from = process.stdin, process.stdout
        self._deadline = time.monotonic() + SECONDS
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._from, selectors.EVENT_READ)

    def tools(self) -> list[dict[str, Any]]:
        client = {"name": "corpus", "version": "1"}
        self._ask(1, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self._send({"method": "notifications/initialized"})
        return list(self._ask(2, "tools/list", {})["tools"])

    def _ask(self, number: int, method: str, params: Any) -> Any:
        self._send({"id": number, "method": method, "params": params})
        for message in self._messages():
            if message.get("id") == number and "method" not in message:
                return message["result"]
        raise EOFError(method)

    def _send(self, message: dict[str, Any]) -> None:
        self._to.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._to.flush()

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            *lines, self._pending = self._pending.split(b"\n")
            yield from (json.loads(line) for line in lines if line.startswith(b"{"))
            if not self._selector.select(max(0.0, self._deadline - time.monotonic())):
                raise TimeoutError
            more = os.read(self._from.fileno(), 1 << 16)
            if not more:
                return
            self._pending += more


def node(name: str, package: str, *arguments: str, **variables: str) -> Server:
    manifest = json.loads(Path(f"node_modules/{package}/package.json").read_text("utf-8"))
    file = manifest["bin"] if isinstance(manifest["bin"], str) else next(iter(manifest["bin"].values()))
    return Server(name, package, ("node", f"node_modules/{package}/{file}", *arguments), variables)


def python(name: str, package: str, *arguments: str, **variables: str) -> Server:
    command = str(Path(sys.executable).parent / package)
    return Server(name, package, (command, *arguments), variables, python=True)


def servers() -> Iterator[Server]:
    official = "@modelcontextprotocol/server"
    yield node("filesystem", f"{official}-filesystem", "/tmp")
    yield node("memory", f"{official}-memory")
    yield node("sequential-thinking", f"{official}-sequential-thinking")
    yield node("everything", f"{official}-everything")
    yield node("github", f"{official}-github", GITHUB_PERSONAL_ACCESS_TOKEN="x")
    yield node("gitlab", f"{official}-gitlab", GITLAB_PERSONAL_ACCESS_TOKEN="x")
    yield node("slack", f"{official}-slack", SLACK_BOT_TOKEN="x", SLACK_TEAM_ID="x")
    yield node("postgres", f"{official}-postgres", "postgresql://localhost/x")
    yield node("puppeteer", f"{official}-puppeteer")
    yield node("brave-search", f"{official}-brave-search", BRAVE_API_KEY="x")
    yield node("google-maps", f"{official}-google-maps", GOOGLE_MAPS_API_KEY="x")
    yield node("notion", "@notionhq/notion-mcp-server", NOTION_TOKEN="ntn_x")
    yield node("playwright", "@playwright/mcp")
    yield node("context7", "@upstash/context7-mcp")
    yield node("kubernetes", "mcp-server-kubernetes")
    yield node("figma", "figma-developer-mcp", "--stdio", "--figma-api-key=x")
    yield node("tavily", "tavily-mcp", TAVILY_API_KEY="x")
    yield node("exa", "exa-mcp-server", EXA_API_KEY="x")
    yield node("firecrawl", "firecrawl-mcp", FIRECRAWL_API_KEY="x")
    yield node("desktop-commander", "@wonderwhy-er/desktop-commander")
    yield node("n8n", "n8n-mcp", MCP_MODE="stdio", LOG_LEVEL="error", N8N_API_URL="http://localhost", N8N_API_KEY="x")
    yield node("mongodb", "mongodb-mcp-server", "--telemetry=disabled")
    yield node("elasticsearch", "@elastic/mcp-server-elasticsearch", ES_URL="http://localhost:9200", ES_API_KEY="x")
    yield node("chrome-devtools", "chrome-devtools-mcp")
    yield node("hubspot", "@hubspot/mcp-server", PRIVATE_APP_ACCESS_TOKEN="x")
    yield python("git", "mcp-server-git")
    yield python("fetch", "mcp-server-fetch")
    yield python("time", "mcp-server-time", "--local-timezone=UTC")
    yield python("duckduckgo", "duckduckgo-mcp-server")
    yield python("aws-documentation", "awslabs.aws-documentation-mcp-server")


def shortened(schema: Any) -> Any:
    """The schema with short descriptions and without examples."""
    if isinstance(schema, list):
        return [shortened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    described = schema.get("description")
    kept = {name: shortened(value) for name, value in schema.items()}
    return {**kept, "description": described[:DESCRIBED]} if isinstance(described, str) else kept


def keywords(schema: Any) -> set[str]:
    """Keywords with the type of their value. Names of properties count too: they do no harm."""
    if isinstance(schema, list):
        return set().union(*map(keywords, schema))
    if not isinstance(schema, dict):
        return set()
    own = {f"{name} {type(value)}" for name, value in schema.items()}
    return own.union(*map(keywords, schema.values()))


def chosen(tools: list[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    small = [tool for tool in tools if len(json.dumps(tool["inputSchema"])) < LONGEST]
    return sorted(small, key=lambda tool: -len(keywords(tool["inputSchema"])))[:most]


def main(most: int | None) -> None:
    for server in servers():
        try:
            tools = server.tools()
        except (EOFError, OSError, KeyError) as error:  # of which TimeoutError is one
            print(f"{server.name}: {error!r}", file=sys.stderr)
            continue
        emitter = f"{server.package} {server.version()}"
        for tool in chosen(tools, most):
            row = {"id": f"mcp/{server.name}/{tool['name']}", "emitter": emitter}
            print(json.dumps({**row, "schema": shortened(tool["inputSchema"]), "valid": [], "invalid": []}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else None)
