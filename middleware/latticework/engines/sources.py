"""How an answer's tokens came, as an engine core that drafts tells it: a letter for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latticework.engines.base import Source, TokenSource

# The key of a request's `extra_args` whose value says whether it is to be told.
TELLS = "latticework_tells"
# What each output of such an answer says of all its tokens up to the last that was drafted. All, for of outputs that
# are merged only the last one's word stays.
SOURCES = "latticework_sources"

# What an answer's last output says of its drafts: (forced, copied). vLLM passes the field on as it stands; it is meant
# for what only the engine core knows, which this is.
SAVED = "latticework_saved"

SAMPLED, FORCED, COPIED = "sfc"
NAMES: Mapping[str, Source] = {SAMPLED: "sampled", FORCED: "forced", COPIED: "copied"}


def token_sources(texts: Sequence[str], letters: str) -> tuple[TokenSource, ...]:
    """One for each letter. The token that ends an answer has no text."""
    padded = [*texts, ""]
    return tuple(TokenSource(text, NAMES[letter]) for text, letter in zip(padded, letters, strict=False))
