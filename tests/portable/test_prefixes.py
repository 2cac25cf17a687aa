"""Prompts that begin alike: what the model has read is not read again, and no answer changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import DynamicCache

from latticework.engines.base import Sampling
from latticework.engines.portable import PortableArgs, PortableEngine
from latticework.engines.portable.prefixes import Prefixes
from tests.portable.conftest import Driven, text
from tests.portable.test_engine import FREE, HELD, model, tokens

ONE = 2 * 4 * 3  # bytes that a token takes in the caches below: keys and values, of 4 bytes, 3 of each


def read(tokens: Sequence[int]) -> DynamicCache:
    """What a model makes of them: their ids, so that it can be told which they are."""
    cache = DynamicCache()
    layer = torch.tensor(tokens, dtype=torch.float32).reshape(1, 1, -1, 1).expand(1, 1, -1, 3)
    cache.update(layer, layer, 0)
    return cache


def told(cache: Any) -> list[int]:
    return [int(key) for key in cache.layers[0].keys[0, 0, :, 0]]


def kept(*texts: Sequence[int], most: int = 10**6) -> Prefixes:
    prefixes = Prefixes(most)
    for one in texts:
        prefixes.keep(one, read(one))
    return prefixes


FOUND: list[tuple[list[list[int]], list[int], int]] = [
    ([], [1, 2], 0),
    ([[1, 2, 3]], [1, 2, 3, 4], 3),
    ([[1, 2, 3]], [1, 2, 5, 4], 2),
    ([[1, 2, 3]], [1, 2, 3], 2),
    ([[1, 2, 3]], [1], 0),
    ([[1, 2, 3]], [7, 2, 3], 0),
    ([[1, 2, 3], [1, 2, 4, 5]], [1, 2, 4, 6], 3),
    ([[1, 2, 4, 5], [1, 2, 3]], [1, 2, 4, 6], 3),
]


@pytest.mark.parametrize(("texts", "prompt", "length"), FOUND)
def test_the_longest_beginning_is_found_and_all_but_one_token(
    texts: list[list[int]], prompt: list[int], length: int
) -> None:
    cache, found = kept(*texts).find(prompt)
    assert found == length
    assert (told(cache) if cache else []) == prompt[:length]


def test_an_answer_that_goes_on_does_not_change_what_is_kept() -> None:
    prefixes = kept([1, 2, 3])
    for last in (8, 9):
        cache, length = prefixes.find([1, 2, last, 0])
        assert length == 2
        more = torch.full((1, 1, 1, 3), float(last))
        cache.update(more, more, 0)
        assert told(cache) == [1, 2, last]
    assert told(prefixes.find([1, 2, 3, 4])[0]) == [1, 2, 3]


def test_what_was_of_no_use_for_the_longest_time_goes_first() -> None:
    prefixes = kept([1, 1, 1], [2, 2, 2], most=6 * ONE)
    prefixes.find([1, 1, 5])
    prefixes.keep([3, 3, 3], read([3, 3, 3]))
    assert [prefixes.find([one, one, 9])[1] for one in (1, 2, 3)] == [2, 0, 2]


def test_what_goes_on_takes_the_place_of_its_beginning() -> None:
    prefixes = kept([1, 2], [1, 2, 3], [1, 2, 3, 4], most=4 * ONE)
    assert prefixes.find([1, 2, 3, 4, 5])[1] == 4


def test_nothing_is_kept_without_room_or_of_layers_that_forget() -> None:
    assert kept([1, 2], most=0).find([1, 2, 3]) == (None, 0)
    prefixes = Prefixes()
    prefixes.keep([1, 2], None)
    prefixes.keep([1, 2], object())
    assert prefixes.find([1, 2, 3]) == (None, 0)


@pytest.fixture(scope="module")
def remembering(tiny: Path) -> Iterator[Driven]:
    engine = PortableEngine(PortableArgs(str(tiny), served_model_name=["remembering"], device="cpu"))
    with asyncio.Runner() as runner:
        runner.run(engine.start())
        yield Driven(runner, engine)
        runner.run(engine.stop())


class Counting:
    """Counts the tokens that the model is given."""

    fed = 0

    def __call__(self, sound: Any, *, input_ids: torch.Tensor, **given: Any) -> Any:
        self.fed += input_ids.shape[1]
        return sound(input_ids=input_ids, **given)


def test_a_chat_that_goes_on_is_read_from_where_it_goes_on(driven: Driven, remembering: Driven) -> None:
    first = "A long story of a town by the sea. " * 8
    answer = remembering.ask(first, FREE)
    again = first + text(answer) + " And then?"
    counting = Counting()
    with model(remembering, counting):
        said = remembering.ask(again, FREE)
    assert tokens(said) == tokens(driven.ask(again, FREE))
    assert counting.fed < len(driven.ids(again)) / 2


def test_several_answers_read_their_prompt_once(driven: Driven, remembering: Driven) -> None:
    prompt = "Another long story, of a mountain this time. " * 8
    counting = Counting()
    with model(remembering, counting):
        said = remembering.together(*[(prompt, HELD)] * 3)
    assert {tuple(tokens(one)) for one in said} == {tuple(tokens(driven.ask(prompt, HELD)))}
    assert counting.fed < len(driven.ids(prompt)) + 3 * len(tokens(said[0]))


def test_an_answer_that_was_left_is_of_use(driven: Driven, remembering: Driven) -> None:
    """As where a model's thoughts are ended, and it goes on behind them."""
    prompt = "A third story, which nobody has heard to its end. " * 8

    async def leave() -> list[int]:
        asked = Sampling(max_tokens=100, temperature=0, ignore_eos=True)
        heard: list[int] = []
        async with aclosing(remembering.engine.generate(remembering.ids(prompt), asked, "r")) as pieces:
            async for piece in pieces:
                heard += piece.token_ids
                if len(heard) == 5:
                    break
        return heard

    heard = remembering.runner.run(leave())
    counting = Counting()

    async def on() -> list[int]:
        rest = remembering.engine.generate([*remembering.ids(prompt), *heard], FREE, "r")
        return [token async for piece in rest for token in piece.token_ids]

    with model(remembering, counting):
        said = remembering.runner.run(on())
    assert counting.fed <= 2 + len(said)
    assert tokens(driven.ask(prompt, Sampling(max_tokens=17, temperature=0, ignore_eos=True))) == heard + said
