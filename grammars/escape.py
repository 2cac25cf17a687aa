"""Text of clients and formats in the source text of a grammar. Nothing gets into one by another way than these."""

from __future__ import annotations

import json
import re

ANYTHING = r"(.|\n)*"
_NEEDS_ESCAPE = re.compile(r"[^A-Za-z0-9_ <>\"'=:,;!@`\u00a1-\ud7ff]")


def quoted(text: str) -> str:
    """`text` as a Lark string."""
    return json.dumps(text)


def escaped(text: str) -> str:
    """`text` as a piece of a Lark regex, which matches nothing else."""
    return _NEEDS_ESCAPE.sub(lambda match: f"\\x{{{ord(match[0]):x}}}", text)


def one_of(texts: tuple[str, ...]) -> str:
    """A piece of a Lark regex that matches any of `texts`."""
    return f"({'|'.join(map(escaped, texts))})"
