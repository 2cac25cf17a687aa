"""Errors of compiling, as data.

GrammarError              problem, pointer, keyword, tool -> message
├── InvalidSchema         the schema is not a JSON Schema
├── RefusedSchema         a keyword can be neither enforced nor checked
│   └── ImpossibleSchema  no document fits the schema
├── InvalidTools          the tools, or the choice among them, contradict themselves
├── InvalidGrammar        the client's own Lark, EBNF or regex is invalid
└── BeyondLimit           a schema, a pattern or the list of tools exceeds a limit

The caller is at fault in all of them: an HTTP layer answers 400 and points at `pointer`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from turngrammar.scan import dump_json

MESSAGE_LENGTH = 500  # characters of a message, whatever the client's schema has in it
PLACE_LENGTH = 160  # of the pointer in a message
VALUE_LENGTH = 80  # of a value in a message


class GrammarError(Exception):
    """A request that can't be compiled.

    Attributes:
        problem: sentences with the problem and the fix.
        pointer: RFC 6901 JSON pointer into the offending value ("" is the value itself).
        keyword: the JSON Schema keyword at fault, or "".
        tool: the name of the tool at fault, or "".
        base: the part of `pointer` that leads to the schema or grammar; the message leaves it out.
        subject: what is at fault, without a tool.
    """

    subject: ClassVar[str] = ""

    def __init__(self, problem: str, *, pointer: str = "", keyword: str = "", tool: str = "", base: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.pointer = pointer
        self.keyword = keyword
        self.tool = tool
        self.base = base

    @property
    def message(self) -> str:
        """Tool and place, then the problem, in at most MESSAGE_LENGTH characters."""
        subject = f"Tool {shown(self.tool)}" if self.tool else self.subject
        place = cut(self.pointer.removeprefix(self.base), PLACE_LENGTH)
        where = ", ".join(part for part in (subject, place) if part)
        return cut(f"{where}: {self.problem}" if where else self.problem, MESSAGE_LENGTH)

    def __str__(self) -> str:
        return self.message

    def inside(self, base: str, tool: str = "") -> Self:
        """The same error of a schema or grammar that stands at `base` in a request."""
        return type(self)(
            self.problem,
            pointer=base + self.pointer,
            keyword=self.keyword,
            tool=tool or self.tool,
            base=base + self.base,
        )


class InvalidSchema(GrammarError):
    """The schema violates its meta-schema, or a `$ref` in it resolves to nothing."""

    subject = "Schema"


class RefusedSchema(GrammarError):
    """A keyword that can be neither enforced by the grammar nor checked on the result."""

    subject = "Schema"


class ImpossibleSchema(RefusedSchema):
    """No document fits the schema: `pointer` leads to the innermost part that nothing fits."""


class InvalidTools(GrammarError):
    """Tools or a tool choice that contradict themselves: duplicate names, a choice of an unknown tool."""


class InvalidGrammar(GrammarError):
    """The client's own grammar or regex does not compile."""


class BeyondLimit(GrammarError):
    """A schema, a pattern or the list of tools exceeds a limit, which the message names."""


def shown(value: Any, length: int = VALUE_LENGTH) -> str:
    """A value in a message: a string in quotes, anything else as JSON, without its middle if it is long."""
    return cut(repr(value) if isinstance(value, str) else dump_json(value), length)


def cut(text: str, length: int) -> str:
    """The text without its middle, if it is longer."""
    if len(text) <= length:
        return text
    end = (length - len(_GAP)) // 2
    return f"{text[: length - len(_GAP) - end]}{_GAP}{text[-end:]}"


_GAP = " ... "
