"""The requests of a batch: lines of a file, which is read as a stream, because it may be larger than the memory."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec

from latticework.batch.surrogates import without_halves

# Bad lines that a message names.
MOST_NAMED = 20


Url: TypeAlias = Literal["/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/messages"]


class BatchRequest(msgspec.Struct, frozen=True):
    """One line. `body` is the request of the API at `url`, as it is sent."""

    custom_id: Annotated[str, msgspec.Meta(min_length=1)]
    method: Literal["POST"]
    url: Url
    body: msgspec.Raw


class _Body(msgspec.Struct):
    stream: Any = False


class BadLines(Exception):
    """Lines of the file that are not requests of a batch. The message has one of its lines for each of them."""


# Instead of msgspec's own messages, which don't say what is allowed.
_CHOICES: Mapping[str, str] = {"method": "must be POST", "url": f"must be one of {', '.join(get_args(Url))}"}

_REQUEST = msgspec.json.Decoder(BatchRequest)
_BODY = msgspec.json.Decoder(_Body)


def check_requests(file: Path) -> set[str]:
    """The custom_id of every line. Raises BadLines and OSError."""
    ids: set[str] = set()
    again: Counter[str] = Counter()
    bad: list[str] = []
    for number, line in _numbered_lines(file):
        try:
            custom_id = _checked_request(line).custom_id
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            bad.append(f"line {number}: {_line_problem(error)}")
        else:
            if custom_id in ids:
                again[custom_id] += 1
            ids.add(custom_id)
        if len(bad) > MOST_NAMED:  # enough to see what is wrong with the file
            break
    bad += _duplicates(file, again)
    if bad:
        more = ["..."] if len(bad) > MOST_NAMED else []
        raise BadLines("\n".join([*bad[:MOST_NAMED], *more]))
    return ids


def requests_without(file: Path, answered: Container[str]) -> Iterator[BatchRequest]:
    """Those of a checked file that have no answer yet, in its order."""
    for _, line in _numbered_lines(file):
        request = _decoded(line)
        if request.custom_id not in answered:
            yield request


def _numbered_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Empty lines are none, and neither is a byte order mark."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if text := line.removeprefix(BOM_UTF8 if number == 1 else b"").strip():
                yield number, text


def _decoded(line: bytes) -> BatchRequest:
    """With the body as it was written: the server warns of half pairs. Raises as _checked_request."""
    decodable = without_halves(line)
    request = _REQUEST.decode(decodable)
    if decodable == line:
        return request
    places = (found.span() for found in re.finditer(re.escape(request.body), decodable))
    written = [line[start:end] for start, end in places]
    # Any other member may have the same text; it is the body's that has a half pair, if one has.
    return msgspec.structs.replace(request, body=msgspec.Raw(max(written, key=bytes(request.body).__ne__)))


def _checked_request(line: bytes) -> BatchRequest:
    """Raises MsgspecError and UnicodeDecodeError."""
    request = _decoded(line)
    try:
        body = _BODY.decode(without_halves(bytes(request.body)))
    except msgspec.ValidationError:
        raise msgspec.ValidationError("Expected `object` - at `$.body`") from None
    if body.stream:
        raise msgspec.ValidationError("an answer of a batch is never streamed: leave it out - at `$.body.stream`")
    return request


def _line_problem(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not JSON in UTF-8"
    problem, _, place = str(error).partition(" - at `$.")
    name = place.rstrip("`")
    return f"'{name}': {_CHOICES.get(name, problem)}" if name else problem


def _duplicates(file: Path, again: Container[str]) -> list[str]:
    """A second reading of the file, if there are any: no line number is kept for each of a million requests."""
    bad: list[str] = []
    first: dict[str, int] = {}
    for number, line in _numbered_lines(file) if again else ():
        try:
            custom_id = _decoded(line).custom_id
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if custom_id in first:
            bad.append(f"line {number}: custom_id {custom_id!r} is also that of line {first[custom_id]}")
        elif custom_id in again:
            first[custom_id] = number
    return bad
