"""Memory that was freed goes back to the system: glibc would keep it, by default in an arena for each thread."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# From malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Bytes from which an allocation is a mapping of its own, which ends when it is freed. glibc's default too, until it has
# freed a larger one: then it keeps up to twice as much.
THRESHOLD = 128 * 2**10


def return_freed() -> None:
    """From now on, in this process. Large texts and lists, such as those of requests, don't stay."""
    with suppress(OSError, AttributeError, TypeError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, THRESHOLD)
        mallopt(_TRIM_THRESHOLD, THRESHOLD)


def trim() -> None:
    """Gives back what has been freed so far. Slow: it looks at all that was."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
