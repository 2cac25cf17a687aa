"""Words that have no place in user-facing text, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# A regular expression, matched without case between word boundaries, and the replacement.
WORDS: Mapping[str, str] = {
    # Texts and data don't speak.
    "tells?|told|telling": "reports, describes, lists; distinguishes; detects",
    "says|said|saying": "states, has, reports, is",
    "speaks?|spoken": "implements, supports; names",
    "asked|asks for|asking for|asked for": "requested, requires, selects",
    "wants|wanted": "requires, needs; requested",
    # Old senses of plain words
    "spell|spells|spelled|spelt|spellings?": "notation, form; encoded, written, named",
    "thoughts?": "reasoning",
    "sober": "representative",
    "anew": "again; regenerates",
    "mend|mends|mended": "fixes, patches",
    "reckon|reckons|reckoned": "computes, counts",
    "likeliest": "most likely",
    "for ever": "forever; never finishes",
    "within each other": "nested",
    "letter for letter": "character for character",
    "goes before": "overrides, takes precedence",
    "stands? for": "represents, replaces",
    "handed (?:on|over|out)|hands (?:on|over|out)": "forwards, passes, returns",
    "goes away|went away|gone away": "disconnects",
    "falls? short|fell short": "fails; the deviation",
    "broken off|breaks off|broke off": "interrupted, aborted",
    "held against|holds? .{1,20} against": "checked against, tested on",
    "put to (?:a|the) test": "tested",
    "(?:is|are|be|was|were) taken for": "treated as",
    "at a glance": "(leave it out)",
    "going on and on|goes on and on": "doesn't stop",
    "as it comes": "by default; in arrival order",
    "to be had|be had": "available",
    "so many": "that many, N, at most N",
    "no more than told": "at most",
    "by its own doing": "itself",
    "in the making": "running",
    # Nouns and negations that need a second reading
    "whose lines|whose (?:is|it is|business|request)": "which lines; owner, caller",
    "(?<!there )(?:is|are|be|was|were) (?-i:none)": "is invalid, is unknown, doesn't exist",
    "(?<!there )(?:is|are|be) no (?!longer|more|less|later|earlier)": "is not a",
    "(?:is|are|be|not|was|were) well(?!-)": "healthy, unhealthy",
    "nobody's|of ours|of one's own": "(name the owner); an extension; your own",
    "what (?:becomes|became|came) of": "how it is enforced, the result of",
    "what (?:was|is|are|were) found|be found out|was not found out": "the result, is unknown",
    "bells?|hearing|shop|hire[sd]?": "(name the thing in the field's words)",
}

# Sentences that may use a word of the table, each with the reason.
EXCEPTIONS: Mapping[str, str] = {}

_PATTERN = re.compile("|".join(rf"(?P<w{number}>\b(?:{word})\b)" for number, word in enumerate(WORDS)), re.IGNORECASE)
_INSTEAD = tuple(WORDS.values())


@dataclass(frozen=True)
class UserText:
    """A text that users read; `where` is a file and a line, or a command, and lines count on from there."""

    where: str
    text: str
    line: int = 0

    def find(self, sentence: str) -> int:
        """Where a sentence starts, on one line or several; -1 if it is not there."""
        return self.text.replace("\n", " ").find(sentence)

    def place(self, offset: int) -> str:
        return f"{self.where}:{self.line + self.text.count(chr(10), 0, offset)}" if self.line else self.where


def misused(texts: Iterable[UserText]) -> Iterator[str]:
    """A line for each word: its place, the word, and the replacement."""
    for text in texts:
        for match in _PATTERN.finditer(text.text):
            if not any(_covers(text.find(sentence), sentence, match) for sentence in EXCEPTIONS):
                instead = _INSTEAD[int((match.lastgroup or "w0")[1:])]
                yield f"{text.place(match.start())}: {' '.join(match[0].split())!r}: write {instead}"


def _covers(start: int, sentence: str, match: re.Match[str]) -> bool:
    return 0 <= start <= match.start() and match.end() <= start + len(sentence)
