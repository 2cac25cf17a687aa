"""What became of each keyword, said per JSON pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from turngrammar.schema.dialect import pointer, subschemas
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.load import Source
from turngrammar.schema.options import Options

Status = Literal["enforced", "rewritten", "checked", "annotation", "refused"]


@dataclass(frozen=True)
class Finding:
    """What became of one keyword of a schema: `pointer` is that of the subschema which holds it."""

    pointer: str
    keyword: str
    status: Status
    reason: str


@dataclass
class Ledger:
    """What a compilation had to leave to the check on the finished document, noted while it runs."""

    source: Source
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    everywhere: dict[tuple[str, ...], str] = field(default_factory=dict)

    def check(self, schema: Any, keyword: str, reason: str) -> None:
        """The keyword of this subschema is only checked."""
        self.reasons.setdefault((self.source.pointers.get(id(schema), ""), keyword), reason)

    def check_everywhere(self, keywords: tuple[str, ...], reason: str) -> None:
        """Some occurrence of one of the keywords is only checked; after rewriting it is not known which."""
        self.everywhere.setdefault(keywords, reason)

    def reason(self, at: str, keyword: str) -> str:
        """Why the keyword of the subschema at that pointer is only checked, or ""."""
        general = (reason for keywords, reason in self.everywhere.items() if keyword in keywords)
        return self.reasons.get((at, keyword)) or next(general, "")

    @property
    def clear(self) -> bool:
        return not self.reasons and not self.everywhere


_REWRITTEN = {
    "oneOf": "branches that overlap exclude each other",
    "not": "what it forbids is taken away",
    "if": "told as two alternatives",
    "then": "one of two alternatives",
    "else": "one of two alternatives",
    "dependencies": "told as alternatives: with the property and without",
    "dependentRequired": "told as alternatives: with the property and without",
    "dependentSchemas": "told as alternatives: with the property and without",
    "propertyNames": "told as patternProperties",
    "contains": "told per position",
    "minContains": "told per position",
    "maxContains": "told per position",
    "uniqueItems": "told as the arrangements there are",
    "unevaluatedProperties": "told as additionalProperties, per alternative",
    "unevaluatedItems": "told as items, per alternative",
    "nullable": "null is allowed beside the type",
}

# Keywords that say nothing unless one of these stands beside them.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "if": ("then", "else"),
    "then": ("if",),
    "else": ("if",),
    "minContains": ("contains",),
    "maxContains": ("contains",),
}
# Keywords that are part of another, which is told, and checked, as a whole.
_PART_OF = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}


def report(source: Source, ledger: Ledger, options: Options) -> tuple[Finding, ...]:
    """Every keyword of every subschema, in document order."""
    found: list[Finding] = []
    stack: list[tuple[str, Any]] = [("", source.schema)]
    while stack:
        at, node = stack.pop()
        if isinstance(node, Mapping):
            found.extend(_of(node, at, source, ledger, options))
            children = [(at + pointer(tokens), child) for tokens, child in subschemas(node)]
            stack.extend(reversed(children))
    return tuple(found)


def _of(node: Mapping[str, Any], at: str, source: Source, ledger: Ledger, options: Options) -> Iterator[Finding]:
    for keyword, value in node.items():
        checked = ledger.reason(at, keyword) or ledger.reason(at, _PART_OF.get(keyword, keyword))
        if void := _void(node, keyword, source):
            yield Finding(at, keyword, "annotation", void)
        elif keyword == "format":
            yield _format(at, value, options)
        elif checked:
            yield Finding(at, keyword, "checked", checked)
        elif keyword in _REWRITTEN:
            yield Finding(at, keyword, "rewritten", _REWRITTEN[keyword])
        else:
            yield Finding(at, keyword, "enforced", "the grammar generates nothing else")


def _void(node: Mapping[str, Any], keyword: str, source: Source) -> str:
    """Why the keyword asserts nothing where it stands, or ""."""
    dialect = source.dialect
    if keyword == "nullable":
        return _void_nullable(node, source)
    if not dialect.knows(keyword):
        return f"asserts nothing in {dialect.name}"
    if dialect.lone_ref and "$ref" in node and keyword != "$ref":
        return f"asserts nothing beside $ref in {dialect.name}"
    if keyword == "additionalItems" and not isinstance(node.get("items"), list):
        return "asserts nothing without a list of items"
    if keyword in _NEEDS and not any(other in node for other in _NEEDS[keyword]):
        return f"asserts nothing without {' or '.join(_NEEDS[keyword])}"
    return ""


def _void_nullable(node: Mapping[str, Any], source: Source) -> str:
    if isinstance(source.schema, Mapping) and "$schema" in source.schema:
        return f"asserts nothing in {source.dialect.name}"
    return "" if node["nullable"] is True and "type" in node else "asserts nothing unless it is true, beside a type"


def _format(at: str, value: Any, options: Options) -> Finding:
    if value not in FORMATS:
        return Finding(at, "format", "annotation", f"the format {value!r} is not known, so it asserts nothing")
    if not options.assert_formats:
        return Finding(at, "format", "annotation", "formats were asked to assert nothing")
    return Finding(at, "format", "enforced", "the grammar generates nothing else")
