"""The file of a batch's answers: lines in OpenAI's batch format, in the order in which the answers have ended.

While it is open, no other process can open it.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from latticework.batch.senders import HttpReply, Lost, Outcome
from latticework.batch.surrogates import without_halves
from latticework.batch.tally import has_failed

# The headers that have the request's id: of OpenAI's API, and of Anthropic's.
REQUEST_IDS = ("x-request-id", "request-id")

if sys.platform == "win32":
    import msvcrt

    # Behind the end of any file: what is locked there can't be read by others.
    LOCKED_BYTE = 2**62

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """A lock of this process alone: an engine's processes, which may outlive it for a moment, don't inherit it."""
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class OutputInUse(Exception):
    """Another process has the file open."""


class NotAnOutput(Exception):
    """A file with a line that is not an answer of a batch. The message names the line."""


class _AnswerResponse(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _AnswerLine(msgspec.Struct):
    id: str
    custom_id: str
    response: _AnswerResponse | None

    @property
    def failed(self) -> bool:
        response = self.response
        return response is None or has_failed(HttpReply(response.status_code, {}, bytes(response.body)))


# How each line begins.
_BEGINNING = b'{"id":"batch_req_'


@dataclass(frozen=True)
class Answered:
    """What the file has: the custom_ids, and how many of them have failed."""

    ids: frozenset[str]
    failed: int


class OutputFile:
    """Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises OSError and OutputInUse."""
        self._file = path.open("a+b", buffering=0)
        try:
            _lock(self._file.fileno())
        except OSError as error:
            self._file.close()
            raise OutputInUse(f"{path} is in use: another batch is writing to it") from error
        self._end = 0

    def __enter__(self) -> OutputFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def answered(self) -> Answered:
        """What earlier runs have left. A half line at the end, of a run that was killed, is removed, and a whole one
        without its line break gets one.

        Raises NotAnOutput, and then leaves the file as it is.
        """
        ids: set[str] = set()
        failed = 0
        last = b"\n"
        self._file.seek(0)
        # Not with `open`: closing a second file would give up the lock of the first.
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            for number, text in enumerate(lines, 1):
                if _is_half(text):
                    break
                line = _read_line(number, text)
                ids.add(line.custom_id)
                failed += line.failed
                self._end += len(text)
                last = text
        self._file.truncate(self._end)
        if not last.endswith(b"\n"):
            self.append(b"\n")
        return Answered(frozenset(ids), failed)

    def append(self, line: bytes) -> None:
        """In one piece, or not at all. Raises OSError, for a full disk for one."""
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(self._end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end += written


def _is_half(text: bytes) -> bool:
    """Whether it is the beginning of an answer's line. The last line of any other file is not."""
    if text.endswith(b"\n") or not (text.startswith(_BEGINNING) or _BEGINNING.startswith(text)):
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return True
    return False


def _read_line(number: int, text: bytes) -> _AnswerLine:
    try:
        return msgspec.json.decode(text, type=_AnswerLine)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotAnOutput(f"line {number} is not an answer of a batch") from None


def line_of(custom_id: str, outcome: Outcome) -> bytes:
    """The line of one answer, of whatever status; or of a request that got none."""
    fields: dict[str, Any] = {"id": f"batch_req_{secrets.token_hex(16)}", "custom_id": custom_id}
    match outcome:
        case HttpReply():
            fields |= {"response": _response(outcome), "error": None}
        case Lost():
            fields |= {"response": None, "error": {"code": "connection_lost", "message": outcome.message}}
    return msgspec.json.encode(fields) + b"\n"


def _response(reply: HttpReply) -> Mapping[str, Any]:
    named = (reply.headers[name] for name in REQUEST_IDS if name in reply.headers)
    return {"status_code": reply.status, "request_id": next(named, None), "body": _body(reply.body)}


def _body(body: bytes) -> Any:
    """JSON as it came, on one line; what is no JSON, of a proxy for one, as a string."""
    text = without_halves(body)
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return body.decode(errors="replace")
    return decoded if b"\n" in text or b"\r" in text else msgspec.Raw(text)
