"""A compiled schema put to the test: what its grammar and its checks say of instances whose verdict is known."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from llguidance import LLMatcher, LLTokenizer

from turngrammar.errors import GrammarError
from turngrammar.schema.load import DEFAULTS, Options
from turngrammar.schema.plan import SchemaPlan, compile_schema

Outcome = Literal["exact", "checked", "under", "over", "refused", "crashed"]


@dataclass(frozen=True)
class AuditResult:
    """What came of one schema.

    Attributes:
        outcome: exact, the grammar alone is right about every instance; checked, it is with `violations`; under, both
            let an invalid instance through; over, a valid one is kept out; refused, with an error that points; crashed,
            without.
        detail: the instance or the error.
        compile_ms: compile_schema and llguidance's own compilation.
    """

    outcome: Outcome
    detail: str = ""
    compile_ms: float = 0.0


class Acceptor:
    """Asks llguidance, byte by byte, whether a grammar accepts a text. Compiles once."""

    _BYTES = LLTokenizer("byte")

    def __init__(self, grammar: str) -> None:
        self._matcher = LLMatcher(self._BYTES, grammar, log_level=0)
        self.error = self._matcher.get_error() if self._matcher.is_error() else ""

    def accepts(self, text: str) -> bool:
        self._matcher.reset()
        tokens = self._BYTES.tokenize_str(text)
        return bool(self._matcher.try_consume_tokens(tokens) == len(tokens) and self._matcher.is_accepting())


def spell(instance: Any) -> str:
    """Canonical JSON text."""
    return json.dumps(instance, separators=(", ", ": "), ensure_ascii=False)


def judge(schema: Any, valid: Iterable[Any], invalid: Iterable[Any], options: Options = DEFAULTS) -> AuditResult:
    """Compile the schema and ask about each instance."""
    start = time.perf_counter()
    try:
        plan = compile_schema(schema, options)
    except GrammarError as error:
        return AuditResult("refused", str(error), _since(start))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        return AuditResult("crashed", repr(error), _since(start))
    acceptor = Acceptor(f"start: %json {plan.json}")
    elapsed = _since(start)
    if acceptor.error:
        return AuditResult("crashed", acceptor.error, elapsed)
    outcome, detail = _decide(plan, acceptor, valid, invalid)
    return AuditResult(outcome, detail, elapsed)


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _decide(plan: SchemaPlan, acceptor: Acceptor, valid: Iterable[Any], invalid: Iterable[Any]) -> tuple[Outcome, str]:
    outcome: Outcome = "exact"
    for instance in invalid:
        if _accepted(plan, acceptor, instance):
            if not plan.violations(instance):
                return "under", spell(instance)
            outcome = "checked"
    for instance in valid:
        if plan.violations(instance) or not _accepted(plan, acceptor, instance):
            return "over", spell(instance)
    return outcome, ""


def _accepted(plan: SchemaPlan, acceptor: Acceptor, instance: Any) -> bool:
    """In the order its keys stand, or in the schema's: it means nothing in JSON, but a grammar has one."""
    return acceptor.accepts(spell(instance)) or acceptor.accepts(spell(plan.arrange(instance)))
