"""What of a tokenizer encodes texts, in any process; and the fewest tokens that a text can have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from latticework.engines.segments import SegmentEncoder, encoded


class Encoder(Protocol):
    """It can be pickled, and imports nothing heavy where it is loaded."""

    def encode(self, text: str, special: bool = False) -> list[int]:
        """As `Tokenizer.encode`."""

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        """As `Tokenizer.encode_segments`."""

    def least_tokens(self, size: int) -> int:
        """The fewest tokens that a text of `size` bytes can have: 0 where nothing is known."""


class BackendEncoder:
    """Encodes with a `tokenizers.Tokenizer`."""

    def __init__(self, backend: Any, around: tuple[Sequence[int], Sequence[int]] | None = None) -> None:
        """`around`: the special tokens at both ends of a text; None: `backend` adds them."""
        self._backend = backend
        self._around = around
        self._of_segments: dict[frozenset[str], SegmentEncoder] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return BackendEncoder, (self._backend, self._around)

    def encode(self, text: str, special: bool = False) -> list[int]:
        if special and self._around is not None:
            before, after = self._around
            return [*before, *encoded(self._backend, text), *after]
        return encoded(self._backend, text, special=special)

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        if markup not in self._of_segments:
            self._of_segments[markup] = SegmentEncoder(self._backend, markup)
        return self._of_segments[markup].encode(segments)

    def decode(self, token_ids: Sequence[int]) -> str:
        return str(self._backend.decode(list(token_ids), skip_special_tokens=False))

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        return [self._backend.id_to_token(token_id) or "" for token_id in token_ids]

    def least_tokens(self, size: int) -> int:
        return size // self._longest if self._longest else 0

    @cached_property
    def _longest(self) -> int:
        """Bytes of text for which a token stands at most; 0: any number."""
        return longest_token(json.loads(self._backend.to_str()))


# By normalizer: how many bytes of a text become one at most. Others remove text, such as blanks.
_SHRINKS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "NFC": lambda step: 3,  # a syllable of Hangul has 3 bytes, its letters have 9: tests try all characters
    "Prepend": lambda step: 1,
    "Replace": lambda step: int(step["pattern"] == {"String": " "} and step["content"] == "▁"),
}
# Pre-tokenizers that keep all of a text, in pieces.
_KEEPS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "ByteLevel": lambda step: True,
    "Digits": lambda step: True,
    "Metaspace": lambda step: True,
    "Split": lambda step: step["behavior"] != "Removed",
    "Punctuation": lambda step: step["behavior"] != "Removed",
}


def longest_token(tokenizer: Mapping[str, Any]) -> int:
    """Bytes of text for which a token stands at most, by a tokenizer.json; 0: any number, as far as is known.

    Known where all of a text becomes tokens: nothing is normalized away, unknown text has a token for each byte, and
    no token takes the blanks around it.
    """
    model, steps = tokenizer["model"], _steps(tokenizer.get("pre_tokenizer"), "pretokenizers")
    kinds = [step["type"] for step in steps]
    added = tokenizer.get("added_tokens") or ()
    if model.get("type") != "BPE" or not (model.get("byte_fallback") or "ByteLevel" in kinds):
        return 0
    if not all(step["type"] in _KEEPS and _KEEPS[step["type"]](step) for step in steps):
        return 0
    if any(token["lstrip"] or token["rstrip"] for token in added):
        return 0
    shrinks = 1
    for step in _steps(tokenizer.get("normalizer"), "normalizers"):
        shrinks *= _SHRINKS[step["type"]](step) if step["type"] in _SHRINKS else 0
    # A byte-level vocabulary has a character for each byte. Another has ▁ for a blank, which is longer.
    sizes = [len(text) if "ByteLevel" in kinds else len(text.encode()) for text in model["vocab"]]
    return shrinks * max([*sizes, *(len(token["content"].encode()) for token in added)])


def _steps(step: Any, parts: str) -> list[Mapping[str, Any]]:
    if step is None:
        return []
    if step["type"] == "Sequence":
        return [inner for part in step[parts] for inner in _steps(part, parts)]
    return [step]


class LocalEncoder:
    """Of a tokenizer that only this process has."""

    def __init__(self, tokenizer: Any) -> None:
        self.encode, self.encode_segments = tokenizer.encode, tokenizer.encode_segments

    def least_tokens(self, size: int) -> int:
        return 0
