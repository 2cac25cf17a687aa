"""The portable engine over a tiny model: what is asked for is honoured, and answers do not get in each other's way."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from codecs import utf_8_decode
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from latticework.engines.base import EngineDead, EngineFailed, EngineFinish, Piece, Sampling
from latticework.engines.portable import PortableArgs, PortableEngine, answer
from latticework.engines.portable.pieces import GeneratedStep, PortablePieces
from tests.portable.conftest import NAME, Driven, text

PERSON = """start: "{\\"name\\": \\"" NAME "\\", \\"age\\": " AGE ", \\"kind\\": \\"person of no fixed abode\\"}"
NAME: /[A-Z][a-z]{2,8}/
AGE: /[1-9][0-9]?/
"""
BEGUN = ('{"name": "', '{"name": "Ada', '{"name": "Ada", "age": 3', '{"name": "Ada", "age": 3, "k')
FREE = Sampling(max_tokens=12, temperature=0, ignore_eos=True)
HELD = Sampling(max_tokens=80, temperature=0, grammar=PERSON)


def passes(driven: Driven) -> int:
    found = re.search(rf'forward_passes_total{{model="{NAME}"}} (\S+)', driven.engine.metrics().decode())
    return int(float(found[1])) if found else 0


def tokens(pieces: list[Piece]) -> list[int]:
    return [token for piece in pieces for token in piece.token_ids]


def test_text_is_generated_up_to_its_limit(driven: Driven) -> None:
    pieces = driven.ask("Once", FREE)
    assert len(tokens(pieces)) == 12
    assert [piece.finish for piece in pieces] == [None] * 11 + ["length"]
    whole = driven.engine.tokenizer.vocabulary.matchable.decode_bytes(tokens(pieces))
    assert text(pieces) == utf_8_decode(whole, "replace", False)[0]


@pytest.mark.parametrize(("finish", "told"), [("length", ""), ("stop", "\ufffd")])
def test_half_a_character_is_dropped_where_the_limit_cuts_it(finish: EngineFinish, told: str) -> None:
    tokenizer: Any = SimpleNamespace(token_bytes=[b"a", b"\xc3", b"<end>"], special_tokens={})
    pieces = PortablePieces(tokenizer, Sampling(max_tokens=2))
    steps = [GeneratedStep((), 0, (), None), GeneratedStep((), 1, (2,) * (finish == "stop"), finish)]
    assert [pieces.piece(step).text for step in steps] == ["a", told]


def test_a_grammar_rules_the_answer_and_forces_much_of_it(driven: Driven) -> None:
    before = passes(driven)
    pieces = driven.ask("Who?", HELD)
    spent = passes(driven) - before
    document = json.loads(text(pieces))
    assert document.keys() == {"name", "age", "kind"}
    assert pieces[-1].finish == "stop"
    saved = pieces[-1].saved
    assert saved.copied == 0
    assert spent + saved.forced == len(tokens(pieces))
    assert saved.forced > len(tokens(pieces)) / 2
    assert tokens(pieces)[-1] == driven.engine.tokenizer.vocabulary.eos


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize("logprobs", [None, 0])
def test_a_grammar_goes_on_behind_what_the_prompt_ends_with(driven: Driven, begun: str, logprobs: int | None) -> None:
    ids = driven.engine.tokenizer.vocabulary.matchable.greedy_tokenize(begun)
    pieces = driven.ask("Who?" + begun, replace(HELD, begun=ids, logprobs=logprobs))
    document = json.loads(begun + text(pieces))
    assert re.fullmatch("[A-Z][a-z]{2,8}", document["name"])
    assert 0 < document["age"] < 100
    assert document["kind"] == "person of no fixed abode"


def test_forced_tokens_change_no_answer(tiny: Path, driven: Driven) -> None:
    """But for what is drawn: they draw nothing, so a seed gives others than without them."""
    plain = PortableEngine(PortableArgs(str(tiny), device="cpu"), forced=False)

    async def once() -> list[Piece]:
        await plain.start()
        try:
            return [piece async for piece in plain.generate(driven.ids("Who?"), HELD, "r")]
        finally:
            await plain.stop()

    slow, quick = asyncio.run(once()), driven.ask("Who?", HELD)
    assert tokens(slow) == tokens(quick)
    assert slow[-1].saved.forced == 0
    assert len(slow) > len(quick)


def test_sources_are_told_of_each_token(driven: Driven) -> None:
    pieces = driven.ask("Who?", Sampling(max_tokens=80, temperature=0, grammar=PERSON, sources=True))
    told = [source for piece in pieces for source in piece.sources]
    assert len(told) == len(tokens(pieces))
    assert "".join(source.text for source in told) == text(pieces) == text(driven.ask("Who?", HELD))
    forced = sum(source.source == "forced" for source in told)
    assert forced == pieces[-1].saved.forced
    assert told[0].source == "forced"


@pytest.mark.parametrize("most", range(1, 40, 3))
def test_an_answer_that_is_cut_is_the_beginning_of_the_whole(driven: Driven, most: int) -> None:
    whole = tokens(driven.ask("Who?", HELD))
    cut = driven.ask("Who?", Sampling(max_tokens=most, temperature=0, grammar=PERSON))
    assert tokens(cut) == whole[:most]
    assert cut[-1].finish == ("stop" if most >= len(whole) else "length")


def test_logprobs_are_told_of_each_token(driven: Driven) -> None:
    pieces = driven.ask("Who?", Sampling(max_tokens=80, temperature=0, grammar=PERSON, logprobs=3))
    assert text(pieces) == text(driven.ask("Who?", HELD))
    told = [one for piece in pieces for one in piece.logprobs]
    assert len(told) == len(tokens(pieces))
    for one in told:
        assert one.logprob == max(top.logprob for top in one.top) <= 0
        assert len(one.top) == 3


@contextmanager
def chunks(monkeypatch: pytest.MonkeyPatch, most: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(answer, "MOST_FED", most)
        yield


def test_a_long_prompt_is_read_piece_by_piece(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = "word " * 40
    whole = driven.ask(prompt, FREE)
    before = passes(driven)
    with chunks(monkeypatch, 7):
        assert tokens(driven.ask(prompt, FREE)) == tokens(whole)
    assert passes(driven) - before == -(-len(driven.ids(prompt)) // 7) + 11


def test_stops(driven: Driven) -> None:
    whole = tokens(driven.ask("Once", FREE))
    stop = next(token for index, token in enumerate(whole) if index and token not in whole[:index])
    cut = driven.ask("Once", Sampling(max_tokens=12, temperature=0, stop_token_ids=[stop], ignore_eos=True))
    assert tokens(cut) == whole[: whole.index(stop) + 1]
    assert cut[-1].finish == "stop"
    assert text(cut) == text(driven.ask("Once", Sampling(max_tokens=whole.index(stop), temperature=0)))


def test_the_end_ends_an_answer_unless_it_is_ignored(driven: Driven) -> None:
    end = driven.engine.tokenizer.vocabulary.eos
    assert end is not None
    asked: dict[str, Any] = {"max_tokens": 5, "temperature": 0, "logit_bias": {end: 1000.0}}
    assert tokens(driven.ask("Once", Sampling(**asked))) == [end]
    assert tokens(driven.ask("Once", Sampling(**asked, ignore_eos=True))) == [end] * 5
    late = driven.ask("Once", Sampling(**asked, min_tokens=3))
    assert tokens(late)[3:] == [end]
    assert end not in tokens(late)[:3]


def test_special_tokens_are_told_or_not(driven: Driven) -> None:
    special = driven.engine.tokenizer.special_tokens["<|im_start|>"]
    asked: dict[str, Any] = {"max_tokens": 2, "temperature": 0, "logit_bias": {special: 1000.0}}
    assert text(driven.ask("Once", Sampling(**asked))) == "<|im_start|>" * 2
    assert text(driven.ask("Once", Sampling(**asked, special_tokens=False))) == ""


def test_special_tokens_in_a_grammar_are_ids(driven: Driven) -> None:
    special = driven.engine.tokenizer.special_tokens["<|im_start|>"]
    asked = Sampling(max_tokens=20, temperature=0, grammar=f"start: <[{special}]> /[ab]{{3}}/")
    pieces = driven.ask("Once", asked)
    assert tokens(pieces)[0] == special
    assert re.fullmatch(r"<\|im_start\|>[ab]{3}", text(pieces))


def test_a_seed_repeats_whoever_else_is_answered(driven: Driven) -> None:
    seeded = Sampling(max_tokens=10, temperature=1.0, seed=5, ignore_eos=True)
    alone = tokens(driven.ask("Once", seeded))
    others = [("Other " * 9, Sampling(max_tokens=30, temperature=1.0, ignore_eos=True)), ("Who?", HELD)]
    first, *_ = driven.together(("Once", seeded), *others)
    assert tokens(first) == alone


def test_answers_take_turns_and_no_more_than_there_are_places(driven: Driven) -> None:
    """There are two places. The third waits, and begins when one is free."""
    order: list[str] = []

    async def one(name: str, most: int) -> None:
        asked = Sampling(max_tokens=most, temperature=0, ignore_eos=True)
        async for _ in driven.engine.generate(driven.ids("Once"), asked, name):
            order.append(name)  # noqa: PERF401 - as they come

    async def all_() -> None:
        await asyncio.gather(one("a", 30), one("b", 6), one("c", 6))

    driven.runner.run(all_())
    assert order.count("a") == 30
    assert order.index("c") > max(index for index, name in enumerate(order) if name == "b")
    between = "".join(order[order.index("b") :][:10])
    assert re.search("abab", between)
    assert order[-1] == "a"
    assert driven.engine.running() == 0


def test_an_answer_that_is_left_ends_within_a_pass(driven: Driven) -> None:
    async def leave() -> None:
        asked = Sampling(max_tokens=1000, temperature=0, ignore_eos=True)
        async with aclosing(driven.engine.generate(driven.ids("Once"), asked, "r")) as pieces:
            async for _ in pieces:
                assert driven.engine.running() == 1
                return

    before = passes(driven)
    driven.runner.run(leave())
    assert driven.engine.running() == 0
    assert passes(driven) - before <= 2
    before = passes(driven)
    driven.ask("Once", FREE)
    assert passes(driven) - before == 12


@contextmanager
def model(driven: Driven, forward: Any) -> Iterator[None]:
    """Runs instead of the model, which it is given."""
    loaded = driven.engine._started().loaded
    sound = loaded.model
    object.__setattr__(loaded, "model", lambda **given: forward(sound, **given))
    loaded.model.device = sound.device
    try:
        yield
    finally:
        object.__setattr__(loaded, "model", sound)


def test_what_breaks_in_an_answer_breaks_it_alone(driven: Driven) -> None:
    broken = driven.ids("Broken")

    def forward(sound: Any, *, input_ids: torch.Tensor, **given: Any) -> Any:
        if input_ids[0].tolist() == broken:
            raise RuntimeError("out of memory")
        return sound(input_ids=input_ids, **given)

    async def both() -> list[Any]:
        asked = [driven.pieces(prompt, FREE) for prompt in ("Broken", "Once")]
        return await asyncio.gather(*asked, return_exceptions=True)

    with model(driven, forward):
        failed, answered = driven.runner.run(both())
    assert isinstance(failed, EngineFailed)
    assert "out of memory" in str(failed)
    assert len(tokens(answered)) == 12
    driven.runner.run(driven.engine.check_health())


def test_the_event_loop_goes_on_during_a_pass(driven: Driven) -> None:
    """The pass lasts until the loop says so."""
    begun, going_on = asyncio.Event(), threading.Event()

    def forward(sound: Any, **given: Any) -> Any:
        driven.runner.get_loop().call_soon_threadsafe(begun.set)
        assert going_on.wait(60)
        return sound(**given)

    async def both() -> list[Piece]:
        task = asyncio.ensure_future(driven.pieces("Once", FREE))
        await begun.wait()
        going_on.set()
        return await task

    with model(driven, forward):
        assert len(tokens(driven.runner.run(both()))) == 12


@pytest.mark.parametrize("grammar", ["start: nowhere", "start: /[/", ""])
def test_what_is_no_grammar_fails_its_request_alone(driven: Driven, grammar: str) -> None:
    with pytest.raises(EngineFailed, match="grammar"):
        driven.ask("Once", Sampling(max_tokens=5, grammar=grammar))
    assert driven.ask("Who?", HELD)[-1].finish == "stop"


def test_it_starts_again_after_it_was_stopped(tiny: Path) -> None:
    engine = PortableEngine(PortableArgs(str(tiny), device="cpu"))

    async def once() -> list[str]:
        said = []
        with pytest.raises(EngineDead):
            await engine.check_health()
        for _ in range(2):
            await engine.start()
            await engine.check_health()
            prompt = engine.tokenizer.encode("Once")
            said.append(text([piece async for piece in engine.generate(prompt, FREE, "r")]))
            left = engine.generate(prompt, FREE, "r")
            await anext(left)
            await engine.stop()
            with pytest.raises(EngineDead):
                await anext(left)
        with pytest.raises(EngineDead):
            await anext(engine.generate(prompt, FREE, "r"))
        return said

    first, second = asyncio.run(once())
    assert first == second != ""
    assert engine.model_ids == (str(tiny),)
    assert engine.max_model_len == 2048


LOADED = [
    ({"model": "/nowhere"}, "/nowhere can't be loaded"),
    ({"max_model_len": 4096}, "has 2048 positions"),
    pytest.param(
        {"device": "cuda"}, "--device cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
    ),
]


@pytest.mark.parametrize(("fields", "message"), LOADED)
def test_what_cant_be_loaded_is_told(tiny: Path, fields: dict[str, Any], message: str) -> None:
    engine = PortableEngine(PortableArgs(**{"model": str(tiny), **fields}))
    with pytest.raises(EngineDead, match=message):
        asyncio.run(engine.start())
