"""How long the shortest text of a client's grammar is, at least; and which of its rules no text fits.

A rule that needs itself never ends, and a terminal may exclude all that it allows. llguidance finds that only when the
answer is there, in the middle of a text that nothing can finish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import inf

from turngrammar.client.json_string_regex import least_length
from turngrammar.client.lark_reader import (
    Combined,
    Definition,
    LarkChoice,
    LarkText,
    Reference,
    Regex,
    Repeated,
    Sequence_,
    Tree,
    read_definitions,
)
from turngrammar.errors import InvalidGrammar, shown
from turngrammar.terminals.trial import fits_nothing, is_empty

Lengths = Mapping[str, float]

# Definitions of a grammar that is read: they are gone through until no length changes.
MOST_DEFINITIONS = 2_000
MOST_LENGTH = 10**9  # longer texts count as this long: counts of counts of counts grow without end


def least_characters(lark: str) -> int:
    """Of any text of the grammar, which llguidance has accepted; 0 where nothing is known.

    Raises InvalidGrammar where no text fits the grammar, or a rule that it uses.
    """
    definitions = read_definitions(lark)
    if definitions is None or "start" not in definitions or len(definitions) > MOST_DEFINITIONS:
        return 0
    lengths = _Lengths(definitions).settled()
    for name in _used(definitions):
        if lengths[name] == inf:
            raise _endless(_innermost(name, definitions, lengths))
    return int(lengths["start"])


def _used(definitions: Mapping[str, Definition]) -> Iterator[str]:
    """The names of the definitions that `start` leads to."""
    seen, waiting = {"start"}, ["start"]
    while waiting:
        name = waiting.pop()
        yield name
        new = {other for other in definitions[name].references() if other in definitions and other not in seen}
        seen |= new
        waiting += sorted(new)


def _innermost(name: str, definitions: Mapping[str, Definition], lengths: Lengths) -> str:
    """The definition at fault: one without others that no text fits, or one that needs itself."""
    path: list[str] = []
    while name not in path:
        path.append(name)
        faulty = [other for other in definitions[name].references() if lengths.get(other) == inf]
        if not faulty:
            return name
        name = next((other for other in faulty if other not in path), faulty[0])
    return name


def _endless(name: str) -> InvalidGrammar:
    problem = f"No text fits {shown(name)}: it never ends, or excludes all that it allows."
    return InvalidGrammar(f"{problem} Give it an alternative that ends, or leave it out.")


class _Lengths:
    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._definitions = definitions
        self._lengths: dict[str, float] = dict.fromkeys(definitions, inf)

    def settled(self) -> Lengths:
        changed = True
        while changed:
            changed = False
            for name, definition in self._definitions.items():
                length = self._of_definition(name, definition)
                changed |= length < self._lengths[name]
                self._lengths[name] = min(length, self._lengths[name])
        return self._lengths

    def _of_definition(self, name: str, definition: Definition) -> float:
        if isinstance(definition.tree, Combined):
            return inf if fits_nothing(self._alone(name), name) else 0
        return self._of(definition.tree)

    def _alone(self, name: str) -> str:
        """The definitions that a terminal needs."""
        seen, waiting = {name}, [name]
        while waiting:
            references = self._definitions[waiting.pop()].references()
            new = {other for other in references if other in self._definitions and other not in seen}
            seen |= new
            waiting += new
        return "\n".join(self._definitions[other].source for other in sorted(seen))

    def _of(self, tree: Tree) -> float:
        match tree:
            case LarkText(least):
                return least
            case Regex(source):
                return _of_regex(source)
            case Reference(name):
                return self._lengths.get(name, 0)  # imported
            case Sequence_(parts):
                return _bounded(sum(map(self._of, parts)))
            case LarkChoice(options):
                return min(map(self._of, options))
            case Repeated(body, least):
                return _bounded(least * self._of(body)) if least else 0
            case Combined():
                return 0


def _bounded(length: float) -> float:
    return length if length == inf else min(length, MOST_LENGTH)


@lru_cache(maxsize=1024)
def _of_regex(source: str) -> float:
    if is_empty(source):
        return inf
    pattern, _, flags = source[1:].rpartition("/")
    try:
        return least_length(pattern, flags)
    except InvalidGrammar:  # flags that change the syntax
        return 0
