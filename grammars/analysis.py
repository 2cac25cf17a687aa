"""What can be read off a wire tree without generating or parsing: how it opens, and what is left of it then."""

from __future__ import annotations

from dataclasses import replace

from grammars.wire import Alt, Call, Id, Lit, Many, Node, Seq, seq


def openings(node: Node) -> tuple[str, ...]:
    """The literals that `node` can open with: what ends a free text before it.

    Raises TypeError for a node that opens with anything but a literal; such a node can't follow free text.
    """
    match node:
        case Lit(text):
            return (text,)
        case Seq((first, *_)) | Call(first, _) | Many(first) | Id(first):
            return openings(first)
        case Alt(options):
            return tuple(dict.fromkeys(text for option in options for text in openings(option)))
        case _:
            raise TypeError(f"free text cannot end before {node}: it does not open with a literal")


def after(node: Node, opening: str) -> Node:
    """What is left of `node` when `opening`, one of its openings, has been written."""
    match node:
        case Lit(text):
            return Lit(text.removeprefix(opening))
        case Seq((first, *rest)):
            return seq(after(first, opening), *rest)
        case Call(head, tail):
            return Call(after(head, opening), tail)
        case Id(body):
            return Id(after(body, opening))
        case Many(item, separator, least, most):
            others = Many(seq(separator, item), Lit(""), max(least - 1, 0), None if most is None else most - 1)
            return seq(after(item, opening), others)
        case Alt(options):
            return Alt(tuple(after(option, opening) for option in options if opening in openings(option)))
        case _:
            raise TypeError(f"{node} does not open with a literal")


def at_most(node: Node, most: int | None) -> Node:
    """`node`, in which `Many` stands for at most this many calls."""
    match node:
        case Many():
            return replace(node, most=most)
        case Seq(parts):
            return seq(*(at_most(part, most) for part in parts))
        case _:
            return node
