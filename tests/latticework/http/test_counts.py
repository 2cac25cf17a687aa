"""What a body has too many of is told from its bytes, exactly, whatever its strings contain."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from latticework import Settings
from latticework.errors import BadRequest
from latticework.http.counts import COUNTS, refuse_crowded

# Each value has these numbers of values, fields and levels.
BODIES: list[tuple[Any, int, int, int]] = [
    ({}, 2, 0, 1),
    ({"a": 1}, 2, 1, 1),
    ({"a": [1, 2.5, None, "x", True]}, 7, 1, 2),
    ({"a": {"b": {"c": [[1]]}}, "d": 2}, 7, 4, 5),
    ({"a": '{[,:"]}', "b": "\\", "c": '\\"', 'd":[': "\\\\\n\u00e9"}, 5, 4, 1),
    ({"text": '{"a": [1, 2, {"b": "c\\\\"}]}' * 10}, 2, 1, 1),
]


def limited(values: int, fields: int, depth: int) -> Settings:
    return replace(Settings(), max_body_values=values, max_body_fields=fields, max_body_depth=depth)


@pytest.mark.parametrize(("value", "values", "fields", "depth"), BODIES)
@pytest.mark.parametrize("style", [{}, {"ensure_ascii": False, "indent": 2}, {"separators": (",", ":")}])
def test_counts_are_exact(style: dict[str, Any], value: Any, values: int, fields: int, depth: int) -> None:
    body = json.dumps(value, **style).encode()
    numbers = {"max_body_values": values, "max_body_fields": fields, "max_body_depth": depth}
    refuse_crowded(body, limited(values, fields, depth))
    for count in COUNTS:
        lower: dict[str, Any] = {count.setting: numbers[count.setting] - 1}
        less = replace(limited(values, fields, depth), **lower)
        with pytest.raises(BadRequest, match=f"more than {numbers[count.setting] - 1} .*{count.setting}"):
            refuse_crowded(body, less)


@pytest.mark.parametrize(
    ("body", "setting"),
    [
        (b'{"a": [' + b'"",' * 10_000 + b"0]}", "max_body_values"),
        (b"{" + b'"a":"",' * 10_000 + b'"b":0}', "max_body_fields"),
    ],
)
def test_strings_beyond_all_limits_are_not_even_split(body: bytes, setting: str) -> None:
    with pytest.raises(BadRequest, match=setting):
        refuse_crowded(body, limited(1_000, 1_000, 10))


@pytest.mark.parametrize("body", [b"", b'"', b'"\\', b"]]]", b'{"a', b"\xff\xfe"])
def test_what_is_no_json_is_left_to_the_decoder(body: bytes) -> None:
    refuse_crowded(body, Settings())
