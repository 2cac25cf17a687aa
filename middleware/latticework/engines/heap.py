"""How much memory this process has allocated, and giving back what is free. Of glibc; other C libraries don't tell."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


class _Counts(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS.split()]


@cache
def _functions() -> tuple[Callable[[], _Counts], Callable[[int], int]] | None:
    try:
        library = ctypes.CDLL(None)
        count, trim = library.mallinfo2, library.malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, one before 2.33, or Windows
        return None
    count.restype = _Counts
    return count, trim


def allocated() -> int | None:
    """Bytes in use, of all threads; None where the C library does not count them. Some 0.1 ms."""
    functions = _functions()
    if functions is None:
        return None
    counts = functions[0]()
    return int(counts.uordblks + counts.hblkhd)


def give_back() -> None:
    """Returns what is free to the system, which takes milliseconds."""
    functions = _functions()
    if functions is not None:
        functions[1](0)
