"""How many messages, parts, calls and the like a request may have, counted before any of them is validated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.errors import BadRequest
from latticework.http.counts import CODE
from latticework.settings import Settings

Body = Mapping[str, Any]
# Lists that are counted together, each with its path.
Lists = Iterator[tuple[str, list[Any]]]


@dataclass(frozen=True)
class Crowd:
    """Lists in a request, and the setting that limits how many items they have together.

    `code`: of the error.
    """

    setting: str
    what: str
    lists: Callable[[Body], Lists]
    code: str | None = CODE


def listed(name: str, body: Body) -> Lists:
    """The list of this name."""
    value = body.get(name)
    if isinstance(value, list):
        yield name, value


def in_each(name: str, field: str, body: Body) -> Lists:
    """The lists in this field of the objects in the list of that name."""
    for _, objects in listed(name, body):
        for index, item in enumerate(objects):
            value = item.get(field) if isinstance(item, dict) else None
            if isinstance(value, list):
                yield f"{name}[{index}].{field}", value


def refuse_crowds(body: Body, settings: Settings, crowds: Sequence[Crowd], stops: str = "stop") -> None:
    """Raises BadRequest that names the list with which a limit is exceeded.

    `stops`: the field of the stop strings.
    """
    for crowd in crowds:
        count, most = 0, getattr(settings, crowd.setting)
        for path, items in crowd.lists(body):
            count += len(items)
            if count > most:
                raise _exceeded(crowd, count, most, path)
    _refuse_long_stop(body, settings, stops)


def _exceeded(crowd: Crowd, count: int, most: int, path: str) -> BadRequest:
    message = f"{count} {crowd.what} exceed {crowd.setting} ({most}). Send less, or raise the limit of the server."
    return BadRequest(message, param=path, code=crowd.code)


def _refuse_long_stop(body: Body, settings: Settings, name: str) -> None:
    """What may be the start of a stop string is held back and compared again with each piece of an answer."""
    stop, most = body.get(name), settings.max_stop_length
    for text in stop if isinstance(stop, list) else [stop]:
        if isinstance(text, str) and len(text) > most:
            message = f"'{name}' has a text of {len(text)} characters, more than max_stop_length ({most})."
            raise BadRequest(f"{message} Send a shorter one, or raise the limit of the server.", param=name)
