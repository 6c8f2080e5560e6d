"""Who works on a case, and whether that process is still alive.

A lease runs out by the clock; on the same machine a dead owner is also recognised at once, so that a
restarted service need not wait.
"""

import os
import socket
from pathlib import Path
from uuid import uuid4


def own_name() -> str:
    """``host:boot:pid:start:token``: one service of this process, and no later process of the same number.

    Each call gives another name: two services of one process keep off each other's runs, too.
    """
    start = _start(os.getpid()) or ""
    return f"{socket.gethostname()}:{_boot()}:{os.getpid()}:{start}:{uuid4().hex[:12]}"


def is_dead(owner: str) -> bool:
    """Whether ``owner`` is known to be gone: it ran on this machine and is not there any more.

    False means alive or unknown; then only the clock ends its lease.
    """
    host, boot, pid, start, _ = owner.rsplit(":", 4)
    if host != socket.gethostname() or not boot or not pid.isdigit():
        return False
    if boot != _boot():
        return True
    if not start or not Path("/proc/self/stat").exists():
        return False
    return _start(int(pid)) != start


def _start(pid: int) -> str | None:
    """Start time in clock ticks since boot (field 22 of /proc/<pid>/stat), or None."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else rest[18]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
