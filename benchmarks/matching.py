"""Compares an answer's calls with BFCL's ground truth.

Strict: names, strings and numbers must equal a correct answer's. BFCL's own checker ignores case, spaces and
punctuation, so its rates are higher.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

# Listed among the correct values of an optional argument.
OMITTED = ""


def right(calls: Sequence[tuple[str, str]], truth: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> bool:
    """Whether these calls, in any order, are those of the ground truth; `names` are the tools' original names -> ours.

    Calls are names with arguments as JSON text, which may be cut.
    """
    if len(calls) != len(truth):
        return False
    parsed = [(name, _parsed_arguments(arguments)) for name, arguments in calls]
    expected = [(names.get(name, name), arguments) for call in truth for name, arguments in call.items()]
    # Few answers have more than four calls, and those fail at the first name.
    return any(
        all(_fits(call, right_call) for call, right_call in zip(parsed, order, strict=True))
        for order in itertools.permutations(expected)
    )


def _parsed_arguments(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return None


def _fits(call: tuple[str, Any], expected: tuple[str, Mapping[str, Any]]) -> bool:
    return call[0] == expected[0] and isinstance(call[1], dict) and fits_object(call[1], expected[1])


def fits_object(given: Mapping[str, Any], allowed: Mapping[str, Sequence[Any]]) -> bool:
    """Every name is known and has an allowed value, and every missing name is optional."""
    known = all(name in allowed and any(map(partial(fits, value), allowed[name])) for name, value in given.items())
    return known and all(OMITTED in values for name, values in allowed.items() if name not in given)


def fits(given: Any, allowed: Any) -> bool:
    """Whether a value equals the allowed one. An allowed object lists the allowed values of each member."""
    if isinstance(allowed, dict):
        return isinstance(given, dict) and fits_object(given, allowed)
    if isinstance(allowed, list):
        return (
            isinstance(given, list)
            and len(given) == len(allowed)
            and all(fits(item, allowed_item) for item, allowed_item in zip(given, allowed, strict=True))
        )
    return isinstance(given, bool) == isinstance(allowed, bool) and bool(given == allowed)
