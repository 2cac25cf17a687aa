"""What the server and an engine core that drafts send each other of an answer: a letter for each token's source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latticework.engines.base import Source, TokenSource

# The key of a request's `extra_args`: whether guesses may be drafted, besides what its grammar forces.
GUESSES = "latticework_guesses"
# The key of a request's `extra_args`: whether the sources of its tokens are reported.
TELLS = "latticework_tells"
# What each output of such an answer reports of all its tokens up to the last drafted one. All, since of merged outputs
# only the last one's fields stay.
SOURCES = "latticework_sources"

# What an answer's last output reports of its drafts: (forced, copied). It goes in `kv_transfer_params`, which vLLM
# passes on unread.
SAVED = "latticework_saved"

SAMPLED, FORCED, COPIED = "sfc"
NAMES: Mapping[str, Source] = {SAMPLED: "sampled", FORCED: "forced", COPIED: "copied"}


def token_sources(texts: Sequence[str], letters: str) -> tuple[TokenSource, ...]:
    """One for each letter. The token that ends an answer has no text."""
    padded = [*texts, ""]
    return tuple(TokenSource(text, NAMES[letter]) for text, letter in zip(padded, letters, strict=False))
