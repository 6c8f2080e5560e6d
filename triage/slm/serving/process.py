"""One server process with its workers: started in a session of its own, ended to the last of them."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from triage.slm.serving.errors import ServeError

_TAIL_BYTES = 16_000


class ServerProcess:
    """Runs from the moment it is made.

    Its standard input is a pipe from here: when this process ends, however it ends, the server notices and ends too.

    Args:
        command: the program and its arguments.
        environment: all of its variables.
        log: where its output goes; written anew, readable by its owner only.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            os.fchmod(output.fileno(), 0o600)  # a log that was there before keeps its mode otherwise
            self._process = subprocess.Popen(  # noqa: S603
                list(command),
                env=dict(environment),
                cwd=log.parent,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the server; also the id of its process group, which its workers are in."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def log_tail(self) -> str:
        """The end of its output."""
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
        return ""

    def stop(self, grace_s: float) -> None:
        """Ask it to end, wait, and end what is left: afterwards no process of the group runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)  # only the server: it ends its workers in order
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        for sign, wait_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 10.0)):
            if not self._group_runs():
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, sign)
            end = time.monotonic() + wait_s
            while self._group_runs() and time.monotonic() < end:
                time.sleep(0.05)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _group_runs(self) -> bool:
        self._process.poll()  # a zombie of ours would count as running
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


def free_port(host: str, wanted: int) -> int:
    """The port wanted, or a free one for 0.

    Raises:
        ServeError: it is taken, not allowed, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except PermissionError as error:
            raise ServeError(f"port {wanted} may not be used by this user: choose one above 1023") from error
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno not in (98, 48):
                raise ServeError(f"{host} is no address of this machine: {error.strerror}") from error
            raise ServeError(
                f"port {wanted} is taken: another server listens there (`ss -ltnp 'sport = :{wanted}'` says which); "
                "end it, or choose another port with --port"
            ) from error
        return int(probe.getsockname()[1])
