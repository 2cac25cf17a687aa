"""Lark expressions of lists: elements that may be missing, separators between those that are not, counts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from turngrammar.lark.escape import join, quoted, repeated

Either = Callable[[Sequence[str]], str]  # the name of a rule that is any of some expressions


@dataclass(frozen=True)
class Member:
    """A member that an object lists; `body` is the expression of its name and value."""

    body: str
    required: bool


@dataclass(frozen=True)
class Bounds:
    """How many there may be; `most` None: any number."""

    least: int = 0
    most: int | None = None

    def after(self, count: int) -> Bounds:
        """How many more there may be."""
        return Bounds(max(self.least - count, 0), None if self.most is None else max(self.most - count, 0))


def members(listed: Sequence[Member], free: str, bounds: Bounds, comma: str, either: Either) -> str | None:
    """The members of an object: the listed ones in order, then free ones. None where there is no such object.

    It goes backwards over the list and keeps an expression of the rest for each number of members that may stand before
    it: as many numbers as counting takes, and at least "none" and "some", for the comma.
    """
    if bounds.least <= sum(member.required for member in listed):
        bounds = Bounds(0, bounds.most)
    counted = max(1, bounds.least, bounds.most or 0)
    rests = [_free(free, bounds.after(count), comma, either, first=not count) for count in range(counted + 1)]
    for member in reversed(listed):
        rests = [_rest(member, count, rests, bounds, comma, either) for count in range(counted + 1)]
    return rests[0]


def _rest(
    member: Member, count: int, rests: Sequence[str | None], bounds: Bounds, comma: str, either: Either
) -> str | None:
    after = rests[min(count + 1, len(rests) - 1)]
    room = bounds.most is None or count < bounds.most
    taken = join(_comma(comma) if count else "", member.body, after) if room and after is not None else None
    skipped = None if member.required else rests[count]
    ways = [way for way in (taken, skipped) if way is not None]
    return either(ways) if ways else None


def _free(free: str, bounds: Bounds, comma: str, either: Either, *, first: bool) -> str | None:
    if not free:
        return None if bounds.least else ""
    return _at_start(free, bounds, comma, either) if first else _behind(free, bounds, comma)


def items(prefix: Sequence[str], rest: str, bounds: Bounds, comma: str, either: Either) -> str | None:
    """The items of an array: those of the prefix in order, then more of one kind. None where there is no such array."""
    if not rest and bounds.least > len(prefix):
        return None
    if not prefix:
        return _at_start(rest, bounds, comma, either) if rest else ""
    body = _behind(rest, bounds.after(len(prefix)), comma) if rest else ""
    for index in reversed(range(len(prefix))):
        body = join(_comma(comma) if index else "", prefix[index], body)
        body = body if index < bounds.least else either([body, ""])
    return body


def _at_start(body: str, bounds: Bounds, comma: str, either: Either) -> str:
    """`body`, repeated, where nothing stands before it."""
    if bounds.most == 0:
        return ""
    some = join(body, _behind(body, bounds.after(1), comma))
    return some if bounds.least else either([some, ""])


def _behind(body: str, bounds: Bounds, comma: str) -> str:
    """`body`, repeated, behind something else."""
    return repeated(f"({join(_comma(comma), body)})", bounds.least, bounds.most)


def _comma(comma: str) -> str:
    return quoted(comma) if comma else ""
