"""Languages cut down to the words that begin, or end, with one of some characters."""

from __future__ import annotations

from functools import lru_cache

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet
from turngrammar.regex.language import ANY, NEVER, Language, cat, chars, intersection, repeat, union


@lru_cache(maxsize=4096)
def starting_in(language: Language, codes: CharSet) -> Language:
    """The words that begin with one of these characters."""
    match language.kind:
        case "never" | "empty":
            return NEVER
        case "chars":
            return chars(charset.set_intersection(language.data, codes))
        case "cat":
            first, rest = language.parts[0], cat(*language.parts[1:])
            begun = cat(starting_in(first, codes), rest)
            return union(begun, starting_in(rest, codes)) if first.nullable else begun
        case "or":
            return union(*(starting_in(part, codes) for part in language.parts))
        case "and":
            return intersection(starting_in(language.parts[0], codes), *language.parts[1:])
        case "repeat":
            part = language.parts[0]
            first = starting_in(part, codes)
            return _once_more(language) if first == part else cat(first, _once_less(language))
        case _:
            return intersection(cat(chars(codes), ANY), language)


@lru_cache(maxsize=4096)
def ending_in(language: Language, codes: CharSet) -> Language:
    """The words that end with one of these characters."""
    match language.kind:
        case "never" | "empty":
            return NEVER
        case "chars":
            return chars(charset.set_intersection(language.data, codes))
        case "cat":
            rest, last = cat(*language.parts[:-1]), language.parts[-1]
            ended = cat(rest, ending_in(last, codes))
            return union(ending_in(rest, codes), ended) if last.nullable else ended
        case "or":
            return union(*(ending_in(part, codes) for part in language.parts))
        case "repeat":
            part = language.parts[0]
            last = ending_in(part, codes)
            return _once_more(language) if last == part else cat(_once_less(language), last)
        case _:
            return intersection(language, cat(ANY, chars(codes)))


def _once_more(repetition: Language) -> Language:
    least, most = repetition.data
    return repeat(repetition.parts[0], max(least, 1), most)


def _once_less(repetition: Language) -> Language:
    least, most = repetition.data
    return repeat(repetition.parts[0], max(least - 1, 0), None if most is None else most - 1)
