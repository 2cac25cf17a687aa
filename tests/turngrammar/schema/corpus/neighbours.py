"""JSON values one step away from a value: the ones that a schema may just not allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

OTHERS: tuple[Any, ...] = (None, "", "other", 7, -0.5, True, [], {})


def neighbours(value: Any) -> Iterator[Any]:
    """The value with one part of it changed."""
    yield from _changed(value)
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from ({**value, name: other} for other in neighbours(item))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in neighbours(item))


def _changed(value: Any) -> Iterator[Any]:
    yield from (other for other in OTHERS if type(other) is not type(value))
    yield from CHANGES[type(value)](value)


def _changed_object(value: dict[str, Any]) -> Iterator[Any]:
    yield from ({key: item for key, item in value.items() if key != name} for name in value)
    yield {**value, "unexpected": 1}
    yield from ({f"{key}_" if key == name else key: item for key, item in value.items()} for name in value)


def _changed_list(value: list[Any]) -> Iterator[Any]:
    if value:
        yield value[:-1]
        yield [*value, value[-1]]
        yield [*value[1:], None]


def _changed_text(value: str) -> Iterator[Any]:
    yield from (f"{value}!", f" {value}", value[:-1], value.swapcase(), value * 20, f'{value}"\\')


def _changed_number(value: float) -> Iterator[Any]:
    yield from (value + 1, value - 1, *([-value] if value else []))
    yield from (other for other in (value + 0.5, value * 1000 + 0.25) if not float(other).is_integer())


def _unchanged(value: Any) -> Iterator[Any]:
    return iter(())


CHANGES: Mapping[type, Callable[[Any], Iterator[Any]]] = {
    dict: _changed_object,
    list: _changed_list,
    str: _changed_text,
    int: _changed_number,
    float: _changed_number,
    bool: lambda value: iter([not value]),
    type(None): _unchanged,
}
