"""A model that is tiny and random, with a real tokenizer: what it says is of no interest, how it is run is."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from latticework import embedded
from latticework.engines.base import Piece, Sampling
from latticework.engines.portable import PortableArgs, PortableEngine

NAME = "tiny"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory."""
    made = tmp_path_factory.mktemp("models") / NAME
    source = embedded.model_path()
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=2048,
        initializer_range=0.4,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(made)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
        if (source / file).exists():
            shutil.copy(source / file, made / file)
    return made


class Driven:
    """An engine, and the loop that it runs on."""

    def __init__(self, runner: asyncio.Runner, engine: PortableEngine) -> None:
        self.runner = runner
        self.engine = engine

    def ids(self, text: str) -> list[int]:
        return self.engine.tokenizer.encode(text)

    async def pieces(self, prompt: str, sampling: Sampling) -> list[Piece]:
        return [piece async for piece in self.engine.generate(self.ids(prompt), sampling, "r")]

    def ask(self, prompt: str, sampling: Sampling) -> list[Piece]:
        return self.runner.run(self.pieces(prompt, sampling))

    def together(self, *asked: tuple[str, Sampling]) -> list[list[Piece]]:
        """Several at once."""

        async def all_() -> list[list[Piece]]:
            return await asyncio.gather(*(self.pieces(prompt, sampling) for prompt, sampling in asked))

        return self.runner.run(all_())


def text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.fixture(scope="session")
def driven(tiny: Path) -> Iterator[Driven]:
    """Two answers at once at most. It remembers no prompt, so that passes can be counted."""
    args = PortableArgs(str(tiny), served_model_name=[NAME], max_num_seqs=2, device="cpu", enable_prefix_caching=False)
    engine = PortableEngine(args)
    with asyncio.Runner() as runner:
        runner.run(engine.start())
        yield Driven(runner, engine)
        runner.run(engine.stop())
