"""Text that clients put into the system prompt and change with each request: it would make the prefix cache useless.

Coding agents begin the system prompt with a line for Anthropic's billing, and end it, or a system message behind each
tool's result, with the number of tokens that are left. No answer depends on either.
"""

from __future__ import annotations

import re

_BILLING = re.compile(r"^[ \t]*x-anthropic-billing-header:.*(?:\n|\Z)", re.IGNORECASE | re.MULTILINE)
_TOKENS_LEFT = re.compile(r"\s*<total_tokens>[^<]{0,100}</total_tokens>\s*\Z")


def without_volatile(text: str) -> str:
    """A text of the system's without them."""
    return _TOKENS_LEFT.sub("", _BILLING.sub("", text))
