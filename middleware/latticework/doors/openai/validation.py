"""From a decoded body to a valid request, or to an error that names the invalid parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from latticework.doors.openai.fields import Refused, passes
from latticework.doors.openai.fields.nested import OF_STREAM_OPTIONS
from latticework.doors.openai.types import ApiObject, SampledAnswer, SampledRequest
from latticework.errors import BadRequest

Request = TypeVar("Request", bound=ApiObject)
# Without fields. A body may have any number of them, and isinstance() takes long for pydantic's models.
_PLAIN = frozenset((str, int, float, bool, type(None), dict))


def parse_as(kind: type[Request], body: dict[str, Any]) -> Request:
    """Raises BadRequest that names the invalid parameter."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _bad_request(body, error.errors(include_url=False, include_context=False)) from None


def _bad_request(body: dict[str, Any], errors: Sequence[ErrorDetails]) -> BadRequest:
    """The deepest error: it belongs to the branch of a union that the caller meant."""
    located = [(_path(body, error["loc"], missing=error["type"] == "missing"), error) for error in errors]
    path, error = max(located, key=lambda entry: entry[0].count(".") + entry[0].count("["))
    if error["type"] == "missing":
        return BadRequest(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")
    return BadRequest(f"Invalid '{path}': {error['msg']}.", param=path)


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


def refuse_unstreamed_options(request: SampledRequest) -> None:
    """Raises BadRequest for options of a stream that is not requested."""
    if request.stream_options is None:
        return
    refuse_fields(request.stream_options, OF_STREAM_OPTIONS, "stream_options")
    if not request.stream:
        raise BadRequest("'stream_options' requires 'stream' to be true.", param="stream_options")


def refuse_kept_stop_tokens(request: SampledAnswer) -> None:
    """Raises BadRequest for stop tokens that are to be kept: a token that ends an answer has no text."""
    if request.include_stop_str_in_output and request.stop_token_ids:
        raise BadRequest(
            "'include_stop_str_in_output' can't be combined with 'stop_token_ids': send 'stop' instead.",
            param="include_stop_str_in_output",
        )


def refuse_empty_prompt(request: SampledAnswer) -> None:
    if request.truncate_prompt_tokens == 0:
        raise BadRequest(
            "'truncate_prompt_tokens' must be at least 1, or -1 for as many tokens as fit.",
            param="truncate_prompt_tokens",
        )


def idle_stops(request: SampledAnswer, stops: Sequence[str]) -> list[str]:
    """The fields about stop strings, where none of them ends the answer: a `stop` never cuts a document."""
    return [name for name in ("stop", "include_stop_str_in_output") if getattr(request, name) and not stops]


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
