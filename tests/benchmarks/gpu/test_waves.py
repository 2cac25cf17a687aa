"""Waves of answers that are drafted for as much as possible, on a server that is made up."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.client import Failed
from benchmarks.gpu import waves
from benchmarks.gpu.scale import TINY
from benchmarks.workload import Task

MEMORY = {"used_mib": 1.0, "total_mib": 2.0}


class Filled:
    """`out_of_memory_at`: the request at which its engine dies, as its log reports."""

    def __init__(self, out_of_memory_at: int | None = None) -> None:
        self.name, self.scale, self.contestant = "auto", TINY, self
        self.server = SimpleNamespace(process=SimpleNamespace(pid=0))
        self.log = "(EngineCore) INFO KV cache size: 4,000 tokens\n"
        self.tasks: list[Task] = []
        self._dies_at = out_of_memory_at

    def prepare(self, task: Task) -> Task:
        self.tasks.append(task)
        return task

    async def answer(self, http: Any, task: Task, *, stream: bool) -> None:
        await asyncio.sleep(0)
        if self._dies_at is not None and self.tasks.index(task) >= self._dies_at:
            self.log += "(Worker) ERROR torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.60 GiB\n"
            raise Failed("the engine has died")


def measured(server: Filled, wave: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    counts = iter([(10, 100), (20, 700)])
    monkeypatch.setattr(waves, "_counted", lambda visited: next(counts))
    monkeypatch.setattr(waves, "memory_of", lambda pid: MEMORY)
    visited: Any = server
    return asyncio.run(waves.measure(visited, f"memory/auto/{wave}"))


def test_a_wave_that_holds_is_counted_with_its_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Filled()
    assert measured(server, "sampled", monkeypatch) == {
        "asked": 4,
        "answered": 4,
        "out_of_memory": False,
        "drafted_per_pass": 60,
        "prompt_words": 0,
        **MEMORY,
    }
    assert {task.body["top_p"] for task in server.tasks} == {0.9}


def test_an_engine_that_runs_out_of_memory_is_noticed_in_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Filled(out_of_memory_at=1)
    first = measured(server, "greedy", monkeypatch)
    assert (first["answered"], first["out_of_memory"]) == (1, True)

    again = Filled()
    again.log = server.log  # an earlier wave's
    assert measured(again, "greedy", monkeypatch)["out_of_memory"] is False


def test_all_is_forced_behind_a_choice_and_no_two_prompts_begin_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Filled()
    measured(server, "greedy", monkeypatch)
    schema = server.tasks[0].body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == schema["required"] == ["kind", "text"]
    assert len(schema["properties"]["kind"]["enum"]) == 2
    assert len(schema["properties"]["text"]["const"]) == TINY.forced_text
    prompts = [task.body["messages"][0]["content"] for task in server.tasks]
    assert len({prompt.partition(".")[0] for prompt in prompts}) == len(prompts)
