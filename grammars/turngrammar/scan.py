"""JSON text: the end of a value that arrives piece by piece, the value of a text, and the text of a value."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from turngrammar.exact import is_number, number_text, parse_float, parse_int

_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'["\\]')
MOST_DIGITS = 4300  # of a number; that of Python's ints, whose arithmetic takes the square of the length
TOO_LONG = "a number has too many digits"
_OPENS = {"{": 1, "[": 1, "}": -1, "]": -1}


class JsonScanner:
    """Finds the end of one JSON object, array or string. It tracks brackets and strings, and checks nothing else.

    Every character is looked at once.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._string = False
        self._escaped = False

    def end(self, text: str, start: int) -> int | None:
        """The index behind the value, which goes on in `text` from `start` on; None if it does not end there."""
        at = start
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (_INSIDE if self._string else _OUTSIDE).search(text, at)
            if match is None:
                return None
            at = match.end()
            if self._step(match[0]):
                return at
        return None

    def _step(self, mark: str) -> bool:
        """Takes one bracket, quote or backslash; whether it ended the value."""
        if mark == "\\":
            self._escaped = True
            return False
        if mark == '"':
            self._string = not self._string
            return not self._string and self._depth == 0
        self._depth += _OPENS[mark]
        return self._depth <= 0


def load_json(text: str | bytes) -> Any:
    """The value of JSON text; a number that no float equals is a Decimal.

    Raises ValueError for anything else, Python's NaN, numbers of thousands of digits and bottomless nesting included.
    """
    try:
        return json.loads(text, parse_float=load_float, parse_constant=_refuse_nan)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        if "int_max_str_digits" in str(error):  # Python's own setting, which means nothing to a client
            raise ValueError(TOO_LONG) from None
        raise


def same_json(first: str, second: str) -> bool:
    """Whether two texts are JSON of the same value, as 1 and 1.0 are, and true and 1 not; or else the same text."""
    if first == second:
        return True
    try:
        return _same(load_json(first), load_json(second))
    except ValueError:
        return False


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(value, second[key]) for key, value in first.items())
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


def load_long_numbers(text: str) -> Any:
    """`load_json` with numbers of any length, whose arithmetic may take seconds."""
    return json.loads(text, parse_float=parse_float, parse_int=parse_int, parse_constant=_refuse_nan)


def load_float(text: str) -> float | Decimal:
    """The value of JSON's number with a point or an exponent, as `load_json` has it. Raises ValueError."""
    if len(text) > MOST_DIGITS:
        raise ValueError(TOO_LONG)
    return parse_float(text)


def _refuse_nan(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# The text of a name or a scalar in every style. json.dumps would make an encoder for each.
dump_scalar = json.JSONEncoder(ensure_ascii=False).encode


def dump_json(value: Any, item_separator: str = ", ", key_separator: str = ": ", *, sort_keys: bool = False) -> str:
    """JSON text, Decimals and integers of any length included. An infinite number becomes one beyond all floats.

    Raises ValueError for NaN, and TypeError for what is not JSON.
    """
    separators = (item_separator, key_separator)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=separators, sort_keys=sort_keys)
    except (TypeError, ValueError):  # rarely: Python's encoder is much faster
        return _dump(value, item_separator, key_separator, sort_keys)


def _dump(value: Any, comma: str, colon: str, sort_keys: bool) -> str:
    if isinstance(value, dict):
        members = sorted(value.items()) if sort_keys else value.items()
        texts = (f"{_scalar_text(name)}{colon}{_dump(item, comma, colon, sort_keys)}" for name, item in members)
        return f"{{{comma.join(texts)}}}"
    if isinstance(value, list | tuple):
        return f"[{comma.join(_dump(item, comma, colon, sort_keys) for item in value)}]"
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    if is_number(value):
        return number_text(value)
    return dump_scalar(value)
