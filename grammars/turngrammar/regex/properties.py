"""Unicode properties in `\\p{...}`: general categories, scripts, and the binary properties of ECMA-262."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import lru_cache

import regex  # type: ignore[import-untyped]

from turngrammar.regex.charset import ALL, CharSet, Range

_LONG_CATEGORIES = (
    "Cased_Letter Close_Punctuation Connector_Punctuation Control Currency_Symbol Dash_Punctuation Decimal_Number "
    "Enclosing_Mark Final_Punctuation Format Initial_Punctuation Letter Letter_Number Line_Separator Lowercase_Letter "
    "Mark Math_Symbol Modifier_Letter Modifier_Symbol Nonspacing_Mark Number Open_Punctuation Other Other_Letter "
    "Other_Number Other_Punctuation Other_Symbol Paragraph_Separator Private_Use Punctuation Separator Space_Separator "
    "Spacing_Mark Symbol Titlecase_Letter Unassigned Uppercase_Letter Combining_Mark digit punct cntrl"
)
_MINOR = {"L": "Cutmol", "M": "nce", "N": "dlo", "P": "cdseifo", "S": "mcko", "Z": "slp", "C": "cfon"}
_CATEGORIES = frozenset(_LONG_CATEGORIES.split()) | {
    major + minor for major, minors in _MINOR.items() for minor in ("", *minors)
}
_LONG_BINARY = (
    "ASCII ASCII_Hex_Digit Alphabetic Any Assigned Bidi_Control Bidi_Mirrored Case_Ignorable Cased "
    "Changes_When_Casefolded Changes_When_Casemapped Changes_When_Lowercased Changes_When_Titlecased "
    "Changes_When_Uppercased Dash Default_Ignorable_Code_Point Deprecated Diacritic Emoji Emoji_Component "
    "Emoji_Modifier Emoji_Modifier_Base Emoji_Presentation Extended_Pictographic Extender Grapheme_Base "
    "Grapheme_Extend Hex_Digit ID_Continue ID_Start Ideographic Join_Control Lowercase Math Noncharacter_Code_Point "
    "Pattern_Syntax Pattern_White_Space Quotation_Mark Radical Regional_Indicator Sentence_Terminal Soft_Dotted "
    "Terminal_Punctuation Unified_Ideograph Uppercase Variation_Selector White_Space XID_Continue XID_Start"
)
_BINARY = frozenset(_LONG_BINARY.split())
_SHORT_NAMES = {
    "AHex": "ASCII_Hex_Digit",
    "Alpha": "Alphabetic",
    "Hex": "Hex_Digit",
    "IDC": "ID_Continue",
    "IDS": "ID_Start",
    "Ideo": "Ideographic",
    "Lower": "Lowercase",
    "Upper": "Uppercase",
    "XIDC": "XID_Continue",
    "XIDS": "XID_Start",
    "space": "White_Space",
}
_KEYS = {
    "": "",
    "gc": "General_Category=",
    "General_Category": "General_Category=",
    "sc": "Script=",
    "Script": "Script=",
    "scx": "Script_Extensions=",
    "Script_Extensions": "Script_Extensions=",
}
_VALUES = {"": _CATEGORIES | _BINARY | _SHORT_NAMES.keys(), "General_Category=": _CATEGORIES}  # scripts: `regex` knows


def ecma_name(name: str) -> str:
    """The name of a property in ECMA-262: other dialects write scripts without `Script=`."""
    return name if "=" in name or name in _CATEGORIES or name in _BINARY or name in _SHORT_NAMES else f"Script={name}"


@lru_cache(maxsize=64)
def property_codes(name: str) -> CharSet | None:
    """The characters of `\\p{name}`, by the tables of the module `regex`, which are those of a recent Unicode."""
    key, _, value = name.rpartition("=")
    if key not in _KEYS or value not in _VALUES.get(_KEYS[key], (value,)):
        return None
    try:
        runs = regex.compile(rf"\p{{{_KEYS[key]}{_SHORT_NAMES.get(value, value)}}}+")
    except regex.error:
        return None
    return tuple(span for low, high in ALL for span in _spans(runs, low, high))


def _spans(runs: regex.Pattern[str], low: int, high: int) -> Iterator[Range]:
    text = array("I", range(low, high + 1)).tobytes().decode("utf-32")
    return ((low + match.start(), low + match.end() - 1) for match in runs.finditer(text))
