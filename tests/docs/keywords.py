"""What becomes of each keyword of JSON Schema: what the report says of samples is what the page says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from tests.docs.made import code, table
from tests.docs.samples import KEYWORDS, LATEST, Schema
from turngrammar.errors import GrammarError
from turngrammar.schema import Options, compile_schema
from turngrammar.schema.dialect import DIALECTS
from turngrammar.schema.formats import FORMATS

# Which drafts have a keyword that no meta-schema tells of.
_UNTOLD = {"$ref": tuple(DIALECTS), "writeOnly": ("draft7", "2019-09", LATEST), "nullable": (LATEST,)}
_SPANS = {"nullable": "without `$schema`"}
# Kept in the newer meta-schemas, so that older schemas stay valid under them; they mean nothing there.
_KEPT = {
    "2019-09": ("definitions", "dependencies"),
    "2020-12": ("definitions", "dependencies", "$recursiveRef", "$recursiveAnchor"),
}
_GROUPS = ("core", "applicator", "unevaluated", "validation", "format", "content", "meta-data")


@cache
def vocabularies(dialect: str) -> Mapping[str, str]:
    """The keywords that a draft's meta-schema has, each with its vocabulary, "" where the draft has none."""
    meta: Any = DIALECTS[dialect].validator.META_SCHEMA
    found = dict.fromkeys(meta["properties"], "")
    for uri in meta.get("$vocabulary", ()):
        described = REGISTRY[uri.replace("/vocab/", "/meta/")].contents
        found |= dict.fromkeys(described.get("properties", ()), uri.rpartition("/")[2].removesuffix("-annotation"))
    return found


def drafts(keyword: str) -> tuple[str, ...]:
    """Those that have the keyword, oldest first."""
    known = [name for name in DIALECTS if keyword in vocabularies(name)]
    return _UNTOLD.get(keyword) or tuple(name for name in known if keyword not in _KEPT.get(name, ()))


def group(keyword: str) -> str:
    """The vocabulary, of the newest draft that has one for it; that of 2019-09 has no `unevaluated`."""
    found = next((vocabularies(name)[keyword] for name in (LATEST, "2019-09") if keyword in vocabularies(name)), "")
    return found if found in _GROUPS else "older"


def status(keyword: str, schema: Schema, dialect: str) -> tuple[str, str]:
    """What becomes of the keyword at the root of a schema, and why. Refused is what raises for its sake."""
    try:
        plan = compile_schema(schema, Options(dialect=dialect))
    except GrammarError as error:
        return "refused", error.message
    found = next(one for one in plan.report if one.pointer == "" and one.keyword == keyword)
    return found.status, found.reason


def usual(keyword: str) -> str:
    """What usually becomes of it, in all its drafts. Raises ValueError where they differ."""
    one = KEYWORDS[keyword]
    found = {status(keyword, one.older.get(name, one.sample), name) for name in drafts(keyword)}
    if len({told for told, _ in found}) != 1:
        raise ValueError(f"{keyword}: {found}")
    told, reason = min(found)
    why = f", {reason}" if told == "rewritten" else ""
    return f"{told}: {code(json.dumps(one.sample))}{why}" if one.others else told + why


def others(keyword: str) -> Iterator[str]:
    """Where something else becomes of it."""
    for one in KEYWORDS[keyword].others:
        told, reason = status(keyword, one.schema, one.dialect)
        yield f"{told}: {one.told or code(json.dumps(one.schema))}, {reason}"


def part() -> str:
    """A table for each vocabulary."""
    grouped: dict[str, list[str]] = {name: [] for name in (*_GROUPS, "older")}
    for keyword in KEYWORDS:
        grouped[group(keyword)].append(keyword)
    return "\n\n".join(_section(name, keywords) for name, keywords in grouped.items())


_TITLES = {"older": "Of older drafts, and of OpenAPI 3.0"}


def _section(name: str, keywords: Sequence[str]) -> str:
    rows = [(code(keyword), _span(keyword), usual(keyword), "<br>".join(others(keyword))) for keyword in keywords]
    title = _TITLES.get(name, name.capitalize())
    return f"### {title}\n\n{table(('keyword', 'drafts', 'what becomes of it', 'but'), rows)}"


def _span(keyword: str) -> str:
    """`4 to 7`, `since 6`, `all`."""
    names, every = drafts(keyword), list(DIALECTS)
    first, last = names[0].removeprefix("draft"), names[-1].removeprefix("draft")
    if keyword in _SPANS or len(names) == len(every):
        return _SPANS.get(keyword, "all")
    if len(names) == 1:
        return first
    return f"since {first}" if names[-1] == every[-1] else f"{first} to {last}"


def format_part() -> str:
    """The formats that are asserted."""
    return ", ".join(map(code, FORMATS))
