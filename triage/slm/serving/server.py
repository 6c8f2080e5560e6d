"""A model server as a context manager: checked, started, waited for, warmed up, ended."""

import atexit
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from triage.slm.serving.diagnosis import diagnose
from triage.slm.serving.environment import (
    DEFAULT_VENV,
    Device,
    Report,
    detect_device,
    ensure_environment,
)
from triage.slm.serving.errors import ServeError
from triage.slm.serving.manifest import ServedFolder, verify
from triage.slm.serving.options import ServeOptions, command, environment
from triage.slm.serving.process import ServerProcess, free_port
from triage.slm.serving.warmup import warm_up

READY_S = 900.0
_STOP_S = 20.0
_STAGES: tuple[tuple[str, str], ...] = (
    ("Application startup complete", "starting to listen"),
    ("KV cache size", "laying out the memory for keys and values"),
    ("torch.compile takes", "compiling"),
    ("Loading weights took", "weights loaded"),
    ("Starting to load model", "loading the weights"),
    ("Initializing a V1 LLM engine", "starting the engine"),
    ("non-default args", "reading the model's configuration"),
)


class ModelServer:
    """vLLM with one served folder.

    Use as a context manager, or ``start`` and ``stop``. It also ends with this process, however that ends.

    Args:
        folder: from ``build_served``; every file is compared with its manifest before the start.
        options: where it listens and what it may use.
        device: None is what this machine has.
        venv: vLLM's environment.
        install: whether the environment may be made where it is not there.
        api_key: asked of every question; None for a server that asks for none.
        log: the file for its output, written anew; a file beside it, with ``.ready`` for its ending, says that the
            warm-up is over: from then on ``/ready`` is 200.
        ready_seconds: for start and warm-up together.
        report: told what is going on.
    """

    def __init__(
        self,
        folder: Path,
        options: ServeOptions | None = None,
        *,
        device: Device | None = None,
        venv: Path | None = None,
        install: bool = True,
        api_key: str | None = None,
        log: Path,
        ready_seconds: float = READY_S,
        report: Report = lambda _: None,
    ) -> None:
        self.folder = folder
        self.options = options or ServeOptions()
        self.device: Device = device or detect_device()
        self.api_key = api_key
        self.log = log.absolute()
        self.start_seconds = 0.0
        """From the start of the process to the end of the warm-up; 0 before that."""
        self._venv = (venv or Path(DEFAULT_VENV)).absolute()
        self._install = install
        self._ready_s = ready_seconds
        self._report = report
        self._port = 0
        self._served: ServedFolder | None = None
        self._process: ServerProcess | None = None

    @property
    def served(self) -> ServedFolder:
        """What it serves, with every hash compared.

        Raises:
            ServeError: it was not started.
        """
        if self._served is None:
            raise ServeError("the model server was not started; call start() first")
        return self._served

    @property
    def name(self) -> str:
        """The model name to ask for; it ends with the hash over the served folder."""
        return str(self.served.name)

    @property
    def url(self) -> str:
        """Such as ``http://127.0.0.1:8000``, without ``/v1``.

        Raises:
            ServeError: it was not started.
        """
        if not self._port:
            raise ServeError("the model server was not started; call start() first")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.options.host, self.options.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def pid(self) -> int | None:
        """Of the server, whose group holds its workers; None where it does not run."""
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.exit_code() is None

    def start(self) -> Self:
        """Check, start, wait until healthy, and warm up.

        Raises:
            ModelMissingError: the folder has no manifest.
            ModelIntegrityError: a file is not what the manifest says; the message names it.
            ServeError: the port is taken, there is no environment, or the server did not come up; the message says
                why and what to do, ``log_tail`` holds the end of its log.
        """
        if self.running:
            return self
        self._report(f"checking {self.folder}")
        self._served = verify(self.folder)
        port = free_port(self.options.host, self.options.port)
        python = ensure_environment(self._venv, self.device, install=self._install, report=self._report)
        began = time.monotonic()
        end = began + self._ready_s
        ready_file = self.log.with_suffix(".ready")
        ready_file.unlink(missing_ok=True)
        self._process = ServerProcess(
            command(python, self._served, self.options, port, self.device),
            environment(
                self.options,
                self.device,
                self.api_key,
                base_name=str(self._served.base_name),
                ready_file=ready_file,
            ),
            self.log,
        )
        self._port = port
        atexit.register(self.stop)
        try:
            self._wait_until_healthy(end)
            self._report("warming up with a question")
            self._warm_up(max(30.0, end - time.monotonic()))
        except BaseException:
            self.stop()
            raise
        ready_file.touch(mode=0o600)
        self.start_seconds = time.monotonic() - began
        return self

    def stop(self) -> None:
        """End the server and its workers, and wait until they are gone. Harmless where it does not run."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        self.log.with_suffix(".ready").unlink(missing_ok=True)
        if process is not None:
            process.stop(_STOP_S)

    def wait(self, *, stopped: Callable[[], bool] = lambda: False) -> None:
        """Stay until the server ends by itself, which is an error, or until ``stopped`` says so.

        Raises:
            ServeError: it ended; the message holds the last useful line of its log.
        """
        while not stopped():
            process = self._process
            if process is None:
                return
            code = process.exit_code()
            if code is not None:
                tail = process.log_tail()
                raise ServeError(diagnose(code, tail, was_ready=True), tail)
            time.sleep(0.2)

    def log_tail(self) -> str:
        """The end of the server's log."""
        return self._process.log_tail() if self._process is not None else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_healthy(self, end: float) -> None:
        stage = ""
        process = self._process
        with httpx.Client(timeout=5.0, trust_env=False) as http:
            while process is not None and time.monotonic() < end:
                tail = process.log_tail()
                code = process.exit_code()
                if code is not None:
                    raise ServeError(diagnose(code, tail), tail)
                with contextlib.suppress(httpx.TransportError):
                    if http.get(f"{self.url}/health").status_code == httpx.codes.OK:
                        return
                now = next((words for mark, words in _STAGES if mark in tail), "starting vLLM")
                if now != stage:
                    stage = now
                    self._report(now)
                time.sleep(0.3)
        tail = self.log_tail()
        raise ServeError(diagnose(None, tail), tail)

    def _warm_up(self, seconds: float) -> None:
        try:
            warm_up(self.served, self.url, self.api_key, seconds=seconds)
        except ServeError as error:
            process = self._process
            code = process.exit_code() if process is not None else None
            tail = self.log_tail()
            if (
                code is not None
            ):  # it crashed over the question: its log knows more than the broken connection
                raise ServeError(diagnose(code, tail), tail) from error
            raise ServeError(str(error), tail) from error


def start_server(
    folder: Path,
    options: ServeOptions | None = None,
    *,
    log: Path,
    device: Device | None = None,
    venv: Path | None = None,
    api_key: str | None = None,
    ready_seconds: float = READY_S,
) -> ModelServer:
    """A running, warmed-up server on a free port of this machine, for tests and measurements; ``stop()`` ends it.

    Raises:
        EngineError: see ``ModelServer.start``.
    """
    wanted = options or ServeOptions(port=0)
    server = ModelServer(
        folder, wanted, device=device, venv=venv, api_key=api_key, log=log, ready_seconds=ready_seconds
    )
    return server.start()
