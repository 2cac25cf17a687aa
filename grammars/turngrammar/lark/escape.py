"""Pieces of a grammar's source text. The text of clients and formats gets into a grammar by these functions only."""

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


def join(*expressions: str) -> str:
    """Lark expressions one after the other; "" is none."""
    return " ".join(filter(None, expressions))


def repeated(rule: str, least: int, most: int | None) -> str:
    """The Lark expression of `rule`, `least` to `most` times (None: any number); "" for never."""
    if most == 0:
        return ""
    return f"{rule}*" if (least, most) == (0, None) else f"{rule}{{{least},{'' if most is None else most}}}"
