"""Languages without "and", "not" and "loop", which no pattern can express: from their smallest automaton.

Its states are eliminated one by one (Kleene), first those that make the expression grow least (Delgado and Morais, CIAA
2004).
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from turngrammar.regex import charset
from turngrammar.regex.automaton import Automaton, automaton
from turngrammar.regex.charset import CharSet
from turngrammar.regex.language import EMPTY, NEVER, Language, cat, chars, repeat, union

MOST_STATES = 400
MOST_NODES = 4000  # of the resulting expression, as a tree
MOST_DEPTH = 60  # of that tree, through which others recurse
_START, _END = -1, -2

Edges = dict[int, dict[int, Language]]  # from a state to another: what is read on the way


@lru_cache(maxsize=1024)
def printable(language: Language) -> Language | None:
    """The same language as a plain expression; None if it would grow too large."""
    if not language.boolean:
        return language
    machine = automaton(language)
    states: list[Language] = []
    for state in machine.states(MOST_STATES):
        if state is None:
            return None
        states.append(state)
    edges = _without_dead_ends(_edges(machine, _state_numbers(machine, states)))
    return _Elimination(edges).expression() if _START in edges else NEVER


def _state_numbers(machine: Automaton, states: list[Language]) -> dict[Language, int]:
    """The states with numbers; those from which the same is accepted have the same (Moore)."""
    after = [[machine.step(state, index) for index in range(len(machine.classes))] for state in states]
    order = {state: place for place, state in enumerate(states)}
    places = [[order[target] for target in targets] for targets in after]
    numbers = [int(state.nullable) for state in states]
    count = 0
    while len(set(numbers)) > count:
        count = len(set(numbers))
        known: dict[tuple[int, ...], int] = {}
        keys = ((numbers[place], *(numbers[target] for target in places[place])) for place in range(len(states)))
        numbers = [known.setdefault(key, len(known)) for key in keys]
    return dict(zip(states, numbers, strict=True))


def _edges(machine: Automaton, numbers: dict[Language, int]) -> Edges:
    edges: Edges = {_START: {numbers[machine.root]: EMPTY}}
    for number, state in {number: state for state, number in numbers.items()}.items():
        blocks: dict[int, list[CharSet]] = defaultdict(list)
        for index, block in enumerate(machine.classes):
            blocks[numbers[machine.step(state, index)]].append(block)
        edges[number] = {target: chars(charset.set_union(*sets)) for target, sets in blocks.items()}
        if state.nullable:
            edges[number][_END] = EMPTY
    return edges


def _without_dead_ends(edges: Edges) -> Edges:
    alive = {_END}
    count = 0
    while len(alive) > count:
        count = len(alive)
        alive |= {source for source, targets in edges.items() if not alive.isdisjoint(targets)}
    kept = ((source, targets) for source, targets in edges.items() if source in alive)
    return {source: {to: label for to, label in targets.items() if to in alive} for source, targets in kept}


class _Elimination:
    """Edges are labelled with languages; the last one, from start to end, is the result."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._sources: dict[int, set[int]] = defaultdict(set)
        for source, targets in edges.items():
            for target in targets:
                self._sources[target].add(source)

    def expression(self) -> Language | None:
        """None if it would grow too large."""
        growth = {state: self._growth(state) for state in self._edges if state != _START}
        while growth:
            gone = min(growth, key=growth.__getitem__)
            del growth[gone]
            changed = (self._sources[gone] | self._edges[gone].keys()) & growth.keys()
            if not self._bypass(gone):
                return None
            growth.update((state, self._growth(state)) for state in changed)
        return self._edges[_START][_END]

    def _bypass(self, gone: int) -> bool:
        """Leads every path through the state around it, unless the expression would grow too large."""
        out = self._edges.pop(gone)
        turns = repeat(out.pop(gone, NEVER), 0, None)
        sources = self._sources.pop(gone) - {gone}
        for target in out:
            self._sources[target] = (self._sources[target] - {gone}) | sources
        for source in sources:
            targets = self._edges[source]
            into = cat(targets.pop(gone), turns)
            for target, label in out.items():
                targets[target] = union(targets.get(target, NEVER), cat(into, label))
                if targets[target].size > MOST_NODES or targets[target].depth > MOST_DEPTH:
                    return False
        return True

    def _growth(self, state: int) -> int:
        """The nodes that eliminating the state adds, less those that it removes."""
        into = [self._edges[source][state].size for source in self._sources[state] if source != state]
        out = [label.size for target, label in self._edges[state].items() if target != state]
        turns = self._edges[state].get(state, NEVER).size
        return sum(into) * (len(out) - 1) + sum(out) * (len(into) - 1) + turns * (len(into) * len(out) - 1)
