"""Markup in pieces that are never cut: tags, words, single characters. So two texts are compared tag by tag.

`<tool_calls>` and `<tool_call>` begin alike as text; as atoms they have nothing in common.
"""

from __future__ import annotations

import re
from itertools import takewhile

_ATOM = re.compile(r"<[^<>\n]*>|\[/?[A-Z_]+\]|\w+|.", re.DOTALL)
_TAG = re.compile(r"<[^<>\n]*>|\[/?[A-Z_]+\]")


def atoms(text: str) -> list[str]:
    """The pieces that `text` is made of; joined, they are `text`."""
    return _ATOM.findall(text)


def is_tag(atom: str) -> bool:
    """Whether it is `<…>`, or capitals in square brackets, as Mistral's are."""
    return _TAG.fullmatch(atom) is not None


def opens_with_tag(text: str) -> bool:
    """Whether a tag, whole or not, stands at the beginning: what no JSON and hardly any prose begins with."""
    return text.startswith("<") or _TAG.match(text) is not None


def common_start(one: str, other: str) -> str:
    """The longest run of atoms with which both texts begin."""
    return "".join(_same(atoms(one), atoms(other)))


def common_end(one: str, other: str) -> str:
    """The longest run of atoms with which both texts end."""
    return "".join(reversed(_same(atoms(one)[::-1], atoms(other)[::-1])))


def without_common_end(one: str, other: str) -> tuple[str, str]:
    """Both texts without the atoms with which both end, whitespace aside."""
    first, second = atoms(one.rstrip()), atoms(other.rstrip())
    while first and second and first[-1] == second[-1]:
        first, second = atoms("".join(first[:-1]).rstrip()), atoms("".join(second[:-1]).rstrip())
    return "".join(first), "".join(second)


def _same(one: list[str], other: list[str]) -> list[str]:
    return [atom for atom, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))]
