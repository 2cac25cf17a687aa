"""Keywords in the check of a finished document that replace jsonschema's own.

jsonschema matches patterns with `re`, which a pattern can keep busy for years. An `assert_*` gets (table, validator,
value, instance, schema) and yields errors. A `names_*` gets (rules, validator, instance, value, schema) and returns the
names that its keyword evaluates, for `unevaluatedProperties`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator, Draft201909Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing.jsonschema import lookup_recursive_ref

from turngrammar.regex import pattern_matcher, seconds_left
from turngrammar.schema.keyword_table import KeywordTable
from turngrammar.spans import is_span

FRAMES = 24  # more than a lookup of a reference takes: at the end of the stack, its Rust code panics

Errors = Iterator[ValidationError]
Names = Iterable[str]
JsonObject = Mapping[str, Any]
Rules = Mapping[str, Callable[..., Names]]
JsonschemaKeyword = Callable[[Any, Any, Any, JsonObject], Errors]  # (validator, value, instance, schema)


def assert_pattern(table: KeywordTable, validator: Any, pattern: str, instance: Any, schema: JsonObject) -> Errors:
    if isinstance(instance, str) and not pattern_matcher(pattern)(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def assert_source(table: KeywordTable, validator: Any, value: Any, instance: Any, schema: JsonObject) -> Errors:
    texts = validator.format_checker.texts
    if value is True and texts is not None and isinstance(instance, str) and not is_span(instance, texts):
        yield ValidationError(f"{instance!r} is not in the user's text")


def assert_pattern_properties(
    table: KeywordTable, validator: Any, patterns: JsonObject, instance: Any, schema: JsonObject
) -> Errors:
    if not isinstance(instance, Mapping):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if pattern_matcher(pattern)(name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def assert_additional_properties(
    table: KeywordTable, validator: Any, allowed: Any, instance: Any, schema: JsonObject
) -> Errors:
    if not isinstance(instance, Mapping):
        return
    listed = schema.get("properties", {})
    matchers = [pattern_matcher(pattern) for pattern in schema.get("patternProperties", ())]
    others = (name for name in instance if name not in listed and not any(matches(name) for matches in matchers))
    yield from _assert_values(validator, allowed, instance, others)


def assert_unevaluated_properties(
    table: KeywordTable, validator: Any, allowed: Any, instance: Any, schema: JsonObject
) -> Errors:
    if not isinstance(instance, Mapping):
        return
    evaluated = _evaluated(table.evaluated_names, validator, instance, schema)
    yield from _assert_values(validator, allowed, instance, (name for name in instance if name not in evaluated))


def _assert_values(validator: Any, allowed: Any, instance: JsonObject, names: Names) -> Errors:
    for name in names:
        if allowed is False:
            yield ValidationError(f"the property {name!r} is not allowed")
        else:
            yield from validator.descend(instance[name], allowed, path=name)


def assert_conditional(
    table: KeywordTable, validator: Any, condition: Any, instance: Any, schema: JsonObject
) -> Errors:
    """jsonschema evaluates a lone `if`, of which the compiler has not looked up the references."""
    if "then" in schema or "else" in schema:
        yield from Draft202012Validator.VALIDATORS["if"](validator, condition, instance, schema)


def assert_additional_items(
    table: KeywordTable, validator: Any, allowed: Any, instance: Any, schema: JsonObject
) -> Errors:
    """jsonschema fails on `items: true` beside it."""
    if isinstance(schema.get("items"), list):
        yield from Draft201909Validator.VALIDATORS["additionalItems"](validator, allowed, instance, schema)


def assert_dependencies(
    table: KeywordTable, validator: Any, dependencies: JsonObject, instance: Any, schema: JsonObject
) -> Errors:
    """Later drafts have others in its place; jsonschema doesn't check it there."""
    yield from Draft7Validator.VALIDATORS["dependencies"](validator, dependencies, instance, schema)


def within_budget(keyword: JsonschemaKeyword) -> JsonschemaKeyword:
    """The keyword, unless the time budget or the stack is used up. Raises BudgetExceeded or RecursionError."""

    def check(validator: Any, value: Any, instance: Any, schema: JsonObject) -> Errors:
        seconds_left()
        _require_frames(FRAMES)
        yield from keyword(validator, value, instance, schema)

    return check


def _require_frames(frames: int) -> None:
    """Raises RecursionError if the stack has fewer left."""
    if frames:
        _require_frames(frames - 1)


def nullable(keyword: JsonschemaKeyword) -> JsonschemaKeyword:
    """The keyword, which OpenAPI 3.0's `nullable: true` beside it lets null pass."""

    def check(validator: Any, value: Any, instance: Any, schema: JsonObject) -> Errors:
        if instance is not None or schema.get("nullable") is not True:
            yield from keyword(validator, value, instance, schema)

    return check


def _evaluated(rules: Rules, validator: Any, instance: JsonObject, schema: Any) -> set[str]:
    """The names that a schema evaluates in an instance that fits it."""
    if not isinstance(schema, Mapping):
        return set()
    values = ((rule, schema[keyword]) for keyword, rule in rules.items() if keyword in schema)
    return {name for rule, value in values for name in rule(rules, validator, instance, value, schema)}


def names_of_target(rules: Rules, validator: Any, instance: JsonObject, reference: Any, schema: JsonObject) -> Names:
    return _names_of(rules, validator, instance, validator._resolver.lookup(reference))


def names_of_recursive_target(
    rules: Rules, validator: Any, instance: JsonObject, reference: Any, schema: JsonObject
) -> Names:
    return _names_of(rules, validator, instance, lookup_recursive_ref(validator._resolver))


def _names_of(rules: Rules, validator: Any, instance: JsonObject, resolved: Any) -> Names:
    target = validator.evolve(schema=resolved.contents, _resolver=resolved.resolver)
    return _evaluated(rules, target, instance, resolved.contents)


def names_listed(rules: Rules, validator: Any, instance: JsonObject, listed: JsonObject, schema: JsonObject) -> Names:
    return instance.keys() & listed.keys()


def names_matching(rules: Rules, validator: Any, instance: JsonObject, patterns: Any, schema: JsonObject) -> Names:
    return (name for pattern in patterns for name in instance if pattern_matcher(pattern)(name))


def names_with_value(rules: Rules, validator: Any, instance: JsonObject, allowed: Any, schema: JsonObject) -> Names:
    return (name for name, value in instance.items() if _is_valid(validator, value, allowed))


def names_of_dependents(rules: Rules, validator: Any, instance: JsonObject, schemas: Any, schema: JsonObject) -> Names:
    triggered = (subschema for name, subschema in schemas.items() if name in instance)
    return (name for subschema in triggered for name in _evaluated(rules, validator, instance, subschema))


def names_of_branches(rules: Rules, validator: Any, instance: JsonObject, schemas: Any, schema: JsonObject) -> Names:
    fitting = (subschema for subschema in schemas if _is_valid(validator, instance, subschema))
    return (name for subschema in fitting for name in _evaluated(rules, validator, instance, subschema))


def names_of_condition(rules: Rules, validator: Any, instance: JsonObject, condition: Any, schema: JsonObject) -> Names:
    if not _is_valid(validator, instance, condition):
        return _evaluated(rules, validator, instance, schema.get("else"))
    then = _evaluated(rules, validator, instance, schema.get("then"))
    return _evaluated(rules, validator, instance, condition) | then


def _is_valid(validator: Any, instance: Any, schema: Any) -> bool:
    return next(validator.descend(instance, schema), None) is None
