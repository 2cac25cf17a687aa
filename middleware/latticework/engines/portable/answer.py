"""One answer while it is generated: a forward pass a step, over whatever has not been fed yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from latticework.engines.base import EngineFinish, Piece, Sampling
from latticework.engines.portable.loading import LoadedModel
from latticework.engines.portable.pieces import GeneratedStep, PortablePieces
from latticework.engines.portable.prefixes import Prefixes
from latticework.engines.portable.sampler import Sampler

# The most tokens of one pass: other answers, and whoever aborts this one, wait as long.
MOST_FED = 512


class PortableAnswer:
    """Made in any thread; `step` and `leave` are called in one."""

    def __init__(
        self, loaded: LoadedModel, prefixes: Prefixes, prompt: Sequence[int], sampling: Sampling, *, forces: bool
    ) -> None:
        """Compiles the grammar. `forces`: whether forced tokens are fed without a pass of their own.

        Not with log probabilities: a pass gives them for its last token only. Raises EngineFailed.
        """
        stops = {*sampling.stop_token_ids, *(() if sampling.ignore_eos else loaded.ends)}
        self._loaded = loaded
        self._prefixes = prefixes
        self._mask = None
        if sampling.grammar is not None:
            self._mask = loaded.masks.mask(sampling.grammar, sampling.begun or ())
        self._forces = forces and sampling.logprobs is None
        self._stops = stops
        self._sampler = Sampler(sampling, loaded.sampling, prompt, loaded.tokenizer.vocabulary_size, stops)
        self._pieces = PortablePieces(loaded.tokenizer, sampling)
        self._keeps_logits = sampling.logprobs is not None
        self._left = sampling.max_tokens
        self._opening, _ = self._forced(None, sampling.max_tokens - 1)
        self._last = self._opening[-1] if self._opening else None
        self._fed: list[int] = []
        self._unfed = [*prompt, *self._opening]
        self._cache: Any = None
        self._reads = True
        self._add(self._opening)

    @torch.inference_mode()
    def step(self) -> Piece | None:
        """One forward pass; None if it only read a part of the prompt. Raises EngineFailed, or what torch raises."""
        if not self._fed:
            self._cache, known = self._prefixes.find(self._unfed)
            self._fed, self._unfed = self._unfed[:known], self._unfed[known:]
        logits = self._passed(self._unfed[:MOST_FED])
        if self._unfed:
            return None
        if self._reads:
            self._reads = False
            self.leave()
        return self._pieces.piece(self._generated(logits))

    def leave(self) -> None:
        """Keeps what the model has read for prompts that begin alike."""
        self._prefixes.keep(self._fed, self._cache)

    def _passed(self, tokens: Sequence[int]) -> torch.Tensor:
        """Feeds these tokens. Returns the logits after the last, of shape (vocabulary,), on the CPU."""
        model = self._loaded.model
        cache, self._cache = self._cache, None  # invalid once a pass has failed
        output = model(
            input_ids=torch.tensor([tokens], device=model.device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self._cache = output.past_key_values
        self._fed += tokens
        self._unfed = self._unfed[len(tokens) :]
        last: torch.Tensor = output.logits[0, -1].float().cpu()
        return last

    def _generated(self, logits: torch.Tensor) -> GeneratedStep:
        if self._mask is not None:
            logits = self._mask(logits, self._last)
        token = self._sampler.token(logits)
        before, self._opening = self._opening, []
        after, finish = self._forced_after(token)
        self._unfed = [token, *after]
        self._last = self._unfed[-1]
        self._add(self._unfed)
        return GeneratedStep(before, token, after, finish, logits if self._keeps_logits else None)

    def _forced_after(self, token: int) -> tuple[list[int], EngineFinish | None]:
        """What is forced after a sampled token, and why the answer ends with that, if it does."""
        room = self._left - 1
        if token in self._stops:
            return [], "stop"
        after, ended = self._forced(token, room)
        if len(after) == room:
            return after, "length"
        return ([*after, self._loaded.end], "stop") if ended else (after, None)

    def _forced(self, token: int | None, most: int) -> tuple[list[int], bool]:
        if self._mask is None or not self._forces or most < 1:
            return [], False
        return self._mask.forced(token, most)

    def _add(self, tokens: Sequence[int]) -> None:
        self._left -= len(tokens)
        self._sampler.add(tokens)
