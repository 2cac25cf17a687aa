"""Strings of a language: the shortest rest of one, and a long one."""

from __future__ import annotations

from turngrammar.regex.automaton import Automaton, automaton
from turngrammar.regex.charset import CharSet, has_code
from turngrammar.regex.language import NEVER, Language

MAX_STATES = 4096  # in the search for the nearest end
# Of characters that are the same to a pattern, the first of these is taken: no calendar has a year 0000, and some
# date parsers reject a lower-case "t".
PREFERRED = "-1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz. _"


def shortest_rest(language: Language, text: str, preferred: str = PREFERRED) -> str | None:
    """The shortest text that makes `text` a string of the language; None if the search finds none.

    Of texts of one length, it is the one whose characters are preferred.
    """
    machine = automaton(language)
    state = language
    for char in text:
        state = machine.after(state, char)
    letters = _letters(machine, preferred)
    rests = {state: ""}
    queue = [state]
    for state in queue:
        if state.nullable:
            return rests[state]
        if len(rests) > MAX_STATES:
            return None
        for letter, index in letters:
            after = machine.step(state, index)
            if after not in rests:
                rests[after] = rests[state] + letter
                queue.append(after)
    return None


def long_start(language: Language, length: int) -> str:
    """The beginning of a long string: `length` characters, or fewer where none goes on. It varies the characters."""
    machine = automaton(language)
    letters = _letters(machine)
    state, text = language, ""
    while len(text) < length:
        turned = letters[len(text) % len(letters) :] + letters[: len(text) % len(letters)]
        ways = ((letter, machine.step(state, index)) for letter, index in turned)
        letter, state = next(((letter, after) for letter, after in ways if after is not NEVER), ("", state))
        if not letter:
            break
        text += letter
    return text


def _letters(machine: Automaton, preferred: str = PREFERRED) -> list[tuple[str, int]]:
    """A character of each class, the preferred ones first."""
    ranked = sorted((*_class_letter(block, preferred), index) for index, block in enumerate(machine.classes))
    return [(letter, index) for _, letter, index in ranked]


def _class_letter(block: CharSet, preferred: str) -> tuple[int, str]:
    """The preferred character of a class, and its rank."""
    for rank, letter in enumerate(preferred):
        if has_code(block, ord(letter)):
            return rank, letter
    return len(preferred), chr(block[-1][0])
