"""A process that ends with the one that started it, however that ends."""

from __future__ import annotations

import os
import signal
import sys

# Signals of a terminal, which it sends to all processes that were started there.
FROM_TERMINAL = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))

if sys.platform == "linux":
    import ctypes

    # <linux/prctl.h>
    PR_SET_PDEATHSIG = 1

    def end_with(parent: int) -> None:
        """Has the kernel kill this process, even a stopped one, when the thread that started it ends.

        `parent` is the id of the process that started it.
        """
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it has ended before
            os._exit(1)

else:
    import threading

    import psutil

    def end_with(parent: int) -> None:
        """Exits when that process ends, once no native code holds the interpreter's lock: nothing here can do it from
        outside."""
        threading.Thread(target=_exit_after, args=(parent,), name="lifeline", daemon=True).start()

    def _exit_after(parent: int) -> None:
        try:
            psutil.Process(parent).wait()
        finally:
            os._exit(1)


def leave_signals_to_parent() -> None:
    """Ctrl-C and the end of a terminal are the server's business: it lets running answers finish."""
    for received in FROM_TERMINAL:
        signal.signal(received, signal.SIG_IGN)
