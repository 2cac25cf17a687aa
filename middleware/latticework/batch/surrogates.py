"""Half surrogate pairs in JSON: escapes that JSON allows, this server reads as U+FFFD, and msgspec refuses."""

from __future__ import annotations

import re

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def without_halves(text: bytes) -> bytes:
    r"""JSON with `\ufffd` instead of each half pair, which is as long."""
    if _SURROGATE.search(text) is None:  # nearly always, and the rest takes a call for each escape
        return text
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found["half"] else found[0], text)
