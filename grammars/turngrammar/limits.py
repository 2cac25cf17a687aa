"""What a request's schemas, tools and patterns may measure: looked at before anything is compiled, in linear time.

Nothing here says that what passes compiles fast: schemas of a few lines can take for ever. It keeps the work of all
that is linear, or nearly, small; for the rest, whoever compiles a client's schemas needs a clock and a memory cap.
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
    """Attributes:

    tools: of one request.
    schema_depth: objects and lists within each other, in one schema.
    properties: listed by all objects of one schema together, patterns of names included.
    enum_values: of one schema together; of a choice.
    pattern_length: in characters.
    repetitions: how many characters a pattern has with its counted repetitions written out: `(a{1,50}){1,50}` has 2500.
    client_grammars: whether clients may write regexes and grammars of their own.
    """

    tools: int = 128
    schema_depth: int = 128
    properties: int = 10_000
    enum_values: int = 50_000
    pattern_length: int = 4096
    repetitions: int = 100_000
    client_grammars: bool = True


DEFAULTS = Limits()


@dataclass(frozen=True)
class _Place:
    """Where a value stands. Pointers are spelled only where something is wrong."""

    token: str | int = ""
    above: _Place | None = None

    def pointer(self) -> str:
        tokens: list[str] = []
        place = self
        while place.above:
            tokens.append(str(place.token).replace("~", "~0").replace("/", "~1"))
            place = place.above
        return "".join(f"/{token}" for token in reversed(tokens))


def check(turn: Turn, limits: Limits = DEFAULTS) -> None:
    """Raises BeyondLimit, whose pointer goes into the request."""
    check_count(turn, limits)
    for tool in turn.tools:
        _check_tool(tool, limits)
    match turn.content:
        case JsonContent(schema, pointer):
            _check_schema(schema, pointer, limits)
        case ClientGrammar(kind, source, pointer):
            _check_grammar(kind, source, pointer, limits)


def check_count(turn: Turn, limits: Limits) -> None:
    """The part of it that takes no time."""
    if len(turn.tools) > limits.tools:
        raise _beyond("tools", limits.tools, f"{len(turn.tools)} tools", turn.tools_pointer)


def _check_tool(tool: Tool, limits: Limits) -> None:
    if tool.input is None:
        _check_schema(tool.parameters, tool.pointer, limits)
    elif tool.input.syntax != "text":
        _check_grammar(tool.input.syntax, tool.input.definition, tool.pointer, limits)


def _check_grammar(kind: str, source: str | tuple[str, ...], pointer: str, limits: Limits) -> None:
    """A grammar has no measure but its size, which its reader bounds."""
    if isinstance(source, tuple):
        if len(source) > limits.enum_values:
            raise _beyond("enum_values", limits.enum_values, f"{len(source)} texts", pointer)
        return
    if not limits.client_grammars:
        message = "This server compiles no regexes and grammars of its clients: send a JSON Schema or a choice instead."
        raise BeyondLimit(message, pointer=pointer)
    if kind == "regex":
        _check_pattern(source, lambda: pointer, limits)


def _check_schema(schema: Any, pointer: str, limits: Limits) -> None:
    try:
        _Walk(limits).schema(schema)
    except BeyondLimit as error:
        raise BeyondLimit(error.message, pointer=pointer + error.pointer, keyword=error.keyword) from None


Role = Literal["schema", "schemas by name", "data"]  # names there aren't keywords
_Level = list[tuple[_Place, Any, Role]]


class _Walk:
    """One walk over one schema. Whatever is no known data counts as a schema, since references lead anywhere."""

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
            raise _beyond("schema_depth", self._limits.schema_depth, "Objects and lists within each other", at)

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
            what = f"{self._properties} properties"
            raise _beyond("properties", self._limits.properties, what, place.pointer())

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
            what = f"{self._values} values in enums"
            raise _beyond("enum_values", self._limits.enum_values, what, place.pointer())


def _role(keyword: Keyword | None) -> Role:
    """That of the values in a keyword's value."""
    if keyword is not None and keyword.holds in ("schemas by name", "data"):
        return keyword.holds
    return "schema"


_WITHIN: Mapping[Role, Role] = {"schemas by name": "schema", "data": "data"}
_MEASURES: Mapping[Measure, Callable[[_Walk, _Place, Any], None]] = {
    "names": _Walk.properties,
    "name patterns": _Walk.patterns,
    "regex": _Walk.pattern,
    "values": _Walk.enum,
}


def _check_pattern(pattern: str, pointer: Callable[[], str], limits: Limits) -> None:
    if len(pattern) > limits.pattern_length:
        raise _beyond("pattern_length", limits.pattern_length, f"A pattern of {len(pattern)} characters", pointer())
    if (size := written_out(pattern)) > limits.repetitions:
        what = f"A pattern of {size} characters once its repetitions are written out"
        raise _beyond("repetitions", limits.repetitions, what, pointer())


_PIECE = re.compile(
    r"""(?P<open>\((?:\?(?:[:=!]|<[=!]|P?<\w+>))?)
      | (?P<close>\))
      | (?P<count>\{\s*(?P<least>\d+)\s*(?:,\s*(?P<most>\d*)\s*)?\})
      | (?P<sign>[|*+?^$])
      | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<atom>\\?.)""",
    re.VERBOSE | re.DOTALL,
)


def written_out(pattern: str) -> int:
    """How many characters the pattern has with its counted repetitions written out. What it means is not looked at."""
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


def _beyond(limit: str, most: int, what: str, pointer: str) -> BeyondLimit:
    return BeyondLimit(f"{what}: this server takes at most {most} (max_{limit}).", pointer=pointer)
