"""The law of exact plans: their grammar generates valid documents only, and each valid one that is written as usual.

Two validators decide what is valid: this project's own check, and jsonschema-rs.
"""

from __future__ import annotations

import random
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from tests.fuzz.target import Target
from tests.turngrammar.laws import sample
from tests.turngrammar.schema import corpus
from turngrammar.audit import Acceptor
from turngrammar.errors import GrammarError
from turngrammar.json_style import CANONICAL
from turngrammar.lark import schema_grammar
from turngrammar.scan import load_json
from turngrammar.schema import SchemaPlan, compile_schema

MOST = 300  # bytes of a document
LONG_NUMBER = re.compile(r"[0-9.]{18}")  # jsonschema-rs may round it to a double
# What the random model likes to write.
LIKED = '" 0 1 9 . e- E+0 - 00 99 \\" \\\\ \\n \\u001f a é } ]'.split()  # noqa: SIM905 - one line

EDGES = """
0 -0.0 1 -1 0.5 0.95 0.99 0.1 0.3 19.99 -459.67 255 1e-6 1e-7 6.02e23 1e21 1.8e308 -1.8e308 65535 2147483647
9007199254740993 9223372036854775807 -9223372036854775808 18446744073709551615
"""
STEPS = "1 2 3 5 7 10 60 100 1000 0.5 0.25 0.1 0.01 0.001 0.05 2.5 1e-8"


def _numbers(texts: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([load_json(text) for text in texts.split()])


DECIMALS = _numbers(EDGES)
NUMBERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["number", "integer"])},
    optional={
        "minimum": DECIMALS,
        "maximum": DECIMALS,
        "exclusiveMinimum": DECIMALS,
        "exclusiveMaximum": DECIMALS,
        "multipleOf": _numbers(STEPS),
    },
)
PATTERNS = st.sampled_from(
    [
        "a",
        '"',
        r"^[^\\]{1,6}$",
        r'^[^"]*$',
        r'^[^<>:"/\\|?*]+$',
        r"^\S.*\S$",
        "^[a-z]+$",
        r"^\d{2,}$",
        r"^[A-Z].*\.$",
        r"\A[a-z]+\Z",
        r"^(?!.*\.\.)[a-z.]+$",
        r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
        "^([0-9a-f]{2})+$",
        r"^\p{L}+$",
        r"^[^\n]*$",
        r"^(ab|cd)?$",
        r"[\u0000-\u001f]",
        r"^\W$",
        r"^[\w.-]+@[\w-]+\.\w+$",
        "^.{3}$",
        r"\bno\b",
        "^$",
    ]
)
STRINGS = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "pattern": PATTERNS,
        "minLength": st.integers(0, 4),
        "maxLength": st.integers(0, 9),
        "format": st.sampled_from(["date", "uuid", "ipv4", "time", "email"]),
    },
)
VALUES = st.one_of(st.none(), st.booleans(), DECIMALS, st.text('ab"\\\n', max_size=2))
LISTED = st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, unique=True)})
NAMES = st.sampled_from(["a", "b", 'q"', "x_1", ""])


def _composites(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(NAMES, inner, max_size=3)
    objects = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": properties},
        optional={
            "required": st.lists(NAMES, unique=True, max_size=2),
            "additionalProperties": st.one_of(st.just(False), inner),
            "patternProperties": st.dictionaries(st.sampled_from(["^x_", "a"]), inner, max_size=1),
            "minProperties": st.integers(0, 1),
        },
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 3),
            "contains": inner,
            "minContains": st.integers(0, 2),
            "maxContains": st.integers(0, 2),
            "uniqueItems": st.booleans(),
        },
    )
    options = st.lists(inner, min_size=1, max_size=3)
    unions = st.one_of(*(st.builds(lambda listed, kind=kind: {kind: listed}, options) for kind in ("anyOf", "oneOf")))
    return st.one_of(objects, arrays, unions)


SCHEMAS = st.one_of(
    st.recursive(st.one_of(NUMBERS, STRINGS, LISTED), _composites, max_leaves=5),
    st.sampled_from([row["schema"] for row in corpus.rows()]),
)


