"""Several streams as one: nothing is lost, turned round or left open, and nobody runs ahead of the reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from latticework.generate.generation import merged_steps

Stream = AsyncGenerator[Sequence[str], None]


class Streams:
    """Streams that count what they have yielded, and which of them are open."""

    def __init__(self) -> None:
        self.yielded = 0
        self.open = 0

    async def stream(self, name: str, length: int, error: Exception | None = None) -> Stream:
        self.open += 1
        try:
            for number in range(length):
                await asyncio.sleep(0)
                self.yielded += 1
                yield [f"{name}{number}"]
            if error is not None:
                raise error
        finally:
            await asyncio.sleep(0)
            self.open -= 1


@pytest.mark.parametrize("lengths", [[3], [0, 2], [5, 1, 3], [40] * 4])
def test_all_items_come_in_each_streams_own_order(lengths: list[int]) -> None:
    async def run() -> list[str]:
        streams = [Streams().stream(str(index), length) for index, length in enumerate(lengths)]
        return [item async for items in merged_steps(streams) for item in items]

    items = asyncio.run(run())
    for index, length in enumerate(lengths):
        assert [item for item in items if item[0] == str(index)] == [f"{index}{number}" for number in range(length)]
    assert len(items) == sum(lengths)


def test_what_is_there_at_once_comes_together() -> None:
    async def run() -> list[Sequence[str]]:
        return [items async for items in merged_steps([Streams().stream(name, 2) for name in "abc"])]

    assert asyncio.run(run()) == [["a0", "b0", "c0"], ["a1", "b1", "c1"]]


def test_a_slow_reader_slows_the_streams_down() -> None:
    async def run() -> None:
        streams = Streams()
        async with aclosing(merged_steps([streams.stream(name, 100) for name in "ab"])) as merged:
            async for _ in merged:
                for _ in range(20):
                    await asyncio.sleep(0)
                assert streams.yielded == 4
                break
        assert streams.open == 0

    asyncio.run(run())


def test_an_error_comes_after_what_went_before_and_closes_the_others() -> None:
    streams = Streams()
    heard: list[str] = []

    async def run() -> None:
        async for items in merged_steps([streams.stream("a", 2, ValueError("a")), streams.stream("b", 100)]):
            heard.extend(items)

    with pytest.raises(ValueError, match="a"):
        asyncio.run(run())
    assert heard[:4] == ["a0", "b0", "a1", "b1"]
    assert streams.open == 0


def test_closing_it_closes_all() -> None:
    streams = Streams()

    async def run() -> None:
        async with aclosing(merged_steps([streams.stream(name, 100) for name in "abc"])) as merged:
            await anext(merged)
        assert streams.open == 0

    asyncio.run(run())
