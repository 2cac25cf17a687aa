"""The least number of tokens with which a text can be written, by any tokenization, as grammars allow.

A text is given as pieces with gaps between them. A token may go from one piece over a gap into the next, so that one at
the edge of a piece may count for nothing: the result is a lower bound.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

# Between tokens in a text of all of them; no byte of UTF-8.
_BETWEEN = b"\xff"


class TokenTexts:
    """The texts of all tokens of a vocabulary, as bytes. For 150,000 of them, it takes a few tenths of a second."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._texts = frozenset(filter(None, texts))
        self._sorted = sorted(self._texts)
        self._reversed = sorted(text[::-1] for text in self._texts)
        self._joined = _BETWEEN.join(self._texts)
        self._longest = max(map(len, self._texts), default=0)
        self._sizes = _sizes_by_beginning(self._texts)

    def fewest(self, pieces: Sequence[str | None], most: int) -> int:
        """For a text of these pieces, of which `most` bytes count; None: a gap. It takes microseconds for each byte."""
        total, left = 0, most
        for index, piece in enumerate(pieces):
            if piece is not None:
                text = piece.encode()[:left]
                left -= len(text)
                before = index > 0 and pieces[index - 1] is None
                total += self._of(text, before=before, behind=not left or pieces[index + 1 :][:1] == (None,))
        return total

    def _of(self, text: bytes, *, before: bool, behind: bool) -> int:
        """For one piece: `before` and `behind` it are gaps or not."""
        if before and behind and text in self._joined:
            return 0
        size = len(text)
        costs = [0 if before and 0 < at <= self._longest and self._ends(text[:at]) else size for at in range(size + 1)]
        costs[0] = 0
        for at in range(size):
            further = costs[at] + 1
            for length in self._sizes.get(text[at : at + 2], ()):
                end = at + length
                if end <= size and further < costs[end] and text[at:end] in self._texts:
                    costs[end] = further
            if text[at : at + 1] in self._texts:
                costs[at + 1] = min(costs[at + 1], further)
        ends = range(max(0, size - self._longest), size) if behind else ()
        return min(costs[size], *(costs[at] for at in ends if self._begins(text[at:])), size)

    def _begins(self, text: bytes) -> bool:
        """Whether a longer token begins with this text."""
        return _has_longer(self._sorted, text)

    def _ends(self, text: bytes) -> bool:
        """Whether a longer token ends with this text."""
        return _has_longer(self._reversed, text[::-1])


def _has_longer(texts: Sequence[bytes], beginning: bytes) -> bool:
    at = bisect_right(texts, beginning)
    return at < len(texts) and texts[at].startswith(beginning)


def _sizes_by_beginning(texts: Iterable[bytes]) -> Mapping[bytes, Sequence[int]]:
    """The lengths of the tokens that begin with each two bytes."""
    sizes: dict[bytes, set[int]] = {}
    for text in texts:
        if len(text) > 1:
            sizes.setdefault(text[:2], set()).add(len(text))
    return {beginning: sorted(found) for beginning, found in sizes.items()}
