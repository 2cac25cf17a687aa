"""A compiled schema tested on instances that are known to be valid or invalid."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from llguidance import LLMatcher, LLTokenizer

from turngrammar.errors import GrammarError
from turngrammar.json_style import CANONICAL
from turngrammar.lark import schema_grammar
from turngrammar.schema.load import DEFAULTS, Options
from turngrammar.schema.plan import SchemaPlan, compile_schema

Outcome = Literal["exact", "checked", "narrower", "under", "over", "refused", "crashed"]


@dataclass(frozen=True)
class AuditResult:
    """The outcome for one schema.

    Attributes:
        outcome: exact, the grammar alone accepts the valid instances only; checked, the grammar and `violations`
            together do; narrower, a valid one is rejected only because objects are closed by default; under, an invalid
            instance passes both; over, a valid one is rejected; refused, with a GrammarError; crashed, with another
            error.
        detail: the instance or the error.
        compile_ms: time of compile_schema and of llguidance's compilation.
    """

    outcome: Outcome
    detail: str = ""
    compile_ms: float = 0.0


class Acceptor:
    """Whether a grammar accepts a text, by llguidance, byte by byte. Compiles once."""

    _BYTES = LLTokenizer("byte")

    def __init__(self, grammar: str) -> None:
        self._matcher = LLMatcher(self._BYTES, grammar, log_level=0)
        self.error = self._matcher.get_error() if self._matcher.is_error() else ""

    def accepts(self, text: str) -> bool:
        self._matcher.reset()
        tokens = self._BYTES.tokenize_str(text)
        return bool(self._matcher.try_consume_tokens(tokens) == len(tokens) and self._matcher.is_accepting())


def audit_schema(schema: Any, valid: Iterable[Any], invalid: Iterable[Any], options: Options = DEFAULTS) -> AuditResult:
    """Compile the schema and test it on each instance."""
    start = time.perf_counter()
    try:
        plan = compile_schema(schema, options)
    except GrammarError as error:
        return AuditResult("refused", str(error), _milliseconds_since(start))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        return AuditResult("crashed", repr(error), _milliseconds_since(start))
    acceptor = Acceptor(schema_grammar(plan.lowered))
    elapsed = _milliseconds_since(start)
    if acceptor.error:
        return AuditResult("crashed", acceptor.error, elapsed)
    outcome, detail = _compare(plan, acceptor, valid, invalid)
    return AuditResult(outcome, detail, elapsed)


def audit_closed(
    schema: Any, valid: Iterable[Any], invalid: Iterable[Any], opened: AuditResult, options: Options = DEFAULTS
) -> AuditResult:
    """The same with objects closed by default. `opened`: the result of the schema with open objects."""
    result = audit_schema(schema, valid, invalid, replace(options, open_objects=False))
    narrower = result.outcome == "over" and opened.outcome in ("exact", "checked")
    return replace(result, outcome="narrower") if narrower else result


def _milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _compare(plan: SchemaPlan, acceptor: Acceptor, valid: Iterable[Any], invalid: Iterable[Any]) -> tuple[Outcome, str]:
    outcome: Outcome = "exact"
    for instance in invalid:
        if _accepted(plan, acceptor, instance):
            if not plan.violations(instance):
                return "under", CANONICAL.encode(instance)
            outcome = "checked"
    for instance in valid:
        if plan.violations(instance) or not _accepted(plan, acceptor, instance):
            return "over", CANONICAL.encode(instance)
    return outcome, ""


def _accepted(plan: SchemaPlan, acceptor: Acceptor, instance: Any) -> bool:
    """With its own order of keys, or the schema's: JSON objects have no order, but a grammar does."""
    arranged = plan.arrange(instance)
    return acceptor.accepts(CANONICAL.encode(instance)) or acceptor.accepts(CANONICAL.encode(arranged))
