"""The laws, on generated schemas and instances; jsonschema decides which are valid."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.turngrammar.schema.strategies import INSTANCES, RECURSIVE, SCHEMAS
from turngrammar.audit import Acceptor
from turngrammar.errors import ImpossibleSchema, RefusedSchema
from turngrammar.json_style import CANONICAL
from turngrammar.lark import schema_grammar
from turngrammar.schema import SchemaPlan, compile_schema
from turngrammar.schema.plan import COMPILED

MANY = st.lists(INSTANCES, min_size=12, max_size=24)
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
LAWS = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=SLOW)


def _valid(schema: Any, instance: Any) -> bool:
    try:
        return bool(Draft202012Validator(schema).is_valid(instance))
    except RecursionError:
        assume(False)
        raise


def _holds(schema: Any, instances: list[Any]) -> None:
    """Grammar and check together accept exactly the instances that jsonschema accepts."""
    try:
        plan = compile_schema(schema)
    except RefusedSchema as refusal:
        assert isinstance(refusal, ImpossibleSchema)
        assert not any(_valid(schema, instance) for instance in instances)
        return
    acceptor = Acceptor(schema_grammar(plan.lowered))
    assert not acceptor.error
    for instance in instances:
        _agrees(plan, acceptor, instance, _valid(schema, instance))


def _agrees(plan: SchemaPlan, acceptor: Acceptor, instance: Any, valid: bool) -> None:
    accepted = acceptor.accepts(CANONICAL.encode(plan.arrange(instance)))
    checked = plan.violations(instance) == ()
    assert checked == valid
    assert not (valid and not accepted), f"{CANONICAL.encode(instance)} is rejected by {plan.lowered}"
    assert not (plan.exact and accepted and not valid), f"{CANONICAL.encode(instance)} is accepted by {plan.lowered}"


@LAWS
@given(SCHEMAS, MANY)
def test_valid_instances_are_accepted_and_no_others(schema: Any, instances: list[Any]) -> None:
    _holds(schema, instances)


@LAWS
@given(RECURSIVE, MANY)
def test_valid_instances_are_accepted_and_no_others_with_references(schema: Any, instances: list[Any]) -> None:
    _holds(schema, instances)


@LAWS
@given(SCHEMAS, MANY)
def test_jsonschema_accepts_the_same_by_the_lowered_schema(schema: Any, instances: list[Any]) -> None:
    try:
        plan = compile_schema(schema)
    except RefusedSchema:
        return
    lowered = Draft202012Validator(plan.lowered)
    for instance in instances:
        valid, kept = _valid(schema, instance), bool(lowered.is_valid(instance))
        assert valid == kept if plan.exact else kept or not valid


@settings(LAWS, max_examples=60)
@given(SCHEMAS | RECURSIVE)
def test_a_schema_compiles_to_the_same_text_each_time(schema: Any) -> None:
    try:
        first = compile_schema(schema)
    except RefusedSchema:
        return
    COMPILED.clear()
    again = compile_schema(json.loads(json.dumps(schema)))
    assert (first.lowered, first.report, first.exact) == (again.lowered, again.report, again.exact)


@settings(LAWS, max_examples=60)
@given(SCHEMAS | RECURSIVE)
def test_every_keyword_is_accounted_for(schema: Any) -> None:
    try:
        plan = compile_schema(schema)
    except RefusedSchema:
        return
    assert plan.exact or any(report.status == "checked" for report in plan.report)
    keywords = {(report.pointer, report.keyword) for report in plan.report}
    assert len(keywords) == len(plan.report)
    assert isinstance(schema, bool) or {keyword for at, keyword in keywords if at == ""} == set(schema)
