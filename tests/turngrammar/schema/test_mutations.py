"""A slightly broken schema is either refused with a GrammarError or compiled, without any other error."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from tests import shared
from tests.mutation import mutated
from tests.turngrammar.schema.dialects import SENT
from turngrammar.errors import GrammarError
from turngrammar.schema import compile_schema

CASES = 600

FOUND = [
    {"properties": {"a": 1}},
    {"$defs": {"a": [1]}, "$ref": "#/$defs/a"},
    {"dependentSchemas": {"a": [{}]}},
    {"$ref": {}},
    {"$schema": "http://json-schema.org/draft-04/schema#", "$ref": {}},
    {"x": 1.5, "$ref": "#/x"},
    {"x": {"type": "a"}, "$ref": "#/x"},
    {"x": ["a"], "$ref": "#/x/y"},
    {"x": "a", "$ref": "#/x/y"},
    {"$defs": {"": True}, "allOf": [{"$ref": "#/$defs//$defs/"}]},
]


@pytest.mark.parametrize("schema", FOUND, ids=json.dumps)
def test_regressions(schema: dict[str, object]) -> None:
    with pytest.raises(GrammarError):
        compile_schema(schema)


def test_a_pattern_that_matches_nothing_leaves_the_other_alternatives() -> None:
    plan = compile_schema({"anyOf": [{"type": "string", "pattern": "a$b"}, {"type": "null"}]})
    assert plan.lowered == {"type": "null"}
    assert plan.exact


def test_mutated_schemas() -> None:
    rng = random.Random(20)
    schemas = [row["schema"] for row in shared.rows("jsonschemabench_dev")]
    schemas = [schema for schema in schemas if len(json.dumps(schema)) < 2000]
    schemas += [dict(sent.schema) for sent in SENT] * 5
    outcomes: Counter[str] = Counter()
    for _ in range(CASES):
        try:
            compile_schema(mutated(rng.choice(schemas), rng))
            outcomes["compiled"] += 1
        except GrammarError as error:
            outcomes[type(error).__name__] += 1
    assert outcomes.keys() <= {"compiled", "InvalidSchema", "RefusedSchema", "ImpossibleSchema"}
    assert outcomes["compiled"] > CASES / 10
