"""API keys, which requests send as bearer tokens or in `x-api-key`.

Keys are kept as digests; those of a file can change while the server runs.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework.caller import CURRENT_CALLER
from latticework.errors import Unauthorized
from latticework.options import InvalidSetting, api_keys

logger = logging.getLogger(__name__)

# Key of a request's scope: the digest of its API key.
CALLER = "latticework.caller"
# Seconds between two checks whether the file has changed: most requests need no system call.
FILE_CHECK_INTERVAL = 1.0


class ApiKeys:
    """Keys of the settings and of a file. Changing the file rotates its keys without a restart."""

    def __init__(
        self, settings_keys: Iterable[str], file: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises InvalidSetting where the file has no key or can't be read."""
        self._settings_digests = key_digests(settings_keys)
        self._file = Path(file) if file else None
        self._clock = clock
        self._checked = clock()
        self._failing = False
        self._version = self._file and _file_version(self._file)  # before reading: a change meanwhile is seen later
        self._file_digests = key_digests(load_api_keys(self._file)) if self._file else ()

    def digests(self) -> tuple[bytes, ...]:
        """The digests of all keys that are valid now."""
        now = self._clock()
        if self._file is not None and now - self._checked >= FILE_CHECK_INTERVAL:
            self._checked = now
            self._reload(self._file)
        return self._settings_digests + self._file_digests

    def _reload(self, file: Path) -> None:
        """Reads the file if it has changed. An invalid file changes nothing, and is logged once."""
        version = _file_version(file)
        if version == self._version:
            return
        self._version = version
        try:
            loaded = load_api_keys(file)
        except InvalidSetting as error:
            if not self._failing:
                logger.warning("%s. The keys that were loaded before stay valid.", error)
            self._failing = True
        else:
            self._failing = False
            self._file_digests = key_digests(loaded)
            logger.info("%s has changed: loaded %d keys", file, len(loaded))


class KeyAuth:
    """Wraps an app that needs an API key. Raises Unauthorized for other requests."""

    def __init__(self, app: ASGIApp, keys: ApiKeys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            caller = next(filter(None, map(self._caller, _sent_keys(Headers(scope=scope)))), None)
            if caller is None:
                raise Unauthorized(
                    "Incorrect API key provided. Send it as 'Authorization: Bearer KEY' or as 'x-api-key: KEY'."
                )
            scope[CALLER] = caller
        await self._app(scope, receive, send)

    def _caller(self, key: str) -> bytes | None:
        digest = _key_digest(key.strip().encode("latin-1"))  # the original bytes: headers are decoded as Latin-1
        # Every key is compared, and by digest, so that the time taken reveals nothing about a key.
        matches = [known for known in self._keys.digests() if hmac.compare_digest(digest, known)]
        return matches[0] if matches else None


def _sent_keys(headers: Headers) -> Iterator[str]:
    """The keys in a request: OpenAI's clients send a bearer token, Anthropic's that or a header of their own."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield key
    if (own := headers.get("x-api-key")) is not None:
        yield own


class CallerKnown:
    """Wraps an app, within KeyAuth: what runs for a request knows its caller, whoever put that into the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        before = CURRENT_CALLER.set(scope.get(CALLER))
        try:
            await self._app(scope, receive, send)
        finally:
            CURRENT_CALLER.reset(before)


def load_api_keys(file: Path) -> tuple[str, ...]:
    """The keys in a file, at least one. Raises InvalidSetting, without any key in its message."""
    try:
        loaded = api_keys(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"--api-key-file {file}: {error.strerror}") from None
    except UnicodeDecodeError:  # its arguments have the file's bytes
        raise InvalidSetting(f"--api-key-file {file}: the file is not UTF-8") from None
    if not loaded:
        raise InvalidSetting(f"--api-key-file {file}: the file has no key")
    return loaded


def key_digests(keys: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(_key_digest(key.encode()) for key in keys)


def _key_digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _file_version(file: Path) -> tuple[int, ...] | None:
    """Differs once a file is written, replaced or made readable. None for what can't be read again."""
    try:
        status = file.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None  # a pipe delivers its keys once
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev
