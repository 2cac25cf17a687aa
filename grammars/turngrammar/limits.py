"""Limits on the sizes of a request's schemas, tools and patterns, checked in linear time before anything is compiled.

A schema within them need not compile fast: a few lines can take forever. They bound the work that is linear, or nearly;
for the rest, a server that compiles its clients' schemas needs a timeout and a memory cap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from turngrammar.errors import BeyondLimit
from turngrammar.schema.keyword_table import Keyword, Measure
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.turn import ClientGrammar, JsonContent, Tool, Turn


@dataclass(frozen=True)
class Limits:
    """The largest sizes that are accepted.

    Attributes:
        tools: per request.
        schema_depth: nested objects and lists in one schema.
        properties: in all objects of one schema together, patterns of names included.
        enum_values: in all enums of one schema together; texts of a choice.
        pattern_length: in characters.
        repetitions: characters of a pattern once its counted repetitions are expanded: `(a{1,50}){1,50}` has 2500.
        client_grammars: whether clients may send regexes and grammars of their own.
    """

    tools: int = 128
    schema_depth: int = 128
    properties: int = 10_000
    enum_values: int = 50_000
    pattern_length: int = 4096
    repetitions: int = 100_000
    client_grammars: bool = True


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class _Place:
    """The place of a value. Its pointer is built only for an error."""

    token: str | int = ""
    above: _Place | None = None

    def pointer(self) -> str:
        tokens: list[str] = []
        place = self
        while place.above:
            tokens.append(str(place.token).replace("~", "~0").replace("/", "~1"))
            place = place.above
        return "".join(f"/{token}" for token in reversed(tokens))


def check_limits(turn: Turn, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raises BeyondLimit, with a pointer into the request."""
    check_tool_count(turn, limits)
    for tool in turn.tools:
        _check_tool(tool, limits)
    match turn.content:
        case JsonContent(schema, pointer):
            _check_schema(schema, pointer, limits)
        case ClientGrammar(kind, source, pointer):
            _check_grammar(kind, source, pointer, limits)


def check_tool_count(turn: Turn, limits: Limits) -> None:
    """The part of `check_limits` that takes no time."""
    if len(turn.tools) > limits.tools:
        raise _beyond("tools", limits.tools, f"The request has {len(turn.tools)} tools", turn.tools_pointer)


def _check_tool(tool: Tool, limits: Limits) -> None:
    if tool.input is None:
        _check_schema(tool.parameters, tool.pointer, limits)
    elif tool.input.syntax != "text":
        _check_grammar(tool.input.syntax, tool.input.definition, tool.pointer, limits)


def _check_grammar(kind: str, source: str | tuple[str, ...], pointer: str, limits: Limits) -> None:
    """A grammar has no limit but its size, which whoever reads the request bounds."""
    if isinstance(source, tuple):
        if len(source) > limits.enum_values:
            raise _beyond("enum_values", limits.enum_values, f"The choice has {len(source)} texts", pointer)
        return
    if not limits.client_grammars:
        message = (
            "Regexes and grammars of clients are switched off on this server: send a JSON Schema or a choice instead."
        )
        raise BeyondLimit(message, pointer=pointer)
    if kind == "regex":
        _check_pattern(source, lambda: pointer, limits)


def _check_schema(schema: Any, pointer: str, limits: Limits) -> None:
    try:
        _SchemaWalk(limits).schema(schema)
    except BeyondLimit as error:
        raise BeyondLimit(error.message, pointer=pointer + error.pointer, keyword=error.keyword) from None


Role = Literal["schema", "schemas by name", "data"]  # "schemas by name": its keys aren't keywords
_Level = list[tuple[_Place, Any, Role]]


