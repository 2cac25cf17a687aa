"""Token ids -> text, as they come. A character that several tokens make up is passed on with the last of them."""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Collection, Sequence


class Detokenizer:
    """Of one answer. `hidden` tokens stand for nothing; what is no UTF-8 becomes U+FFFD."""

    def __init__(self, token_bytes: Sequence[bytes], hidden: Collection[int] = ()) -> None:
        self._token_bytes = token_bytes
        self._hidden = hidden
        self._rest = b""

    def feed(self, token_ids: Sequence[int], *, last: bool = False) -> str:
        """The text that these tokens complete; all that is left with the `last`."""
        shown = [self._token_bytes[token_id] for token_id in token_ids if token_id not in self._hidden]
        written = self._rest + b"".join(shown)
        text, read = utf_8_decode(written, "replace", last)
        self._rest = written[read:]
        return text
