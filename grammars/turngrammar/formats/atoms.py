"""Markup in pieces that are never cut: tags, words, single characters. Two texts are compared piece by piece.

`<tool_calls>` and `<tool_call>` begin alike as text; as atoms they have nothing in common.
"""

from __future__ import annotations

import re
from itertools import takewhile

_ATOM = re.compile(r"<[^<>\n]*>|\[/?[A-Z_]+\]|\w+|.", re.DOTALL)
_TAG = re.compile(r"<[^<>\n]*>|\[/?[A-Z_]+\]")


def atoms(text: str) -> list[str]:
    """The pieces of `text`; joined, they are `text`."""
    return _ATOM.findall(text)


def is_tag(atom: str) -> bool:
    """Whether it is `<…>`, or capitals in square brackets, as Mistral's are."""
    return _TAG.fullmatch(atom) is not None


def opens_with_tag(text: str) -> bool:
    """Whether the text begins with a tag, whole or not, as no JSON and hardly any prose does."""
    return text.startswith("<") or _TAG.match(text) is not None


def common_start(first: str, second: str) -> str:
    """The longest run of atoms with which both texts begin."""
    return "".join(_common_atoms(atoms(first), atoms(second)))


def common_end(first: str, second: str) -> str:
    """The longest run of atoms with which both texts end."""
    return "".join(reversed(_common_atoms(atoms(first)[::-1], atoms(second)[::-1])))


def without_common_end(first: str, second: str) -> tuple[str, str]:
    """Both texts without the atoms with which both end, whitespace aside."""
    left, right = atoms(first.rstrip()), atoms(second.rstrip())
    while left and right and left[-1] == right[-1]:
        left, right = atoms("".join(left[:-1]).rstrip()), atoms("".join(right[:-1]).rstrip())
    return "".join(left), "".join(right)


def _common_atoms(first: list[str], second: list[str]) -> list[str]:
    """The longest common beginning of two lists of atoms."""
    return [atom for atom, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))]
