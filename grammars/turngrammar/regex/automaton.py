"""Languages as automata: a state is a language, a step its derivative (Brzozowski, JACM 1964).

New states cost time, so `Automaton.step` respects the thread's `time_budget`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count

from turngrammar.regex import charset
from turngrammar.regex.budget import seconds_left
from turngrammar.regex.charset import CharSet
from turngrammar.regex.language import (
    ANY,
    EMPTY,
    NEVER,
    Kind,
    Language,
    cat,
    complement,
    intersection,
    repeat,
    union,
)

STATES = 400  # visited before a decision about a language is given up; patterns of real schemas need fewer than 100
STEPS = 20_000  # that an automaton caches


class Automaton:
    """A deterministic automaton, built lazily. Its cache of steps is its only state."""

    def __init__(self, root: Language) -> None:
        self.root = root
        self.classes: list[CharSet] = charset.minterms(_sets(root))
        ranges = sorted((low, index) for index, block in enumerate(self.classes) for low, _ in block)
        self._lows = [low for low, _ in ranges]
        self._class_of = [index for _, index in ranges]
        self._steps: dict[tuple[Language, int], Language] = {}

    def step(self, state: Language, index: int) -> Language:
        """The rest of the language after one character of class `index`."""
        key = (state, index)
        if key not in self._steps:
            seconds_left()
            if len(self._steps) >= STEPS:
                self._steps.clear()
            self._steps[key] = _derive(state, self.classes[index][0][0])
        return self._steps[key]

    def after(self, state: Language, char: str) -> Language:
        """The rest of the language after this character."""
        return self.step(state, self._class_of[bisect_right(self._lows, ord(char)) - 1])

    def matches(self, text: str) -> bool:
        """Whether the whole text is in the language. Linear in the text: no backtracking."""
        state = self.root
        for char in text:
            state = self.after(state, char)
            if state is NEVER or state == ANY:
                break
        return state.nullable

    def states(self, most: int = STATES) -> Iterator[Language | None]:
        """Reachable states; None once, at the end, if there are more than `most`.

        Breadth first finds short strings soon, depth first long ones: by turns.
        """
        seen = {self.root}
        queue = deque(seen)
        for turn in count():
            if not queue:
                return
            state = queue.pop() if turn % 2 else queue.popleft()
            yield state
            for index in range(len(self.classes)):
                after = self.step(state, index)
                if after not in seen:
                    seen.add(after)
                    queue.append(after)
            if len(seen) > most:
                yield None
                return


@lru_cache(maxsize=1024)
def automaton(language: Language) -> Automaton:
    return Automaton(language)


@lru_cache(maxsize=4096)
def is_empty(language: Language) -> bool | None:
    """Whether no string is in it; None if that takes more than STATES states to decide."""
    if language.nullable:
        return False
    if not language.boolean:
        return language is NEVER  # without "and" and "not", the constructors build no other empty expression
    for state in automaton(language).states():
        if state is None:
            return None
        if state.nullable:
            return False
    return True


def disjoint(left: Language, right: Language) -> bool:
    """Whether provably no string is in both."""
    return is_empty(intersection(left, right)) is True


def _sets(root: Language) -> set[CharSet]:
    sets: set[CharSet] = set()
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.parts if node.kind != "loop" else (node.data.content,))
            if node.kind == "chars":
                sets.add(node.data)
    return sets


@lru_cache(maxsize=1 << 14)
def _derive(node: Language, code: int) -> Language:
    return _DERIVE[node.kind](node, code)


def _derive_cat(node: Language, code: int) -> Language:
    options: list[Language] = []
    for i, part in enumerate(node.parts):
        options.append(cat(_derive(part, code), *node.parts[i + 1 :]))
        if not part.nullable:
            break
    return union(*options)


def _derive_repeat(node: Language, code: int) -> Language:
    least, most = node.data
    rest = repeat(node.parts[0], max(least - 1, 0), None if most is None else most - 1)
    return cat(_derive(node.parts[0], code), rest)


_DERIVE: dict[Kind, Callable[[Language, int], Language]] = {
    "never": lambda node, code: NEVER,
    "empty": lambda node, code: NEVER,
    "chars": lambda node, code: EMPTY if charset.has_code(node.data, code) else NEVER,
    "cat": _derive_cat,
    "or": lambda node, code: union(*(_derive(part, code) for part in node.parts)),
    "and": lambda node, code: intersection(*(_derive(part, code) for part in node.parts)),
    "not": lambda node, code: complement(_derive(node.parts[0], code)),
    "repeat": _derive_repeat,
    "loop": lambda node, code: _derive(node.data.content, code),
}
