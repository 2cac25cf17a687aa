"""Errors of compiling, as data.

GrammarError              pointer, message
├── InvalidSchema         the schema is not a JSON Schema
├── RefusedSchema         a keyword can be neither enforced nor checked
├── InvalidTools          the tools, or the choice among them, contradict themselves
├── InvalidGrammar        the client's own Lark, EBNF or regex is invalid
└── BeyondLimit           a schema, a pattern or the list of tools exceeds a limit

The caller is at fault in all of them: an HTTP layer answers 400 and points at `pointer`.
"""

from __future__ import annotations


class GrammarError(Exception):
    """A request that can't be compiled.

    Attributes:
        message: one sentence with the problem and the fix.
        pointer: RFC 6901 JSON pointer into the offending value ("" is the value itself).
        keyword: the JSON Schema keyword at fault, or "".
    """

    def __init__(self, message: str, *, pointer: str = "", keyword: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        self.keyword = keyword

    def __str__(self) -> str:
        return f"{self.message} (at {self.pointer})" if self.pointer else self.message


class InvalidSchema(GrammarError):
    """The schema violates its meta-schema, or a `$ref` in it resolves to nothing."""


class RefusedSchema(GrammarError):
    """A keyword that can be neither enforced by the grammar nor checked on the result."""


class InvalidTools(GrammarError):
    """Tools or a tool choice that contradict themselves: duplicate names, a choice of an unknown tool."""


class InvalidGrammar(GrammarError):
    """The client's own grammar or regex does not compile."""


class BeyondLimit(GrammarError):
    """A schema, a pattern or the list of tools exceeds a limit, which the message names."""
