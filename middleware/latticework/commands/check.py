"""`latticework check`: compiled schemas, tested on instances that are known to be valid or invalid."""

from __future__ import annotations

import gzip
import json
import zlib
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latticework.commands import DONE, Command, WrongUsage, contents, say

if TYPE_CHECKING:
    from turngrammar.audit import AuditResult

DESCRIPTION = """Compile every JSON Schema of FILE and test it on instances that are known to be valid or invalid.
FILE has one JSON object per line, and may be compressed with gzip:

  {"id": "a-name", "schema": {...}, "valid": [INSTANCE, ...], "invalid": [{"data": INSTANCE}, ...]}

Lines without instances are skipped. An invalid instance with "format_only": true counts only if its "error" names a
format that is enforced. The last line of the output is one JSON object that counts schemas by outcome, with open
objects (as with --open-objects), and under "closed" with objects closed by default, as a server generates them:
  exact    the grammar alone accepts every valid instance and rejects every invalid one
  checked  the grammar and the check of the finished document together do so; includes exact
  narrower a valid instance is rejected only because an object in it is closed by default
  under    an invalid instance is accepted
  over     a valid instance is rejected for another reason
  refused  the schema is refused, with an error that points at the keyword
  crashed  the compiler failed"""

GZIP = b"\x1f\x8b"
DETAIL = 300  # characters of an instance or an error


@dataclass(frozen=True)
class SchemaCase:
    """A line of the file."""

    id: str
    schema: Any
    valid: Sequence[Any]
    invalid: Sequence[Any]


def add_check_options(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="JSON lines, plain or gzip; - reads standard input")
    parser.add_argument("--verbose", action="store_true", help="list on stderr each schema that is not exact")


def check_schemas(given: Namespace) -> int:
    from turngrammar.audit import audit_closed, audit_schema

    opened, closed = [], []
    for case in schema_cases(contents(given.file), given.file):
        opened.append(audit_schema(case.schema, case.valid, case.invalid))
        closed.append(audit_closed(case.schema, case.valid, case.invalid, opened[-1]))
        if given.verbose:
            _say_outcome(case.id, opened[-1])
            if closed[-1].outcome != opened[-1].outcome:
                _say_outcome(f"{case.id} closed", closed[-1])
    print(json.dumps(outcome_figures(opened) | {"closed": outcome_figures(closed)}))
    return DONE


def _say_outcome(name: str, verdict: AuditResult) -> None:
    if verdict.outcome != "exact":
        say(f"{name}  {verdict.outcome}  {verdict.detail[:DETAIL]}")


def schema_cases(data: bytes, file: str) -> Iterator[SchemaCase]:
    """The lines that have instances. Raises WrongUsage."""
    try:
        lines = (gzip.decompress(data) if data.startswith(GZIP) else data).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise WrongUsage(f"{file}: can't decompress: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            case = SchemaCase(row.get("id", f"line {number}"), row["schema"], row["valid"], counted_invalid(row))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise WrongUsage(f"{file}: line {number} must be a JSON object with schema, valid and invalid") from None
        if row["valid"] or row["invalid"]:
            yield case


def counted_invalid(row: Mapping[str, Any]) -> list[Any]:
    """The invalid instances, without those that only violate a format which is not enforced."""
    return [case["data"] for case in row["invalid"] if not case.get("format_only") or _names_format(case["error"])]


def _names_format(error: str) -> bool:
    from turngrammar.string_formats import FORMATS

    return any(f"'{name}'" in error or f'"{name}"' in error for name in FORMATS)


def outcome_figures(verdicts: Iterable[AuditResult]) -> dict[str, Any]:
    """Schemas by outcome and the distribution of compile times. `checked` includes `exact`."""
    listed = list(verdicts)
    outcomes = Counter(verdict.outcome for verdict in listed)
    times = sorted(verdict.compile_ms for verdict in listed) or [0.0]
    return {
        "schemas": len(listed),
        "exact": outcomes["exact"],
        "checked": outcomes["exact"] + outcomes["checked"],
        **{outcome: outcomes[outcome] for outcome in ("narrower", "under", "over", "refused", "crashed")},
        "compile_ms": {
            "p50": round(times[len(times) // 2], 2),
            "p99": round(times[min(int(len(times) * 0.99), len(times) - 1)], 2),
            "max": round(times[-1], 2),
        },
    }


CHECK = Command("test schemas on instances with known verdicts", DESCRIPTION, add_check_options, check_schemas)
