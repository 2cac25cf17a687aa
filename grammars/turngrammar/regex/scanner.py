"""A pattern as it is parsed: the position, the flags in force there, and what has been read of other dialects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from turngrammar.regex import charset
from turngrammar.regex.case import fold_case
from turngrammar.regex.charset import CharSet
from turngrammar.regex.errors import RegexError
from turngrammar.regex.tree import BackReference, Chars


@dataclass(frozen=True)
class Flags:
    """ECMA-262's i, m and s, which groups can set."""

    i: bool = False
    m: bool = False
    s: bool = False


_GROUPS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\((?:(?!\?)|\?P?<([^\W\d][\w$]*)>)", re.DOTALL)


@dataclass
class Scanner:
    text: str
    at: int = 0
    flags: Flags = Flags()
    opened: int = 0  # groups that capture
    empty_class: str = ""  # [] or [^], after which a ] is ambiguous: in other dialects it is the first of the class
    readings: dict[str, str] = field(default_factory=dict)  # constructs of other dialects, and what they are read as

    def __post_init__(self) -> None:
        groups = [match for match in _GROUPS.finditer(self.text) if match[0].startswith("(")]
        self.group_count = len(groups)
        self._names = {match[1]: number for number, match in enumerate(groups, 1) if match[1]}

    def reference(self, group: str) -> BackReference:
        """A reference to a group by its name or number, which may open later."""
        number = int(group) if group.isdigit() else self._names.get(group, 0)
        if not 1 <= number <= self.group_count:
            problem = f"a back reference names the group {group}, which is missing"
            raise RegexError(f"{problem}: write \\x and 2 digits for a character code", self.at)
        return BackReference(number, self.flags.i)

    @property
    def ended(self) -> bool:
        return self.at >= len(self.text)

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        present = self.peek(text)
        self.at += len(text) if present else 0
        return present

    def take_re(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        match = expression.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    def next(self, missing: str = "") -> str:
        """Raises RegexError at the end of the pattern, where this is missing."""
        if self.ended:
            raise RegexError(missing, self.at)
        self.at += 1
        return self.text[self.at - 1]

    def chars(self, codes: CharSet) -> Chars:
        """A character of the set, in either case under the flag i."""
        return Chars(self.folded(codes))

    def folded(self, codes: CharSet) -> CharSet:
        return fold_case(codes) if self.flags.i else codes

    @property
    def word(self) -> CharSet:
        return self.folded(charset.WORD)
