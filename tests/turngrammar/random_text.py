"""Random strings of a language: a walk through its automaton, and the shortest way out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from turngrammar.regex import NEVER, Language, automaton, shortest_rest


def random_string(language: Language, rng: Random, most: int) -> str:
    """A string of up to `most` characters, or the shortest beyond."""
    text = "".join(islice(_walk(language, rng), rng.randrange(most + 1)))
    while (rest := shortest_rest(language, text)) is None:
        text = text[:-1]
    return text + rest


def _walk(language: Language, rng: Random) -> Iterator[str]:
    machine = automaton(language)
    state = language
    while True:
        ways = [(block, machine.step(state, index)) for index, block in enumerate(machine.classes)]
        alive = [(block, after) for block, after in ways if after is not NEVER]
        if not alive:
            return
        block, state = rng.choice(alive)
        yield chr(rng.randint(*rng.choice(block)))
