"""How a server runs: model runner, scheduling, CUDA graphs, as it reports them itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpx

from benchmarks.gpu.memory import memory_of
from benchmarks.gpu.state import Key
from benchmarks.gpu.visited import Visited

RUNNER, SCHEDULING, GRAPHS, DRAFTS, TAKEN = "model_runner", "scheduling", "cuda_graphs", "drafts", "drafts_take_away"
CACHE = re.compile(r"KV cache size: ([\d,]+) tokens")
GRAPHS_LOGGED = re.compile(r"'cudagraph_mode': <CUDAGraphMode\.(\w+)")
GRAPHS_CHANGED = re.compile(r"Overriding cudagraph_mode (?:from \S+ )?to (\w+)")
FIRST_RUNNER = re.compile(r"using the V1 model\s+runner|VLLM_USE_V2_MODEL_RUNNER=0")
SYNCHRONOUS = re.compile(r"Async scheduling [^.]*?(?:will be|is) disabled|device_config=cpu\b")
# Where runner, scheduling and graphs are from. vLLM's own server does not report them: its log has what it turns off.
SOURCE = "source"
HEALTH, LOG = "/health", "its log"


async def measure(visited: Visited, key: Key) -> dict[str, Any]:
    reported = await asyncio.to_thread(_reported, visited.server.url)
    return {
        "seconds": visited.started,
        "cache_tokens": cache_tokens(visited.log),
        **(reported or logged(visited.log)),
        **await asyncio.to_thread(memory_of, visited.server.process.pid),
    }


def _reported(url: str) -> Mapping[str, Any]:
    """What latticework's /health has of its engine; vLLM's is empty."""
    response = httpx.get(f"{url}/health", timeout=60)
    try:
        return of_health(response.json())
    except ValueError:
        return {}


def of_health(health: Mapping[str, Any]) -> Mapping[str, Any]:
    """`engine` of its only model, and what it goes without."""
    models = list(health.get("models", {}).values())
    if not models:
        return {}
    return {**(models[0].get("engine") or {}), "degraded": models[0].get("degraded") or [], SOURCE: HEALTH}


def logged(log: str) -> Mapping[str, Any]:
    """What vLLM's log shows of itself. A feature that it does not report as off is taken to be on."""
    graphs = [*GRAPHS_LOGGED.findall(log), *GRAPHS_CHANGED.findall(log)]
    return {
        RUNNER: "V1" if FIRST_RUNNER.search(log) else "V2",
        SCHEDULING: "synchronous" if SYNCHRONOUS.search(log) else "asynchronous",
        GRAPHS: graphs[-1] if graphs else "unknown",
        SOURCE: LOG,
    }


def cache_tokens(log: str) -> int | None:
    """The size of the KV cache."""
    found = CACHE.findall(log)
    return int(found[-1].replace(",", "")) if found else None
