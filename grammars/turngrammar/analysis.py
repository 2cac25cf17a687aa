"""Properties of a wire tree: its texts, the literals that it opens with, and the tree behind one of those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from turngrammar.wire import Alt, Id, Invocation, Lit, Many, Node, Seq, parts, seq


def texts(node: Any) -> Iterator[str]:
    """Every text in a tree, in any field of any node."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from texts(part)
    elif is_dataclass(node):
        for field in fields(node):
            yield from texts(getattr(node, field.name))


def has_node(node: Any, kind: type[Node]) -> bool:
    """Whether a tree has a node of this kind."""
    if isinstance(node, kind):
        return True
    if isinstance(node, tuple):
        return any(has_node(part, kind) for part in node)
    return is_dataclass(node) and any(has_node(getattr(node, field.name), kind) for field in fields(node))


def openings(node: Node) -> tuple[str, ...]:
    """The literals that `node` can open with, which end a free text before it.

    Raises TypeError for a node that opens with anything but a literal; such a node can't follow free text.
    """
    match node:
        case Lit(text):
            return (text,)
        case Seq((first, *_)) | Invocation(first, _) | Many(first) | Id(first):
            return openings(first)
        case Alt(options):
            return tuple(dict.fromkeys(text for option in options for text in openings(option)))
        case _:
            raise TypeError(f"free text cannot end before {node}: it does not open with a literal")


def after(node: Node, opening: str) -> Node:
    """`node` behind `opening`, which is one of its openings."""
    match node:
        case Lit(text):
            return Lit(text.removeprefix(opening))
        case Seq((first, *rest)):
            return seq(after(first, opening), *rest)
        case Invocation(head, tail):
            return Invocation(after(head, opening), tail)
        case Id(body):
            return Id(after(body, opening))
        case Many(item, separator, least, most):
            others = Many(seq(separator, item), Lit(""), max(least - 1, 0), None if most is None else most - 1)
            return seq(after(item, opening), others)
        case Alt(options):
            return Alt(tuple(after(option, opening) for option in options if opening in openings(option)))
        case _:
            raise TypeError(f"{node} does not open with a literal")


def unrolled(calls: Node) -> Node:
    """The same calls, with everything before the first call moved into its head.

    llguidance's lexer is greedy: where text may stand instead, it needs a single lexeme to distinguish the two.
    """
    match calls:
        case Invocation():
            return calls
        case Many(item, separator, least, most):
            others = Many(seq(separator, item), Lit(""), max(least - 1, 0), None if most is None else most - 1)
            return seq(unrolled(item), others)
        case Seq(inner):
            first = next(index for index, part in enumerate(inner) if isinstance(part, Invocation | Many))
            return _with_prefix(inner[:first], seq(unrolled(inner[first]), *inner[first + 1 :]))
        case _:
            raise TypeError(f"{calls} has no call whose beginning differs from text")


def _with_prefix(prefix: tuple[Node, ...], calls: Node) -> Node:
    first, *rest = parts(calls)
    assert isinstance(first, Invocation)
    return seq(Invocation(seq(*prefix, first.head), first.tail), *rest)


def at_most(node: Node, most: int | None) -> Node:
    """`node` with at most this many calls."""
    match node:
        case Many(most=limit):
            return replace(node, most=min((bound for bound in (limit, most) if bound is not None), default=None))
        case Seq(inner):
            return seq(*(at_most(part, most) for part in inner))
        case _:
            return node
