"""A compiled turn tried with the model's vocabulary, before it is promised.

Its grammar has to load and to give a mask. Each large schema has to do so by itself too, and along its shortest
document: in the grammar of a turn, that would be somewhere behind free text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from latticework.engines.vocabulary import Trial, Vocabulary
from turngrammar.completion.shortest_values import ShortestValues
from turngrammar.lark import schema_grammar
from turngrammar.lowered import Lowered
from turngrammar.plan import Plan
from turngrammar.schema import SchemaPlan

# Characters of a grammar. llguidance gives up at 2,000 items of one row; each is a place in a rule, of two at least.
SURELY_HELD = 4_000
# The same without writing the grammar: nodes of a lowered schema, each of which has some ten places, such as the comma,
# the name and the value of a property, with and without what may follow. These keywords multiply the rules of others.
SURELY_HELD_NODES = 100
COUNTING = frozenset(("minProperties", "maxProperties", "contains", "uniqueItems"))


def try_plan(plan: Plan, vocabulary: Vocabulary) -> Trial:
    """The trial of its grammar, or the first one that fails."""
    if plan.grammar is None:
        return Trial()
    if len(plan.grammar) <= SURELY_HELD:
        return vocabulary.trial(plan.grammar)
    alone = plan.document.lowered if plan.document and not plan.tools else None
    whole = vocabulary.trial(plan.grammar, "" if alone is None else _shortest(alone))
    if whole.error is not None or (alone is not None and whole.walked):
        return whole
    trials = (_try_schema(schema, vocabulary) for schema in _schemas(plan))
    return next((trial for trial in trials if trial.error is not None), whole)


def _schemas(plan: Plan) -> Iterator[SchemaPlan]:
    yield from (tool.parameters for tool in plan.tools if tool.input is None)
    if plan.document is not None:
        yield plan.document


def _try_schema(schema: SchemaPlan, vocabulary: Vocabulary) -> Trial:
    lowered = schema.lowered
    if _has_few_nodes(lowered):
        return Trial()
    grammar = schema_grammar(lowered, texts=schema.options.texts or ())
    return Trial() if len(grammar) <= SURELY_HELD else vocabulary.trial(grammar, _shortest(lowered))


def _has_few_nodes(lowered: Lowered) -> bool:
    """Whether its grammar is so small that it need not be written to be measured."""
    nodes: list[Any] = [lowered]
    for node in nodes:
        if isinstance(node, Mapping):
            if not COUNTING.isdisjoint(node):
                return False
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
        if len(nodes) > SURELY_HELD_NODES:
            return False
    return True


def _shortest(lowered: Lowered) -> str:
    """The shortest document; "" if none is known."""
    shortest = ShortestValues(lowered).of(lowered)
    return shortest.text if shortest else ""
