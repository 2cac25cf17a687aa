"""What is compiled for one request, and how: the work itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from latticework.engines.vocabulary import Trial, Vocabulary
from turngrammar.errors import InvalidGrammar
from turngrammar.limits import Limits, check
from turngrammar.plan import Plan, compile_turn
from turngrammar.turn import Turn


@dataclass(frozen=True)
class Compiled:
    """A turn's plan, and what its grammar is with the model's vocabulary."""

    plan: Plan
    trial: Trial


def compiled(turn: Turn, vocabulary: Vocabulary, limits: Limits) -> Compiled:
    """Raises GrammarError, whose pointer goes into the request. What passes the limits may still take for ever."""
    check(turn, limits)
    plan = compile_turn(replace(turn, special_tokens=vocabulary.special_tokens, ends=vocabulary.ends))
    trial = Trial() if plan.grammar is None else vocabulary.trial(plan.grammar)
    if trial.error is not None:
        at_fault = turn.content.pointer if turn.content else turn.tools_pointer
        raise InvalidGrammar(f"The request can't be compiled into a grammar: {trial.error}", pointer=at_fault)
    return Compiled(plan, trial)
