"""From a decoded body to a valid request, or to an error that names the invalid parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from latticework.doors.common.fields import Refused, passes
from latticework.doors.common.objects import ApiObject
from latticework.errors import BadRequest

Request = TypeVar("Request", bound=ApiObject)
# Without fields. A body may have any number of them, and isinstance() takes long for pydantic's models.
_PLAIN = frozenset((str, int, float, bool, type(None), dict))
# Instead of pydantic's own messages, which name Python's types and its steps.
_PROBLEMS: Mapping[str, str] = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "Input should be an object"),
    "too_long": "it has {actual_length} items, and at most {max_length} are allowed",
    "too_short": "it has {actual_length} items, and needs at least {min_length}",
}


def parse_as(kind: type[Request], body: dict[str, Any]) -> Request:
    """Raises BadRequest that names the invalid parameter."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _bad_request(body, error.errors(include_url=False)) from None


def _bad_request(body: dict[str, Any], errors: Sequence[ErrorDetails]) -> BadRequest:
    """The deepest error: it belongs to the branch of a union that the caller meant."""
    located = [(_path(body, error["loc"], missing=error["type"] == "missing"), error) for error in errors]
    path, error = max(located, key=lambda entry: entry[0].count(".") + entry[0].count("["))
    if error["type"] == "missing":
        return BadRequest(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")
    return BadRequest(f"Invalid '{path}': {_problem(error)}.", param=path)


def _problem(error: ErrorDetails) -> str:
    own = _PROBLEMS.get(error["type"])
    return error["msg"] if own is None else own.format_map(error.get("ctx", {}))


def _path(body: Any, location: Sequence[int | str], *, missing: bool) -> str:
    """`messages[0].role`, from pydantic's location without its labels of union branches."""
    path, value, last = "", body, len(location) - 1
    for depth, step in enumerate(location):
        if isinstance(step, int) and isinstance(value, list) and step < len(value):
            path, value = f"{path}[{step}]", value[step]
        elif isinstance(step, str) and isinstance(value, dict) and (step in value or (missing and depth == last)):
            path, value = f"{path}.{step}" if path else step, value.get(step)
    return path


def refuse_fields(part: ApiObject, refused: Mapping[str, Refused], where: str = "") -> None:
    """Raises BadRequest for a field that would change the answer and can't be honoured.

    `where`: the name of the request's field that has these fields.
    """
    for field, value in (part.model_extra or {}).items():
        row = refused.get(field)
        if row is not None and not passes(value, row):
            name = f"{where}.{field}" if where else field
            raise BadRequest(f"'{name}' {row.why}", param=name, code="unsupported_parameter")


def unknown_fields(request: ApiObject) -> list[str]:
    """The paths of all unknown fields in the request."""
    return list(_unknown_paths(request, ""))


def _unknown_paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        prefix = f"{path}." if path else ""
        yield from (f"{prefix}{name}" for name in value.model_extra or ())
        for name, inner in value.__dict__.items():
            if type(inner) not in _PLAIN and isinstance(inner, BaseModel | list):
                yield from _unknown_paths(inner, f"{prefix}{type(value).model_fields[name].alias or name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if type(item) not in _PLAIN and isinstance(item, BaseModel | list):
                yield from _unknown_paths(item, f"{path}[{index}]")
