"""Why no document fits a schema: its innermost part that nothing fits, and the keywords that contradict there.

Both are found by trial, for any keyword: what can be left out while nothing fits the rest is not at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import thread_time
from typing import Any

from turngrammar.errors import GrammarError, ImpossibleSchema, shown
from turngrammar.schema.dialect import pointer
from turngrammar.schema.keyword_table import ANY_TYPE, KeywordTable
from turngrammar.schema.load import Source, Subschema
from turngrammar.terminals.strings import SOURCE

SECONDS = 1.0  # of CPU time for the search; most take milliseconds
PART_LENGTH = 60  # of a value in the reason
CHANGE_ONE = "Change one of them"
ENDLESS = ("Its $ref leads back to itself without end", "Make a property on the way optional, or allow null")
REFERENCE = "$ref"
# Lists that narrow by each member.
CONJUNCTIONS = ("allOf", "required")
OPPOSITE_BOUNDS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minContains", "maxContains"),
    ("minProperties", "maxProperties"),
)

Fits = Callable[[Subschema], bool]


@dataclass(frozen=True)
class SchemaPart:
    """What narrows a schema: a keyword, or one member of its value."""

    keyword: str
    member: str | int | None = None

    @property
    def pointer(self) -> str:
        return pointer((self.keyword,) if self.member is None else (self.keyword, self.member))

    def of(self, schema: Mapping[str, Any]) -> Any:
        value = schema[self.keyword]
        return value if self.member is None else value[self.member]


def contradiction(source: Source, fits: Fits) -> ImpossibleSchema:
    """The error of a schema that no document fits. `fits`: whether a document fits that subschema."""
    search = _Search(source, fits)
    with suppress(_Exhausted):
        search.descend()
    problem = f"{search.reason}, so no document can fit this schema. {search.fix}."
    return ImpossibleSchema(problem, pointer=search.place, keyword=search.keyword)


class _Exhausted(Exception):
    """The time is up."""


class _Search:
    """Attributes: place, keyword, reason, fix: of the innermost impossible subschema so far."""

    def __init__(self, source: Source, fits: Fits) -> None:
        self.place = ""
        self.keyword = ""
        self.reason = "Its keywords contradict each other"
        self.fix = CHANGE_ONE
        self._source = source
        self._fits = fits
        self._deadline = thread_time() + SECONDS
        self._tried: list[Subschema] = []  # kept, because the source knows them by identity

    def descend(self) -> None:
        node = self._source.root
        seen: set[int] = set()
        referring = ""  # the place of the last reference, or of the first one of several in a row
        while isinstance(node.schema, Mapping) and id(node.schema) not in seen:
            seen.add(id(node.schema))
            core = self._core(node)
            inner = next((part for part in core if self._excludes_all(node, part)), None)
            if inner is None:
                self.keyword, self.reason, self.fix = _contradicting(node.schema, core, self._source.keywords)
                return
            referring = referring if inner.keyword == self.keyword == REFERENCE else self.place
            self.keyword, node = inner.keyword, self._inside(node, inner)
            self.place = self._source.at(node) if inner.keyword == REFERENCE else self.place + inner.pointer
        if node.schema is False:
            self.reason = "It is false, which allows nothing"
            self.fix = "Change it, or make it optional" if self.place else "Change it"
        else:
            self.place, self.reason, self.fix = referring, *ENDLESS

    def _core(self, node: Subschema) -> list[SchemaPart]:
        """The parts of the schema that nothing fits together, while something fits all but any one of them."""
        keywords = self._source.keywords

        def impossible(chosen: Sequence[SchemaPart]) -> bool:
            reduced = dict(_kept(node.schema, frozenset(chosen), keywords))
            return not self._try(replace(node, schema=reduced))

        return _smallest(_parts(node, keywords), impossible)

    def _excludes_all(self, node: Subschema, part: SchemaPart) -> bool:
        """Whether the part is a subschema that nothing fits, whatever is beside it."""
        if not _is_inner(part, node.schema, self._source.keywords):
            return False
        return not self._try(self._inside(node, part))

    def _inside(self, node: Subschema, part: SchemaPart) -> Subschema:
        """The subschema of a part."""
        if part.keyword == REFERENCE:
            return self._source.target(node, part.keyword)
        return node.child(part.of(node.schema))

    def _try(self, node: Subschema) -> bool:
        if thread_time() >= self._deadline:
            raise _Exhausted
        self._tried.append(node)
        try:
            return self._fits(node)
        except (GrammarError, RecursionError):  # of this part alone: the schema as a whole has none
            return True


def _parts(node: Subschema, keywords: KeywordTable) -> list[SchemaPart]:
    schema = node.schema
    if node.dialect.overriding in schema:
        return [SchemaPart(REFERENCE)]
    parts: list[SchemaPart] = []
    for keyword, value in schema.items():
        if not keywords.asserts(keyword, node.dialect) or keyword in keywords.part_of or _widens(keyword, keywords):
            continue
        parts += [SchemaPart(keyword, member) for member in _members(keyword, value, keywords)] or [SchemaPart(keyword)]
    return parts


def _members(keyword: str, value: Any, keywords: KeywordTable) -> Sequence[str | int]:
    """Those that narrow one by one."""
    if keyword in CONJUNCTIONS:
        return range(len(value))
    if keyword in keywords.evaluates and isinstance(value, list):
        return range(len(value))
    if keywords.rows[keyword].holds == "schemas by name" and keyword in keywords.evaluates:
        return list(value)
    return ()


def _widens(keyword: str, keywords: KeywordTable) -> bool:
    """OpenAPI's `nullable` allows more."""
    row = keywords.rows[keyword]
    return not row.drafts and row.type == ANY_TYPE


