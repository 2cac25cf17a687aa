"""Greedy answers are asked in two batches, and counted where two servers have them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from benchmarks.client import Answer, Failed
from benchmarks.gpu import answers
from benchmarks.gpu.scale import TINY
from benchmarks.workload import Task


class Asked:
    """A server that answers with the task's id, once it has been asked all that is asked at once."""

    def __init__(self, refuses: str | None = None) -> None:
        self.order: list[str] = []
        self.at_once = 0
        self._refuses = refuses
        self._running = 0

    def prepare(self, task: Task) -> dict[str, Any]:
        assert not self.order, "bodies are rendered one after the other, before anything is asked"
        return {"id": task.id, "max_tokens": task.body["max_tokens"]}

    def output(self, task: Task, answer: Answer) -> Any:
        return [answer.content, []]

    async def answer(self, http: Any, body: dict[str, Any], *, stream: bool) -> Answer:
        assert body["max_tokens"] == TINY.compared_tokens
        self.order.append(body["id"])
        self._running += 1
        self.at_once = max(self.at_once, self._running)
        await asyncio.sleep(0)
        self._running -= 1
        if body["id"] == self._refuses:
            raise Failed("no")
        return Answer(body["id"], (), 1, 1, "stop", 0, 0)


def outputs(asked: Asked, batch: str) -> Any:
    visited: Any = SimpleNamespace(name="auto", scale=TINY, contestant=asked)
    return asyncio.run(answers.measure(visited, f"answers/auto/{batch}"))


def test_the_second_batch_is_another_one() -> None:
    first, again = Asked(), Asked()
    assert outputs(first, answers.FIRST) == outputs(again, answers.AGAIN)
    assert again.order == first.order[::-1]
    assert (first.at_once, again.at_once) == (TINY.at_once, TINY.compared)


def test_a_refused_answer_is_none() -> None:
    ids = list(outputs(Asked(), answers.FIRST))
    made = outputs(Asked(refuses=ids[1]), answers.FIRST)
    assert made == {id: [id, []] if id != ids[1] else None for id in ids}


def test_answers_are_the_same_where_both_have_them() -> None:
    ours = {"a": ["x", []], "b": ["y", []], "c": None, "d": ["z", []]}
    theirs = {"a": ["x", []], "b": ["other", []], "c": ["x", []]}
    assert answers.same(ours, theirs) == (1, 2)
