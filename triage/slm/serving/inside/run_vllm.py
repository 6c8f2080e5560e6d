"""Starts ``vllm`` and ends with whoever started it.

The parent holds the other end of standard input. When the parent ends, however it ends, the pipe closes, and this
process and its workers stop. (``prctl(PR_SET_PDEATHSIG)`` would fire when the *thread* that started us ends: too
early.)
"""

import os
import signal
import sys
import threading
import time

_GRACE_S = 15.0


def _stop_with_parent() -> None:
    # Not sys.stdin: a thread that waits in it makes the interpreter abort when it ends by itself, and hides why it did.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os.killpg(os.getpgid(0), signal.SIGKILL)  # the server did not end in time: the workers go with it


if __name__ == "__main__":
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from vllm.entrypoints.cli.main import main  # type: ignore[import-not-found]

    sys.argv[0] = "vllm"
    main()