def _is_inner(part: SchemaPart, schema: Mapping[str, Any], keywords: KeywordTable) -> bool:
    """Whether the part is a subschema for some part of every document. As `additionalProperties`, false closes."""
    row = keywords.rows[part.keyword]
    if part.keyword == REFERENCE or (part.keyword in CONJUNCTIONS and row.holds):
        return True
    return part.keyword in keywords.evaluates and (part.member is not None or part.of(schema) is not False)


def _kept(
    schema: Mapping[str, Any], chosen: Collection[SchemaPart], keywords: KeywordTable
) -> Iterator[tuple[str, Any]]:
    """The chosen parts. Of other subschemas, `{}` stays: without it, the names or items would count as undeclared."""
    for keyword, value in schema.items():
        main = keywords.part_of.get(keyword, keyword)
        if keyword in keywords.evaluates:
            yield keyword, _relaxed(keyword, value, chosen, keywords)
        elif keyword in CONJUNCTIONS:
            yield keyword, [item for index, item in enumerate(value) if SchemaPart(keyword, index) in chosen]
        elif SchemaPart(main) in chosen or (keyword in keywords.rows and _widens(keyword, keywords)):
            yield keyword, value


def _relaxed(keyword: str, value: Any, chosen: Collection[SchemaPart], keywords: KeywordTable) -> Any:
    """The keyword's value with `{}` in place of the subschemas that are not chosen."""
    if isinstance(value, list):
        return [item if SchemaPart(keyword, index) in chosen else {} for index, item in enumerate(value)]
    if keywords.rows[keyword].holds == "schemas by name":
        return {name: item if SchemaPart(keyword, name) in chosen else {} for name, item in value.items()}
    return value if SchemaPart(keyword) in chosen else {}


def _smallest(parts: list[SchemaPart], impossible: Callable[[Sequence[SchemaPart]], bool]) -> list[SchemaPart]:
    """QuickXplain (Junker 2004): as few of the parts as are impossible together, found by halving."""

    def needed(base: list[SchemaPart], changed: bool, rest: list[SchemaPart]) -> list[SchemaPart]:
        if changed and impossible(base):
            return []
        if len(rest) == 1:
            return rest
        left, right = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        of_right = needed(base + left, True, right)
        return needed(base + of_right, bool(of_right), left) + of_right

    core = needed([], False, parts) if parts else []
    return core if impossible(core) else parts


def _contradicting(
    schema: Mapping[str, Any], core: Sequence[SchemaPart], keywords: KeywordTable
) -> tuple[str, str, str]:
    """The first keyword of the core but `type`, how all of them contradict each other, and the fix."""
    others = [part for part in core if part.keyword != "type"]
    named = dict.fromkeys(part.keyword for part in others)
    for low, high in OPPOSITE_BOUNDS:
        if named.keys() == {low, high} and schema[low] > schema[high]:
            return low, f"{low} {shown(schema[low])} exceeds {high} {shown(schema[high])}", CHANGE_ONE
    subject = _subject(schema["type"]) if len(others) < len(core) else "Nothing"
    clauses = [clause for keyword in named for clause in _clauses(keyword, schema, others, keywords)]
    listed = " and ".join(filter(None, (", ".join(clauses[:-1]), *clauses[-1:])))
    return (
        next(iter(named), "type"),
        f"{subject} fits {listed}",
        CHANGE_ONE if len({*core, *clauses}) > 2 else "Change it",
    )


def _subject(types: str | Sequence[str]) -> str:
    return f"No {types}" if isinstance(types, str) else f"No value of type {shown(types)}"


def _clauses(
    keyword: str, schema: Mapping[str, Any], core: Sequence[SchemaPart], keywords: KeywordTable
) -> Iterator[str]:
    """`minLength 5`, or `allOf/0` and `allOf/1`."""
    parts = [part for part in core if part.keyword == keyword]
    if keyword == "required":
        yield f"{keyword} {shown([part.of(schema) for part in parts], PART_LENGTH)}"
    elif parts[0].member is not None:
        yield from (part.pointer[1:] for part in parts)
    else:
        together = [name for name in schema if keywords.part_of.get(name, name) == keyword]
        yield from (f"{name} {shown(schema[name], PART_LENGTH)}{_WITHIN.get(name, '')}" for name in together)


_WITHIN = {SOURCE: " in the user's text"}
