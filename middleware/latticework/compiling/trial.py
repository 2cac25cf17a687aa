"""A compiled turn tried with the model's vocabulary, before it is promised.

Its grammar has to load and to give a mask. Each of its schemas has to do so by itself too, and along the shortest
document: in the grammar of a turn, that would be somewhere behind free text.
"""

from __future__ import annotations

from collections.abc import Iterator

from latticework.engines.vocabulary import Trial, Vocabulary
from turngrammar.completion.shortest_values import ShortestValues
from turngrammar.lark import schema_grammar
from turngrammar.plan import Plan
from turngrammar.schema import SchemaPlan


def try_plan(plan: Plan, vocabulary: Vocabulary) -> Trial:
    """The trial of its grammar, or the first one that fails."""
    if plan.grammar is None:
        return Trial()
    whole = vocabulary.trial(plan.grammar)
    if whole.error is not None:
        return whole
    trials = (_try_schema(schema, vocabulary) for schema in _schemas(plan))
    return next((trial for trial in trials if trial.error is not None), whole)


def _schemas(plan: Plan) -> Iterator[SchemaPlan]:
    yield from (tool.parameters for tool in plan.tools if tool.input is None)
    if plan.document is not None:
        yield plan.document


def _try_schema(schema: SchemaPlan, vocabulary: Vocabulary) -> Trial:
    shortest = ShortestValues(schema.lowered).of(schema.lowered)
    return vocabulary.trial(schema_grammar(schema.lowered), shortest.text if shortest else "")
