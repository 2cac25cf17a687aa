"""Spans of texts: strings that stand in one of a request's texts word for word.

A text is cut into chunks, and a span has whole ones: letters that follow each other in a script that separates words,
or digits, are one chunk, and any other character is one alone, with the marks that belong to it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

from turngrammar.scan import dump_scalar

Texts = tuple[str, ...]

# The names of the terminals of a span, as it is and within the quotes of a JSON string, in every grammar that has one.
AS_TEXT, IN_JSON = TERMINALS = ("TEXT_SPAN", "JSON_SPAN")
# How llguidance reads a terminal of spans.
MARK = "%regex {"
# Thai, Lao, Burmese, Khmer, and from kana on the scripts of East Asia: words there have no spaces between them.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
_LETTER = rf"[^\W\d_{_UNSPACED}\U0001b000-\U0001b2ff\U00020000-\U0003ffff]"
_CHUNK = re.compile(rf"{_LETTER}+|\d+|[\s\S]")
# Places of one string that are counted: each costs as much as the string is long.
MOST_PLACES = 1000
_JOINER = "\u200d"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Quotation:
    """Where a span stands: in the text of that index, from the character `start` up to the one before `end`.

    Characters are Unicode code points. `count`: how often it stands in all texts together, 1,000 at most; the place is
    the first.
    """

    text: int
    start: int
    end: int
    count: int


def chunks(text: str) -> Iterator[str]:
    """The chunks of a text, in order, and complete."""
    chunk = ""
    for match in _CHUNK.finditer(text):
        piece = match[0]
        if chunk and not _joins_chunk(chunk, piece):
            yield chunk
            chunk = ""
        chunk += piece
    if chunk:
        yield chunk


def _joins_chunk(chunk: str, piece: str) -> bool:
    """Whether the piece belongs to the character before it, or goes on with the word that a mark stands in."""
    if piece.isascii() and chunk[-1].isascii():
        return False
    if chunk[-1] == _JOINER or _is_mark(piece):
        return True
    return _is_mark(chunk[-1]) and chunk[0].isalpha() and re.match(_LETTER, piece) is not None


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    """Whether it is a combining mark, joins characters, or changes the colour of an emoji."""
    if len(character) > 1:
        return False
    return (
        unicodedata.category(character).startswith("M")
        or character == _JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


@lru_cache(maxsize=8)
def definition(name: str, texts: Texts) -> str:
    """The Lark definition of the terminal of that name: the spans of these texts, the empty one included."""
    encode = _ENCODINGS[name]
    pieces = [piece for text in dict.fromkeys(texts) for piece in _SURROGATE.split(text) if piece]
    names = [f"{name}_{index}" for index, _ in enumerate(pieces)]
    lines = [f"{name}: {' | '.join(names) or json.dumps('')}"]
    for each, piece in zip(names, pieces, strict=True):
        listed = json.dumps({"substring_chunks": [encode(chunk) for chunk in chunks(piece)]})
        lines.append(f"{each}: {MARK}{listed[1:]}")
    return "\n".join(lines)


_ENCODINGS: Mapping[str, Callable[[str], str]] = {AS_TEXT: str, IN_JSON: lambda chunk: dump_scalar(chunk)[1:-1]}


@lru_cache(maxsize=8)
def chunk_count(texts: Texts) -> int:
    """The number of chunks of all texts."""
    return sum(1 for text in texts for _ in chunks(text))


def is_span(value: str, texts: Texts) -> bool:
    """Whether the value stands in one of the texts. The empty string does in any case, also where there is no text."""
    return not value or any(value in text for text in texts)


def quotation(value: str, texts: Texts) -> Quotation | None:
    """The first place where the value has whole chunks, or else the first; None if it is empty or in no text."""
    for places_of in (_whole_places, _places) if value else ():
        if places := list(islice(places_of(value, texts), MOST_PLACES)):
            text, start = places[0]
            return Quotation(text, start, start + len(value), len(places))
    return None


def _places(value: str, texts: Texts) -> Iterator[tuple[int, int]]:
    """Where the value stands: the index of a text, and a character of it."""
    for index, text in enumerate(texts):
        at = text.find(value)
        while at >= 0:
            yield index, at
            at = text.find(value, at + 1)


def _whole_places(value: str, texts: Texts) -> Iterator[tuple[int, int]]:
    """Those with whole chunks. No second place within a chunk is looked at, which may be very long."""
    for index, (text, borders) in enumerate(zip(texts, _borders(texts), strict=True)):
        at = text.find(value)
        while at >= 0:
            if borders[at] and borders[at + len(value)]:
                yield index, at
            border = borders.find(1, at + 1)
            at = text.find(value, border) if border >= 0 else -1


def is_whole(text: str, start: int, end: int) -> bool:
    """Whether a text has whole chunks between these places."""
    (borders,) = _borders((text,))
    return bool(borders[start] and borders[end])


@lru_cache(maxsize=2)
def _borders(texts: Texts) -> Sequence[bytes]:
    """For each place of each text, its end included, whether a chunk ends or begins there: 1 or 0."""
    return [*map(_text_borders, texts)]


def _text_borders(text: str) -> bytes:
    borders = bytearray(len(text) + 1)
    for place in accumulate(map(len, chunks(text)), initial=0):
        borders[place] = 1
    return bytes(borders)
