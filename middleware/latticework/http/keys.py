"""The API keys that open the door, as digests: those of the settings, and those of a file that may change meanwhile."""

from __future__ import annotations

import hashlib
import logging
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from latticework.options import InvalidSetting, api_keys

logger = logging.getLogger(__name__)

# How often the file is looked at, in seconds. Between two looks a request costs no system call.
LOOK_EVERY = 1.0


class Keys:
    """Keys are rotated by changing the file: no restart is needed, and what is being answered goes on."""

    def __init__(
        self, given: Iterable[str], file: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises InvalidSetting where the file holds no key or can't be read."""
        self._given = digests(given)
        self._file = Path(file) if file else None
        self._clock = clock
        self._looked = clock()
        self._failing = False
        self._stamp = self._file and _stamp(self._file)  # taken first: a change while the file is read is seen later
        self._read = digests(read(self._file)) if self._file else ()

    def digests(self) -> tuple[bytes, ...]:
        """Of all keys as they are now."""
        now = self._clock()
        if self._file is not None and now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._look(self._file)
        return self._given + self._read

    def _look(self, file: Path) -> None:
        """Reads the file if it has changed. One that is of no use changes nothing, and is told of once."""
        stamp = _stamp(file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            found = read(file)
        except InvalidSetting as error:
            if not self._failing:
                logger.warning("%s. The keys that it held before stay valid.", error)
            self._failing = True
        else:
            self._failing = False
            self._read = digests(found)
            logger.info("%s has changed: it holds %d keys now", file, len(found))


def read(file: Path) -> tuple[str, ...]:
    """The keys in a file, at least one. Raises InvalidSetting that tells no key."""
    try:
        found = api_keys(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"--api-key-file {file}: {error.strerror}") from None
    except UnicodeDecodeError:  # it would carry what the file holds
        raise InvalidSetting(f"--api-key-file {file}: it is not UTF-8") from None
    if not found:
        raise InvalidSetting(f"--api-key-file {file}: it holds no key")
    return found


def digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def digests(keys: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(digest(key.encode()) for key in keys)


def _stamp(file: Path) -> tuple[int, ...] | None:
    """What differs once a file was written, replaced or allowed to be read. None where there is none to read again."""
    try:
        found = file.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None  # a pipe gives its keys once
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev
