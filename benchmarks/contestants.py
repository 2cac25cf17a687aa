"""The servers compared: latticework; vLLM with its defaults; vLLM given latticework's prompt and grammar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.client import Answer, Output, ask
from benchmarks.rendering import Renderer
from benchmarks.servers import GUIDANCE, TOOLS, Recipe, Server, latticework, running, vllm
from benchmarks.targets import Target
from benchmarks.workload import Task

OURS = "latticework"
PLAIN = "latticework, drafts off"
STOCK = "vLLM"
GIVEN = "vLLM, our grammar"

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"

RECIPES: Mapping[str, Recipe] = {
    OURS: latticework(),
    PLAIN: latticework("--drafts", "off"),
    STOCK: vllm(*TOOLS),
    GIVEN: vllm(*GUIDANCE),
}

# The contestants of a ratio: the figures of the first are divided by those of the second.
Pairing = tuple[str, str]
PAIRINGS: tuple[Pairing, ...] = ((OURS, STOCK), (OURS, GIVEN))


@dataclass(frozen=True)
class Contestant:
    """A server, and its API: `prepare` makes the body of a request, `output` parses its answer."""

    name: str
    server: Server
    path: str
    prepare: Callable[[Task], dict[str, Any]]
    output: Callable[[Task, Answer], Output]

    async def answer(self, http: httpx.AsyncClient, body: dict[str, Any], *, stream: bool = True) -> Answer:
        """Raises client.Failed."""
        return await ask(http, self.server.url + self.path, body, stream=stream)


def label(kind: str, pairing: Pairing) -> str:
    """The name of a comparison."""
    parts = [kind, "same grammar" if pairing[1] == GIVEN else "own defaults"]
    return ", ".join([*parts, "drafts off"] if pairing[0] == PLAIN else parts)


def names_in(pairings: Sequence[Pairing]) -> list[str]:
    """Every contestant, once."""
    return list(dict.fromkeys(name for pairing in pairings for name in pairing))


@contextmanager
def contest(target: Target, names: Sequence[str]) -> Iterator[list[Contestant]]:
    """The contestants of these names, with running servers."""
    with running(target, *(RECIPES[name] for name in names)) as servers:
        yield [contestant(target, name, server) for name, server in zip(names, servers, strict=True)]


def contestant(target: Target, name: str, server: Server) -> Contestant:
    if name == GIVEN:
        renderer = Renderer(target, max_model_len(server))
        return Contestant(name, server, COMPLETIONS, renderer.body, renderer.output)
    return Contestant(name, server, CHAT, lambda task: {"model": target.name, **task.body}, _chat_output)


def max_model_len(server: Server) -> int:
    models = httpx.get(f"{server.url}/v1/models", timeout=60).raise_for_status().json()
    return int(models["data"][0]["max_model_len"])


def _chat_output(task: Task, answer: Answer) -> Output:
    return answer.output
