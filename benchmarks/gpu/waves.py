"""Whether memory holds: answers at once, all drafted for as much as possible, then prompts that fill the KV cache.

Each answer is a choice, and behind it a text that the grammar forces, so every step drafts as much as the server
allows; without the choice, all would be forced, and be part of the prompt. What is seen of memory is what the server
keeps after a wave: PyTorch gives nothing back, so that is its peak.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx

from benchmarks.client import Failed, connected
from benchmarks.gpu.memory import memory_of
from benchmarks.gpu.scale import Scale, Wave
from benchmarks.gpu.starts import cache_tokens
from benchmarks.gpu.state import Key
from benchmarks.gpu.visited import Visited
from benchmarks.workload import Task

DRAFTED = re.compile(r"^vllm:spec_decode_num_draft_tokens_total(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
OUT_OF_MEMORY = re.compile(r"out ?of ?memory|CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE)
ANSWER_TOKENS = 1000
# No two prompts begin alike: what they had in common would be in the cache once.
NUMBERED = "Number {}. {}Repeat the text."
FILLER = "seven "
# Tokens of a prompt beside its filler: the chat template's, and the number.
AROUND = 100


def keys(server: str, scale: Scale) -> tuple[Key, ...]:
    return tuple(f"memory/{server}/{wave.name}" for wave in scale.waves)


async def measure(visited: Visited, key: Key) -> dict[str, Any]:
    """Raises Failed where an earlier wave has ended the engine."""
    wave = next(wave for wave in visited.scale.waves if key.endswith(f"/{wave.name}"))
    ran_out = len(OUT_OF_MEMORY.findall(visited.log))
    steps, drafted = await asyncio.to_thread(_counted, visited)
    words = await _filler_words(visited, wave) if wave.fills else 0
    answered = await _answered(visited, wave, words)
    steps_after, drafted_after = await asyncio.to_thread(_counted, visited)
    return {
        "asked": wave.answers,
        "answered": answered,
        "out_of_memory": len(OUT_OF_MEMORY.findall(visited.log)) > ran_out,
        "drafted_per_pass": (drafted_after - drafted) / max(1, steps_after - steps),
        "prompt_words": words,
        **await asyncio.to_thread(memory_of, visited.server.process.pid),
    }


def _counted(visited: Visited) -> tuple[int, int]:
    """Passes, and drafted tokens; none, where the engine has died and taken its metrics along."""
    try:
        text = httpx.get(f"{visited.server.url}/metrics", timeout=60).raise_for_status().text
        return visited.server.steps(), sum(int(float(count)) for count in DRAFTED.findall(text))
    except httpx.HTTPError:
        return 0, 0


async def _answered(visited: Visited, wave: Wave, words: int) -> int:
    """How many of its answers are whole."""
    async with connected() as http:

        async def answer(number: int) -> bool:
            try:
                body = visited.contestant.prepare(_task(visited, wave, number, words))
                await visited.contestant.answer(http, body, stream=False)
            except (Failed, httpx.HTTPError):
                return False
            return True

        return sum(await asyncio.gather(*(answer(number) for number in range(wave.answers))))


def _task(visited: Visited, wave: Wave, number: int, words: int) -> Task:
    text = (FILLER * visited.scale.forced_text)[: visited.scale.forced_text]
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "text": {"const": text}},
        "required": ["kind", "text"],
        "additionalProperties": False,
    }
    body = {
        "messages": [{"role": "user", "content": NUMBERED.format(number, FILLER * words)}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "text", "schema": schema, "strict": True}},
        "max_tokens": ANSWER_TOKENS,
        **wave.sampling,
    }
    return Task(f"{wave.name} {number}", wave.name, body)


async def _filler_words(visited: Visited, wave: Wave) -> int:
    """Words with which the prompts of a wave fill the cache, or become as long as the scale allows. Raises Failed."""
    held = cache_tokens(visited.log)
    if held is None:
        raise Failed("the log does not report the size of the KV cache")
    tokens = min(held // wave.answers, visited.scale.longest_prompt) - AROUND
    sample = 200
    async with connected() as http:
        body = {"prompt": FILLER * sample, "add_special_tokens": False}
        response = await http.post(f"{visited.server.url}/tokenize", json=body)
    if response.status_code != 200:
        raise Failed(response.text[:500])
    return max(0, int(tokens * sample / response.json()["count"]))
