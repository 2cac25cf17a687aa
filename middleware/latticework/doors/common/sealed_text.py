"""The reasoning of an answer as an opaque text, for clients that keep it themselves and send it back.

It is encoded and has a checksum; it is not secret, since the client may have the same text. It needs no key, so that
any replica reads it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

PREFIX = "lw1."
_DIGEST = 16
# Of the text, in bytes: a small body must not become a large one.
MOST_BYTES = 16 * 2**20


def sealed(text: str) -> str:
    """The opaque text."""
    data = text.encode()
    return PREFIX + base64.urlsafe_b64encode(_digest(data) + zlib.compress(data)).decode()


def unsealed(content: str) -> str | None:
    """The text; None if another server has written it, or if it was changed."""
    if not content.startswith(PREFIX):
        return None
    try:
        raw = base64.b64decode(content[len(PREFIX) :], altchars=b"-_", validate=True)
        reader = zlib.decompressobj()
        data = reader.decompress(raw[_DIGEST:], MOST_BYTES)
        return data.decode() if reader.eof and _digest(data) == raw[:_DIGEST] else None
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return None


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST, person=b"reasoning").digest()
