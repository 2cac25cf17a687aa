"""Expressions of llguidance's Lark: literals, sequences, repetition, and lists with separators and bounds.

The text of clients and formats gets into a grammar only through `quoted` and `escaped`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii

ANYTHING = r"(.|\n)*"
# Text with a visible character: neither whitespace nor a control or format character.
VISIBLE = ANYTHING + r"[^\p{Z}\p{Cc}\p{Cf}]" + ANYTHING
_INVISIBLE = ("Zs", "Zl", "Zp", "Cc", "Cf")
_NEEDS_ESCAPE = re.compile(r"[^A-Za-z0-9_ <>\"'=:,;!@`\u00a1-\ud7ff]")
Either = Callable[[Sequence[str]], str]  # makes a rule of alternatives and returns its name


def has_visible(text: str) -> bool:
    """Whether it matches VISIBLE."""
    return any(unicodedata.category(character) not in _INVISIBLE for character in text)


def quoted(text: str) -> str:
    """`text` as a Lark string."""
    return encode_basestring_ascii(text)


def escaped(text: str) -> str:
    """`text` as a piece of a Lark regex, which matches nothing else."""
    return _NEEDS_ESCAPE.sub(lambda match: f"\\x{{{ord(match[0]):x}}}", text)


def any_text(texts: tuple[str, ...]) -> str:
    """A piece of a Lark regex that matches any of `texts`."""
    return any_of([*map(escaped, texts)])


def any_of(regexes: Sequence[str]) -> str:
    """A Lark regex that matches what any of `regexes` does."""
    return f"({'|'.join(regexes)})"


def join(*expressions: str) -> str:
    """A sequence of Lark expressions, of which "" is the empty one."""
    return " ".join(filter(None, expressions))


def repeated(rule: str, least: int, most: int | None) -> str:
    """The Lark expression of `rule`, `least` to `most` times (None: any number); "" for never."""
    if most == 0:
        return ""
    return f"{rule}*" if (least, most) == (0, None) else f"{rule}{{{least},{'' if most is None else most}}}"


@dataclass(frozen=True)
class Member:
    """A member that an object lists; `body` is the expression of its name and value."""

    body: str
    required: bool


@dataclass(frozen=True)
class Bounds:
    """The number of members or items that is allowed; `most` None: any."""

    least: int = 0
    most: int | None = None

    def after(self, count: int) -> Bounds:
        """The number that is allowed behind `count` of them."""
        return Bounds(max(self.least - count, 0), None if self.most is None else max(self.most - count, 0))


def object_members(listed: Sequence[Member], free: str, bounds: Bounds, comma: str, either: Either) -> str | None:
    """The members of an object: those listed, in order, then free ones. None where no such object exists.

    It goes backwards over the list and keeps an expression of the rest for each number of members that may precede it,
    as far as counting takes, and at least for "none" and "some", for the comma.
    """
    if bounds.least <= sum(member.required for member in listed):
        bounds = Bounds(0, bounds.most)
    *before, final = _counts_before(listed, max(1, bounds.least, bounds.most or 0))
    rests = {count: _free_members(free, bounds.after(count), comma, either, first=not count) for count in final}
    for member, counts in zip(reversed(listed), reversed(before), strict=True):
        rests = {count: _members_from(member, count, rests, bounds, comma, either) for count in counts}
    return rests[0]


def _counts_before(listed: Sequence[Member], most: int) -> list[list[int]]:
    """The numbers of members that may precede each listed one, and the end; `most` stands for that many and more."""
    counts = [[0]]
    for member in listed:
        more = {min(count + 1, most) for count in counts[-1]}
        counts.append(sorted(more if member.required else more.union(counts[-1])))
    return counts


def _members_from(
    member: Member, count: int, rests: Mapping[int, str | None], bounds: Bounds, comma: str, either: Either
) -> str | None:
    after = rests[min(count + 1, max(rests))]
    room = bounds.most is None or count < bounds.most
    taken = join(_separator(comma) if count else "", member.body, after) if room and after is not None else None
    skipped = None if member.required else rests[count]
    ways = [way for way in (taken, skipped) if way is not None]
    return either(ways) if ways else None


def _free_members(free: str, bounds: Bounds, comma: str, either: Either, *, first: bool) -> str | None:
    if not free:
        return None if bounds.least else ""
    return _repeated_first(free, bounds, comma, either) if first else _repeated_later(free, bounds, comma)


def array_items(prefix: Sequence[str], rest: str, bounds: Bounds, comma: str, either: Either) -> str | None:
    """The items of an array: those of the prefix in order, then more of one kind. None where no such array exists."""
    if not rest and bounds.least > len(prefix):
        return None
    if not prefix:
        return _repeated_first(rest, bounds, comma, either) if rest else ""
    body = _repeated_later(rest, bounds.after(len(prefix)), comma) if rest else ""
    return behind_prefix(prefix, body, bounds, comma, either)


def behind_prefix(prefix: Sequence[str], body: str, bounds: Bounds, comma: str, either: Either) -> str:
    """The items of the prefix, as many as are required, or all of them and the body."""
    for index in reversed(range(len(prefix))):
        body = join(_separator(comma) if index else "", prefix[index], body)
        body = body if index < bounds.least else either([body, ""])
    return body


def _repeated_first(body: str, bounds: Bounds, comma: str, either: Either) -> str:
    """`body`, repeated, with nothing before it."""
    if bounds.most == 0:
        return ""
    some = join(body, _repeated_later(body, bounds.after(1), comma))
    return some if bounds.least else either([some, ""])


def _repeated_later(body: str, bounds: Bounds, comma: str) -> str:
    """`body`, repeated, behind other members or items."""
    return repeated(f"({join(_separator(comma), body)})", bounds.least, bounds.most)


def _separator(comma: str) -> str:
    return quoted(comma) if comma else ""