def check_exactness(case: tuple[Any, int]) -> str:
    """Raises AssertionError for a document that breaks the law."""
    schema, seed = case
    text = CANONICAL.encode(schema)
    try:
        plan = compile_schema(schema)
    except GrammarError:
        return "refused"
    if not plan.exact:
        return "not exact"
    document, ended = sample(schema_grammar(plan.lowered), random.Random(seed), MOST, LIKED)
    if not ended:
        return "not ended"
    value = load_json(document)
    assert not plan.violations(value), f"{document} breaks {text}: {plan.violations(value)}"
    assert _second(text, value) is not False, f"{document} breaks {text}, jsonschema-rs says"
    _check_neighbour(plan, text, _neighbour(value, random.Random(seed)))
    return "held"


def _check_neighbour(plan: SchemaPlan, schema: str, value: Any) -> None:
    """A value that differs a little from a valid one is accepted exactly where it is valid."""
    valid = not plan.violations(value)
    accepted = any(map(_acceptor(schema).accepts, (CANONICAL.encode(value), CANONICAL.encode(plan.arrange(value)))))
    assert accepted == valid, f"{CANONICAL.encode(value)} is {'' if valid else 'in'}valid by {schema}"
    opinion = _second(schema, value)
    assert opinion in (None, valid), f"jsonschema-rs disagrees on {CANONICAL.encode(value)} by {schema}"


def _neighbour(value: Any, rng: random.Random) -> Any:
    """The value with one scalar in it changed a little."""
    if isinstance(value, dict) and value:
        name = rng.choice(list(value))
        return {key: _neighbour(item, rng) if key == name else _as_usual(item) for key, item in value.items()}
    if isinstance(value, list) and value:
        index = rng.randrange(len(value))
        return [_neighbour(item, rng) if at == index else _as_usual(item) for at, item in enumerate(value)]
    if isinstance(value, str):
        at = rng.randint(0, len(value))
        return value[:at] + rng.choice(["", "a", '"', "\\", "\n", "Z", "0", ".", " "]) + value[at + rng.randint(0, 1) :]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _near_number(Decimal(repr(value) if isinstance(value, float) else value), rng)
    return rng.choice([None, True, 0, "", [], {}])


def _as_usual(value: Any) -> Any:
    """The value with integers as such: as floats, Python would write large ones with exponents."""
    if isinstance(value, dict):
        return {key: _as_usual(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(_as_usual, value))
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e20 else value


def _near_number(number: Decimal, rng: random.Random) -> Any:
    """One digit away, with few enough digits for any limit."""
    if abs(number.adjusted()) > 15 or len(number.as_tuple().digits) > 15:
        return rng.choice([0, 1, -1])
    near = number.normalize() + rng.choice([-1, 0, 1]) * Decimal(1).scaleb(rng.randint(-4, 2))
    return int(near) if near == near.to_integral_value() else near.normalize()


def _second(schema: str, value: Any) -> bool | None:
    """Whether the value is valid by jsonschema-rs; None where it reads the schema in another way, or not at all."""
    validator = _second_validator(schema)
    if validator is None or LONG_NUMBER.search(CANONICAL.encode(value)):
        return None
    return bool(validator.is_valid(value))


@lru_cache(maxsize=64)
def _second_validator(schema: str) -> Any:
    if any(f'"{keyword}"' in schema for keyword in ("format", "nullable", "contentEncoding")):
        return None
    try:
        return jsonschema_rs.validator_for(load_json(schema), validate_formats=False)
    except (ValueError, jsonschema_rs.ReferencingError):
        return None  # in a dialect that it lacks, or with anchors of other regexes


@lru_cache(maxsize=64)
def _acceptor(schema: str) -> Acceptor:
    return Acceptor(schema_grammar(compile_schema(load_json(schema)).lowered))


EXACTNESS = Target("exact documents", st.tuples(SCHEMAS, st.integers(0, 2**32)), check_exactness)
