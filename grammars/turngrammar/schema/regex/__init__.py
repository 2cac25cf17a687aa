"""Regular expressions as ECMA-262 means them, as languages that can be intersected, complemented and printed again."""

from turngrammar.schema.regex.automaton import automaton, disjoint, empty, plain
from turngrammar.schema.regex.ecma import compile_pattern
from turngrammar.schema.regex.language import ANY, NEVER, Language, all_but, length, meet, negate, union, words
from turngrammar.schema.regex.syntax import Irregular, RegexError
from turngrammar.schema.regex.text import pattern

__all__ = [
    "ANY",
    "NEVER",
    "Irregular",
    "Language",
    "RegexError",
    "all_but",
    "automaton",
    "compile_pattern",
    "disjoint",
    "empty",
    "length",
    "meet",
    "negate",
    "pattern",
    "plain",
    "union",
    "words",
]
