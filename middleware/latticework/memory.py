"""The memory of this process, as its C library reports it: glibc does.

glibc keeps what is freed, by default in an arena for each thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import cache

# From malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Bytes from which an allocation is a mapping of its own, which ends when it is freed. glibc's default too, until it has
# freed a larger one: then it keeps up to twice as much.
THRESHOLD = 128 * 2**10

_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
# What a C library without these functions raises: another one, an older one, or Windows'.
_ELSEWHERE = (OSError, AttributeError, TypeError)


class _Counts(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS.split()]


def return_freed() -> None:
    """From now on, in this process. Large texts and lists, such as those of requests, don't stay."""
    with suppress(*_ELSEWHERE):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, THRESHOLD)
        mallopt(_TRIM_THRESHOLD, THRESHOLD)


def trim() -> None:
    """Gives back what has been freed so far, which takes milliseconds."""
    with suppress(*_ELSEWHERE):
        ctypes.CDLL(None).malloc_trim(0)


@cache
def _mallinfo() -> Callable[[], _Counts] | None:
    try:
        count = ctypes.CDLL(None).mallinfo2
    except _ELSEWHERE:
        return None
    count.restype = _Counts
    return count


def allocated() -> int | None:
    """Bytes in use, of all threads; None where the C library does not count them. 0.1 ms; in a large process 5 ms."""
    count = _mallinfo()
    if count is None:
        return None
    counts = count()
    return int(counts.uordblks + counts.hblkhd)
