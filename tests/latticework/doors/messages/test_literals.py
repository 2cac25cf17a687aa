"""Literals of JSON and Python are read as what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latticework.doors.messages.literals import read_literal_at

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read_literal(text: str) -> Any:
    """The value of the whole text."""
    value, end = read_literal_at(text, 0)
    if end < len(text):
        raise ValueError("more than one value")
    return value


@settings(max_examples=300, deadline=None, derandomize=True)
@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert read_literal(repr(value)) == value
    assert read_literal(json.dumps(value)) == value
    assert read_literal(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1 2",
        "[1",
        "'a",
        "'a\\q'",
        "{1: 2}",
        "(1,)",
        "nan",
        "inf",
        "01",
        "1_000",
        "0x1",
        "'a' 'b'",
        "a b",
        "'\\U99999999'",
    ],
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ValueError):
        read_literal(text)