class _SchemaWalk:
    """One walk over one schema. Every value that is not known data counts as a schema: references lead anywhere."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._properties = 0
        self._values = 0

    def schema(self, schema: Any) -> None:
        level: _Level = [(_Place(), schema, "schema")]
        for _ in range(self._limits.schema_depth):
            level = [child for place, node, role in level for child in self._children(place, node, role)]
        if level:
            at = level[0][0].pointer()
            raise BeyondLimit(
                f"The schema nests deeper than max_schema_depth ({self._limits.schema_depth}).", pointer=at
            )

    def _children(self, place: _Place, node: Any, role: Role) -> Iterator[tuple[_Place, Any, Role]]:
        """The objects and lists in a node."""
        if isinstance(node, list):
            inner = ((at, item) for at, item in enumerate(node) if isinstance(item, dict | list))
            yield from ((_Place(at, place), item, role) for at, item in inner)
        elif isinstance(node, Mapping):
            for key, value in node.items():
                keyword = KEYWORDS.rows.get(key) if role == "schema" else None
                if keyword is not None and keyword.measure is not None:
                    _MEASURES[keyword.measure](self, _Place(key, place), value)
                if isinstance(value, dict | list):
                    yield _Place(key, place), value, _role(keyword) if role == "schema" else _WITHIN[role]

    def properties(self, place: _Place, value: Any) -> None:
        self._properties += len(value) if isinstance(value, dict) else 0
        if self._properties > self._limits.properties:
            size = f"The schema has {self._properties} properties"
            raise _beyond("properties", self._limits.properties, size, place.pointer())

    def patterns(self, place: _Place, value: Any) -> None:
        self.properties(place, value)
        for pattern in value if isinstance(value, dict) else ():
            self.pattern(_Place(pattern, place), pattern)

    def pattern(self, place: _Place, value: Any) -> None:
        if isinstance(value, str):
            _check_pattern(value, place.pointer, self._limits)

    def enum(self, place: _Place, value: Any) -> None:
        self._values += len(value) if isinstance(value, list) else 0
        if self._values > self._limits.enum_values:
            size = f"The schema's enums have {self._values} values"
            raise _beyond("enum_values", self._limits.enum_values, size, place.pointer())


def _role(keyword: Keyword | None) -> Role:
    """The role of the values in a keyword's value."""
    if keyword is not None and keyword.holds in ("schemas by name", "data"):
        return keyword.holds
    return "schema"


_WITHIN: Mapping[Role, Role] = {"schemas by name": "schema", "data": "data"}
_MEASURES: Mapping[Measure, Callable[[_SchemaWalk, _Place, Any], None]] = {
    "names": _SchemaWalk.properties,
    "name patterns": _SchemaWalk.patterns,
    "regex": _SchemaWalk.pattern,
    "values": _SchemaWalk.enum,
}


def _check_pattern(pattern: str, pointer: Callable[[], str], limits: Limits) -> None:
    if len(pattern) > limits.pattern_length:
        raise _beyond("pattern_length", limits.pattern_length, f"The pattern has {len(pattern)} characters", pointer())
    if (size := expanded_length(pattern)) > limits.repetitions:
        expanded = f"With its repetitions expanded, the pattern has {size} characters"
        raise _beyond("repetitions", limits.repetitions, expanded, pointer())


_PIECE = re.compile(
    r"""(?P<open>\((?:\?(?:[:=!]|<[=!]|P?<\w+>))?)
      | (?P<close>\))
      | (?P<count>\{\s*(?P<least>\d+)\s*(?:,\s*(?P<most>\d*)\s*)?\})
      | (?P<sign>[|*+?^$])
      | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<atom>\\?.)""",
    re.VERBOSE | re.DOTALL,
)


def expanded_length(pattern: str) -> int:
    """The length of the pattern with its counted repetitions expanded, in characters. The pattern may be invalid."""
    sizes, last = [0], 0
    for piece in _PIECE.finditer(pattern):
        if piece["open"]:
            sizes.append(0)
            last = 0
        elif piece["close"] and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        elif piece["count"]:
            times = max(1, *(int(count[:9]) for count in (piece["least"], piece["most"] or "1")))
            sizes[-1] += last * (times - 1)
            last *= times
        elif not piece["sign"]:
            last = 1
            sizes[-1] += last
    return sum(sizes)


def _beyond(limit: str, most: int, size: str, pointer: str) -> BeyondLimit:
    return BeyondLimit(f"{size}, more than max_{limit} ({most}).", pointer=pointer)
