"""A real FHIR server on this machine, for the demo and the tests: sekmet-fhir, which is not ours."""

import asyncio
import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from integrations.sandbox.environment import ensure_environment, sandbox_venv
from integrations.sandbox.errors import SandboxError
from integrations.sandbox.loading import LoadReport, load_bundle

_CHILD = Path(__file__).with_name("_child.py")
_TAIL_BYTES = 2000
_STOP_S = 5.0


class SandboxServer:
    """`sekmet-fhir` on 127.0.0.1 with its simulator off and its storage in ``folder``.

    A second server on the same folder finds what the first one stored. Use as a context manager, or ``start``
    and ``stop``; it also ends with this process, whether that exits, is interrupted or is killed.

    Args:
        folder: where settings, database and log go; made if absent.
        venv: the environment with sekmet-fhir; see ``sandbox_venv`` for the default. Made if absent.
        port: 0 chooses a free one. Resource links hold the port: keep it fixed where storage outlives a run.
        ready_s: how long to wait for the first answer, in seconds.
    """

    def __init__(
        self, folder: Path, *, venv: Path | None = None, port: int = 0, ready_s: float = 60.0
    ) -> None:
        self.folder = folder.absolute()
        self._venv = sandbox_venv(venv)
        self._wanted_port = port
        self._port = 0
        self._ready_s = ready_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """The FHIR base, such as ``http://127.0.0.1:8123/fhir``.

        Raises:
            SandboxError: the server was not started.
        """
        if not self._port:
            raise SandboxError("the sandbox was not started; call start() first")
        return f"http://127.0.0.1:{self._port}/fhir"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start and wait until /metadata answers.

        Raises:
            SandboxError: it did not come up; the message holds the end of its log.
        """
        if self.running:
            return self
        python = ensure_environment(self._venv)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._port = self._wanted_port or _free_port()
        if self._wanted_port and not _is_free(self._wanted_port):
            raise SandboxError(
                f"port {self._wanted_port} is taken; choose another one, or 0 for any free one"
            )
        settings = self._write_settings()
        arguments = ["serve", "-c", str(settings), "--host", "127.0.0.1", "--port", str(self._port)]
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                # -P: the child's own folder must not shadow the server's modules.
                [str(python), "-P", str(_CHILD), *arguments],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={k: v for k, v in os.environ.items() if not k.startswith(("SEKMET_", "PYTHON"))},
            )
        atexit.register(self.stop)
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Harmless where it does not run."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
                return

    def load(self, bundle: dict[str, Any]) -> LoadReport:
        """Store the resources of a transaction bundle so that loading it again changes nothing.

        In a running event loop await ``load_bundle(server.base_url, bundle)`` instead.

        Raises:
            SandboxError: the server refused it.
        """
        return asyncio.run(load_bundle(self.base_url, bundle))

    def log_tail(self) -> str:
        """The end of the server's log."""
        try:
            return self._log_file.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except FileNotFoundError:
            return ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log_file(self) -> Path:
        return self.folder / "sekmet.log"

    def _write_settings(self) -> Path:
        settings = {
            "base_url": self.base_url,
            "host": "127.0.0.1",
            "port": self._port,
            "data_dir": str(self.folder / "data"),
            "own_private_key_path": str(self.folder / "keys" / "sandbox.pem"),
            "facility_name": "Sandbox Hospital",
            "simulator": {"enabled": False},
            # The server's own traffic log would keep every body and grow without end.
            "log_inbound": False,
        }
        path = self.folder / "settings.yaml"
        path.write_text(json.dumps(settings, indent=2), encoding="utf-8")  # JSON is YAML
        return path

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + self._ready_s
        with httpx.Client(timeout=2.0, trust_env=False) as http:
            while time.monotonic() < end:
                if not self.running:
                    raise SandboxError("the sandbox server ended while starting", self.log_tail())
                with contextlib.suppress(httpx.TransportError):
                    if http.get(f"{self.base_url}/metadata").status_code == httpx.codes.OK:
                        return
                time.sleep(0.1)
        raise SandboxError(f"the sandbox server did not answer within {self._ready_s:g} s", self.log_tail())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
