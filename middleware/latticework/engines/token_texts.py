"""The least number of tokens with which a text can be written, by any tokenization, as grammars allow.

A text is given as pieces with gaps between them. A token may go from one piece over a gap into the next, so that one at
the edge of a piece may count for nothing: the result is a lower bound.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf

# Between tokens in a text of all of them; no byte of UTF-8.
_BETWEEN = b"\xff"
# Pieces whose number of tokens is kept: tools come again, and their arguments have common names.
KEPT = 4096


class TokenTexts:
    """The texts of all tokens of a vocabulary, as bytes. For 150,000 of them, it takes a few tenths of a second."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self._texts = frozenset(filter(None, texts))
        self._sorted = sorted(self._texts)
        self._reversed = sorted(text[::-1] for text in self._texts)
        self._joined = _BETWEEN.join(self._texts)
        self._longest = max(map(len, self._texts), default=0)
        self._sizes = _sizes_by_end(self._texts)
        self._last: tuple[bytes, list[int]] = b"", [0]  # a text, and the fewest tokens of each of its beginnings
        self._of_piece = lru_cache(KEPT)(self._of)

    def fewest(self, pieces: Sequence[str | None], most: int, enough: float = inf) -> int:
        """For a text of these pieces, of which `most` bytes count; None: a gap. It takes microseconds for each byte.

        Any number from `enough` to that, where it is more than `enough`.
        """
        total, left = 0, most
        for index, piece in enumerate(pieces):
            if piece is not None:
                text = piece.encode()[:left]
                left -= len(text)
                before = index > 0 and pieces[index - 1] is None
                total += self._of_piece(text, before, not left or pieces[index + 1 :][:1] == (None,))
                if total >= enough:
                    break
        return total

    def _of(self, text: bytes, before: bool, behind: bool) -> int:
        """For one piece: `before` and `behind` it are gaps or not."""
        if before and behind and text in self._joined:
            return 0
        size = len(text)
        costs = self._behind_gap(text) if before else self._up_to_each(text)
        ends = range(max(0, size - self._longest), size) if behind else ()
        cheaper = sorted((costs[at], at) for at in ends if costs[at] < costs[size])
        return next((cost for cost, at in cheaper if self._begins(text[at:])), costs[size])

    def _up_to_each(self, text: bytes) -> list[int]:
        """The fewest tokens of each beginning of the text. What it has in common with the last text stays as it is."""
        last, costs = self._last
        same = next((at for at, pair in enumerate(zip(text, last, strict=False)) if pair[0] != pair[1]), len(last))
        costs = costs[: min(same, len(text)) + 1]
        self._extend(costs, text)
        self._last = text, costs
        return costs

    def _behind_gap(self, text: bytes) -> list[int]:
        """The same, where a token may end in the text that begins before it."""
        costs = [0]
        for at in range(1, len(text) + 1):
            if at <= self._longest and self._ends(text[:at]):
                costs.append(0)
            else:
                self._extend(costs, text[:at])
        return costs

    def _extend(self, costs: list[int], text: bytes) -> None:
        """By the beginnings of the text that are missing. A byte that is no token counts as one."""
        for end in range(len(costs), len(text) + 1):
            fewest = costs[end - 1]
            for size in self._sizes.get(text[max(0, end - 2) : end], ()):
                if size <= end and costs[end - size] < fewest and text[end - size : end] in self._texts:
                    fewest = costs[end - size]
            costs.append(fewest + 1)

    def _begins(self, text: bytes) -> bool:
        """Whether a longer token begins with this text."""
        return _has_longer(self._sorted, text)

    def _ends(self, text: bytes) -> bool:
        """Whether a longer token ends with this text."""
        return _has_longer(self._reversed, text[::-1])


def _has_longer(texts: Sequence[bytes], beginning: bytes) -> bool:
    at = bisect_right(texts, beginning)
    return at < len(texts) and texts[at].startswith(beginning)


def _sizes_by_end(texts: Iterable[bytes]) -> Mapping[bytes, Sequence[int]]:
    """The lengths of the tokens that end with each two bytes."""
    sizes: dict[bytes, set[int]] = {}
    for text in texts:
        if len(text) > 1:
            sizes.setdefault(text[-2:], set()).add(len(text))
    return {end: sorted(found) for end, found in sizes.items()}
