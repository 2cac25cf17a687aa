"""A step's grammar masks, filled by llguidance in one call for all answers, on threads, drafts included.

vLLM fills one row after the other in Python, and beside drafts on one thread. What is not an ordinary answer under one
of this server's grammars is left to vLLM's own code, row for row as before: it decides what a mask is. So are answers
that are on the clock: of a call that was slow, one grammar may be the cause.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llguidance import LLExecutor, LLMatcher

from latticework.engines.following import FREE_SECONDS
from latticework.engines.vllm.compat.watched import WatchedGrammar

# Below so many answers a call costs more than it saves.
LEAST_ANSWERS = 4
# As many as vLLM takes for masks: half of the processors.
THREADS = max(1, min((os.cpu_count() or 1) // 2, 8))
# Of one row, processor seconds: what is usual at first and at most, and the weight of a call in what is usual.
USUAL_FIRST = 50e-6
USUAL_MOST = 100e-6
WEIGHT = 0.05
# Processor seconds beyond twice what is usual, from which a call is slow: then its answers are timed one by one. So
# many cost an answer nothing in one use of its own.
EXCESS = FREE_SECONDS


@dataclass
class Rows:
    """The rows of one step.

    Attributes:
        plain: each answer's matcher and row, of those without drafts.
        drafted: matcher, first row and drafted tokens.
        grammars: those of both, each with its request's name and first row.
        others: of all other answers, name and first row.
        count: of all rows.
    """

    plain: list[tuple[LLMatcher, int]] = field(default_factory=list)
    drafted: list[tuple[LLMatcher, int, list[int]]] = field(default_factory=list)
    grammars: list[tuple[WatchedGrammar, str, int]] = field(default_factory=list)
    others: list[tuple[str, int]] = field(default_factory=list)
    count: int = 0


class ParallelMasks:
    """In the place of a `StructuredOutputManager`'s method, which it still calls."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._one_by_one: Callable[..., Any] = manager.grammar_bitmask
        self._executor = LLExecutor(THREADS)
        self._usual = USUAL_FIRST

    def fill(
        self, requests: Mapping[str, Any], names: Sequence[str], drafted: Mapping[str, Sequence[int]]
    ) -> Any:  # NDArray[int32], [rows, words of the vocabulary]
        """`names`: the requests with a grammar. Each has a row for each of its drafted tokens, and one more."""
        masks = self._manager._grammar_bitmask
        if masks is None or len(names) < LEAST_ANSWERS:
            return self._one_by_one(requests, names, drafted)
        began = time.perf_counter(), time.process_time()
        rows = self._sorted(requests, names, drafted)
        self._call(rows)
        ended = time.perf_counter(), time.process_time()
        # Other threads compile grammars meanwhile, and other processes may have the processors.
        self._account(rows, min(THREADS * (ended[0] - began[0]), ended[1] - began[1]))
        for name, row in (*rows.others, *_in_error(rows.grammars)):
            self._vllms_own(requests, name, drafted, row)
        return masks[: rows.count].numpy()

    def _sorted(self, requests: Mapping[str, Any], names: Sequence[str], drafted: Mapping[str, Sequence[int]]) -> Rows:
        rows, masks = Rows(), self._manager._grammar_bitmask
        for name in names:
            tokens = drafted.get(name, ())
            grammar = requests[name].structured_output_request.grammar
            followed = grammar.foreseen(tokens) if isinstance(grammar, WatchedGrammar) else None
            if followed is None:
                rows.others.append((name, rows.count))
            else:
                rows.grammars.append((grammar, name, rows.count))
                if followed:
                    rows.drafted.append((grammar.ll_matcher, rows.count, followed))
                else:
                    rows.plain.append((grammar.ll_matcher, rows.count))
                if len(followed) < len(tokens):  # behind padding nothing is masked
                    masks[rows.count + len(followed) + 1 : rows.count + len(tokens) + 1].fill_(-1)
            rows.count += len(tokens) + 1
        return rows

    def _call(self, rows: Rows) -> None:
        masks = self._manager._grammar_bitmask
        place = masks.data_ptr(), masks.shape[1] * masks.element_size(), masks.shape[0]
        if rows.plain:
            self._executor.unsafe_compute_mask_ptr(rows.plain, *place)
        if rows.drafted:
            self._executor.unsafe_compute_mask_ptr_with_draft_token(rows.drafted, *place)

    def _account(self, rows: Rows, seconds: float) -> None:
        if not rows.grammars:
            return
        each, answers = seconds / rows.count, len(rows.grammars)
        slow = seconds - 2 * rows.count * self._usual > EXCESS
        self._usual = min(USUAL_MOST, self._usual + WEIGHT * (each - self._usual))
        for grammar, _, _ in rows.grammars:
            grammar.following.used_with_others(seconds / answers, slow=slow)

    def _vllms_own(
        self, requests: Mapping[str, Any], name: str, drafted: Mapping[str, Sequence[int]], row: int
    ) -> None:
        """One answer's rows. vLLM fills those of a step from the first row on."""
        manager = self._manager
        whole = manager._grammar_bitmask
        manager._grammar_bitmask = whole[row:]
        try:
            self._one_by_one(requests, [name], drafted)
        finally:
            manager._grammar_bitmask = whole


def _in_error(grammars: Iterable[tuple[WatchedGrammar, str, int]]) -> list[tuple[str, int]]:
    return [(name, row) for grammar, name, row in grammars if grammar.ll_matcher.is_error()]


def fill_in_parallel(manager: Any) -> None:
    """For a manager whose engine has no reasoning parser: such a parser tells where a grammar's masks begin."""
    if manager.reasoner_cls is None and not manager.vllm_config.model_config.is_diffusion:
        manager.grammar_bitmask = ParallelMasks(manager).fill
