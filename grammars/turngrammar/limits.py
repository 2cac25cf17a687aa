"""Limits on the size of schemas, tools and patterns, checked in linear time before anything is compiled.

They bound the work of everything that is linear, or nearly. They don't bound compilation: short schemas can take
forever. A server that compiles its clients' schemas also needs a timeout and a memory limit.
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
    """Names and meanings are those of the server's settings.

    Attributes:
        max_tools: of one request.
        max_schema_depth: nesting of objects and arrays, per schema.
        max_properties: over all objects of one schema, patternProperties included.
        max_enum_values: over all enums of one schema; of a choice.
        max_pattern_length: in characters.
        max_repetitions: characters of a regex with its counted repetitions expanded: `(a{1,50}){1,50}` has 2500.
        no_client_grammars: clients may send JSON Schemas and choices, but no regexes and grammars.
    """

    max_tools: int
    max_schema_depth: int
    max_properties: int
    max_enum_values: int
    max_pattern_length: int
    max_repetitions: int
    no_client_grammars: bool


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


def check_limits(turn: Turn, limits: Limits) -> None:
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
    """The part of `check_limits` that takes constant time."""
    if len(turn.tools) > limits.max_tools:
        raise _exceeded(f"{len(turn.tools)} tools exceed", "max_tools", limits, turn.tools_pointer)


def _check_tool(tool: Tool, limits: Limits) -> None:
    try:
        if tool.input is None:
            _check_schema(tool.parameters, "", limits)
        elif tool.input.syntax != "text":
            _check_grammar(tool.input.syntax, tool.input.definition, "", limits)
    except BeyondLimit as error:
        raise error.inside(tool.pointer, tool.name) from None


def _check_grammar(kind: str, source: str | tuple[str, ...], pointer: str, limits: Limits) -> None:
    """A grammar has no limit but its size, which whoever reads the request bounds."""
    if isinstance(source, tuple):
        if len(source) > limits.max_enum_values:
            raise _exceeded(f"{len(source)} texts exceed", "max_enum_values", limits, pointer)
        return
    if limits.no_client_grammars:
        message = "This server accepts no regexes and grammars (no_client_grammars): send a JSON Schema or a choice."
        raise BeyondLimit(message, pointer=pointer)
    if kind == "regex":
        _check_pattern(source, lambda: pointer, limits)


def _check_schema(schema: Any, pointer: str, limits: Limits) -> None:
    try:
        _SchemaWalk(limits).schema(schema)
    except BeyondLimit as error:
        raise error.inside(pointer) from None


Role = Literal["schema", "schemas by name", "data"]  # names there aren't keywords
_Level = list[tuple[_Place, Any, Role]]


class _SchemaWalk:
    """One walk over one schema. Every value that is not known data counts as a schema: references lead anywhere."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._properties = 0
        self._values = 0

    def schema(self, schema: Any) -> None:
        level: _Level = [(_Place(), schema, "schema")]
        for _ in range(self._limits.max_schema_depth):
            level = [child for place, node, role in level for child in self._children(place, node, role)]
            if not level:
                return
        raise _exceeded("Schema nesting exceeds", "max_schema_depth", self._limits, level[0][0].pointer())

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
        if self._properties > self._limits.max_properties:
            what = f"{self._properties} properties exceed"
            raise _exceeded(what, "max_properties", self._limits, place.pointer())

    def patterns(self, place: _Place, value: Any) -> None:
        self.properties(place, value)
        for pattern in value if isinstance(value, dict) else ():
            self.pattern(_Place(pattern, place), pattern)

    def pattern(self, place: _Place, value: Any) -> None:
        if isinstance(value, str):
            _check_pattern(value, place.pointer, self._limits)

    def enum(self, place: _Place, value: Any) -> None:
        self._values += len(value) if isinstance(value, list) else 0
        if self._values > self._limits.max_enum_values:
            what = f"{self._values} enum values exceed"
            raise _exceeded(what, "max_enum_values", self._limits, place.pointer())


def _role(keyword: Keyword | None) -> Role:
    """That of the values in a keyword's value."""
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
    if len(pattern) > limits.max_pattern_length:
        raise _exceeded(f"A pattern of {len(pattern)} characters exceeds", "max_pattern_length", limits, pointer())
    if (size := expanded_length(pattern)) > limits.max_repetitions:
        what = f"A pattern of {size} characters, with its repetitions expanded, exceeds"
        raise _exceeded(what, "max_repetitions", limits, pointer())


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
    """The length of the pattern with its counted repetitions expanded, in characters. Its syntax is not checked."""
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


def _exceeded(what: str, limit: str, limits: Limits, pointer: str) -> BeyondLimit:
    problem = f"{what} {limit} ({getattr(limits, limit)}). Send less, or raise the limit of the server."
    return BeyondLimit(problem, pointer=pointer)
