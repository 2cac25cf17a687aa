"""How calls that stand alone differ from text in their place: by their beginning, a regex."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from turngrammar.terminals.expressions import any_of, escaped
from turngrammar.wire import (
    Ahead,
    Alt,
    Id,
    Invocation,
    Lit,
    Many,
    May,
    Name,
    Node,
    Opt,
    Ordinal,
    Seq,
    Space,
    Stray,
    Word,
)

WORD = r"[A-Za-z0-9_\-]{1,64}"


def head_regex(calls: Node, names: Iterable[str]) -> str:
    """A Lark regex of all that the parser takes for the beginning of `calls`, up to the head of the first.

    `names` are those of the tools that may be called.
    """
    return "".join(_head_regex(node, names) for node in _to_first_head(calls))


def _to_first_head(node: Node) -> Iterator[Node]:
    match node:
        case Invocation(first, _):
            yield first
        case Many(item):
            yield from _to_first_head(item)
        case Seq(inner):
            for part in inner:
                yield from _to_first_head(part)
                if isinstance(part, Invocation | Many):
                    return
        case _:
            yield node


def _head_regex(node: Node, names: Iterable[str]) -> str:
    match node:
        case Lit(text) | Ahead(text):
            return escaped(text)
        case Space():
            return r"[ \t\r\n]*"
        case Name():
            return any_of([r"[A-Za-z0-9_.\-]+", *map(escaped, names)])
        case Ordinal():
            return "[0-9]+"
        case Word():
            return WORD
        case Seq(inner):
            return "".join(_head_regex(part, names) for part in inner)
        case Alt(options):
            return any_of([_head_regex(option, names) for option in options])
        case Opt(body) | May(body) | Stray(body):
            return f"({_head_regex(body, names)})?"
        case Id(body):
            return _head_regex(body, names)
        case _:
            raise TypeError(f"{node} can't be in the head of a call")
