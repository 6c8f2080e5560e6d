"""Runs in the sandbox's own environment: starts `sekmet` and ends with whoever started it.

The parent holds the other end of standard input. When the parent ends, however it ends, the pipe closes and
this process stops. (`prctl(PR_SET_PDEATHSIG)` would fire when the *thread* that started us ends: too early.)
"""

import os
import signal
import sys
import threading


def _stop_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from sekmet.cli import app  # type: ignore[import-not-found]

    app()
