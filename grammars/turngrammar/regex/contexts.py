"""What the look-behinds of a pattern know of the text before a position: an automaton that reads it.

Without look-behind, all positions are alike: there is one context.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from turngrammar.regex import charset
from turngrammar.regex.automaton import automaton
from turngrammar.regex.charset import CharSet
from turngrammar.regex.edges import ending_in
from turngrammar.regex.errors import Irregular
from turngrammar.regex.language import Language, complement, intersection
from turngrammar.regex.tree import Look

MOST = 16
State = tuple[Language, ...]  # for each look-behind, the texts that would fulfil it if they came next
Vector = tuple[Language, ...]  # a language for each context


class NoSimpleLanguage(Exception):
    """The words between some contexts are not those that look-behinds select."""


class Contexts:
    """The contexts are numbered; 0 is the one at the beginning of the text.

    Attributes:
        moves: for each context, which characters lead to which.
        last: for each context, the characters that lead there from anywhere; None if it also depends on where from.
    """

    def __init__(self, behind: Mapping[Look, Language]) -> None:
        """`behind` has the texts before a position that fulfil each look-behind, its sign aside."""
        languages = list(dict.fromkeys(behind.values()))
        self._index = {look: languages.index(language) for look, language in behind.items()}
        self._states: list[State] = [tuple(languages)]
        self.moves = list(self._explore(languages))
        self.last = self._last_characters()

    def __len__(self) -> int:
        return len(self._states)

    def holds(self, look: Look, context: int) -> bool:
        return self._states[context][self._index[look]].nullable != look.negative

    def words_between(self, words: Language, start: int, ends: Iterable[int]) -> Language:
        """Those of the words that lead from one context to some others. Raises NoSimpleLanguage."""
        targets = frozenset(ends)
        if self.last is not None:
            return ending_in(words, charset.set_union(*(self.last[end] for end in targets)))
        return intersection(words, *self._between(start, targets))

    def _between(self, start: int, targets: frozenset[int]) -> Iterator[Language]:
        """The languages of which the texts between two contexts are the intersection."""
        others = set(range(len(self))) - targets
        for languages, rest in zip(zip(*self._states, strict=True), self._states[start], strict=True):
            fulfilled = {context for context, language in enumerate(languages) if language.nullable}
            if targets <= fulfilled and not others <= fulfilled:
                yield rest
                others &= fulfilled
            elif targets.isdisjoint(fulfilled) and not others.isdisjoint(fulfilled):
                yield complement(rest)
                others -= fulfilled
        if others:
            raise NoSimpleLanguage

    def _explore(self, languages: list[Language]) -> Iterator[list[tuple[CharSet, int]]]:
        blocks = charset.minterms(block for language in languages for block in automaton(language).classes)
        for state in self._states:
            moves: dict[int, CharSet] = {}
            for block in blocks:
                target = self._number(_after(languages, state, chr(block[0][0])))
                moves[target] = charset.set_union(moves.get(target, charset.NONE), block)
            yield [(codes, target) for target, codes in moves.items()]

    def _number(self, state: State) -> int:
        if state not in self._states:
            if len(self._states) == MOST:
                raise Irregular("its look-behinds would make the grammar too large")
            self._states.append(state)
        return self._states.index(state)

    def _last_characters(self) -> list[CharSet] | None:
        reached = [{number: codes for codes, number in moves} for moves in self.moves]
        first = reached[0]
        if any(other != first for other in reached):
            return None
        return [first.get(number, charset.NONE) for number in range(len(self))]


def _after(languages: list[Language], state: State, char: str) -> State:
    return tuple(automaton(language).after(rest, char) for language, rest in zip(languages, state, strict=True))
