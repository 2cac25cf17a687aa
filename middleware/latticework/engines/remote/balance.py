"""Which remote gets an answer: the one that has read the beginning of its prompt before, unless that is too busy.

A remote keeps what it has read. So prompts that begin alike go to the same one: all remotes are put in an order that
follows from the prompt's first tokens and is different for each beginning (rendezvous hashing), and where one comes or
goes, only its own prompts move. The first in that order with a load near the least is taken.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b

# Tokens that make a beginning: system prompts differ within so many, and what is shorter is read quickly.
BEGINNING = 256
# How many more answers than the least busy remote one may have, before prompts that it knows go elsewhere: as many, or
# as large a part of the least.
SLACK = 4
SHARE = 1 / 4


def chosen(prompt: Sequence[int], names: Sequence[str], loads: Sequence[int]) -> int:
    """The place of one among `names`, each with the answers that it is at. There must be one."""
    if len(names) == 1:
        return 0
    least = min(loads)
    most = least + max(SLACK, least * SHARE)
    return next(place for place in order(prompt, names) if loads[place] <= most)


def order(prompt: Sequence[int], names: Sequence[str]) -> Sequence[int]:
    """The places of all names, the one that prompts of this beginning belong to first."""
    beginning = array("q", prompt[:BEGINNING]).tobytes()
    key = blake2b(beginning, digest_size=32).digest()
    weights = [blake2b(name.encode(), digest_size=8, key=key).digest() for name in names]
    return sorted(range(len(names)), key=weights.__getitem__, reverse=True)
