"""The arguments of a call in a client's history. They may be anything: a model wrote them, perhaps another server's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

Arguments = str | Mapping[str, Any]

MALFORMED = "invalid_arguments"
"""The one key of the object that stands for arguments that are not an object's text. Its value is that text."""


def as_object(arguments: Arguments) -> Mapping[str, Any]:
    """The object that `arguments` are the text of, or `{MALFORMED: arguments}`, so that the model sees what it wrote.

    No text at all is the empty object, as clients replay calls without parameters. NaN is malformed, nesting too deep
    to read is, and so are lone surrogates, which no tokenizer takes.
    """
    if not isinstance(arguments, str):
        return arguments
    try:
        value = json.loads(arguments or "{}", parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {MALFORMED: arguments}
    return value if isinstance(value, dict) else {MALFORMED: arguments}


def is_object(text: str) -> bool:
    """Whether it is the text of an object, or none at all."""
    return MALFORMED not in as_object(text)


def as_string(arguments: Arguments) -> str:
    """`arguments` as text, whether or not that is JSON."""
    return arguments or "{}" if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def as_json(arguments: Arguments) -> str:
    """`arguments` as the text of an object; unchanged where they are one."""
    value = as_object(arguments)
    return json.dumps(value, ensure_ascii=False) if MALFORMED in value else as_string(arguments)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
