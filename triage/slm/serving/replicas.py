"""Several servers of one folder on one machine, each with cores or a GPU of its own; one that ends is started again."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from triage.slm.serving.environment import (
    DEFAULT_VENV,
    Device,
    Report,
    detect_device,
    ensure_environment,
)
from triage.slm.serving.errors import ServeError
from triage.slm.serving.options import ServeOptions
from triage.slm.serving.process import free_port
from triage.slm.serving.server import READY_S, ModelServer

_LONGEST_PAUSE_S = 60.0


class Replicas:
    """So many ``ModelServer`` with the same folder and key. A balancer stands before them (``haproxy_config``).

    Args:
        folder: from ``build_served``.
        count: how many.
        options: of each; ``port`` is that of the first, the others follow, and 0 chooses free ones. The cores of
            ``cpus`` are shared out; of several GPUs each replica gets one.
        device, venv, install, api_key, ready_seconds: as of ``ModelServer``.
        logs: the folder for ``replica-1.log`` and so on.
        report: see the attribute.

    Raises:
        ServeError: fewer cores or GPUs than replicas, or a port is taken.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        options: ServeOptions | None = None,
        *,
        device: Device | None = None,
        venv: Path | None = None,
        install: bool = True,
        api_key: str | None = None,
        logs: Path,
        ready_seconds: float = READY_S,
        report: Report = lambda _: None,
    ) -> None:
        options = options or ServeOptions(port=0)
        if options.adapters:
            # A replica that starts again lacks what was loaded, and its share of the patients would get rules alone.
            raise ServeError("replicas load no adapters while they run: build the adapter into the folder")
        self._device: Device = device or detect_device()
        self._venv = (venv or Path(DEFAULT_VENV)).absolute()
        self._install = install
        self.report = report
        """Told what is going on, from several threads; may be changed."""
        self.log = logs.absolute()
        """The folder of their logs."""
        self._ending = threading.Event()
        self._keepers: list[threading.Thread] = []
        self._lost: ServeError | None = None
        parts = share_cores(options.cpus, count) if self._device == "cpu" else share_gpus(count)
        key = "cpus" if self._device == "cpu" else "gpu"
        ports = free_ports(options.host, options.port, count)
        self.servers = tuple(
            ModelServer(
                folder,
                replace(options, port=port, **{key: part}),  # type: ignore[arg-type]
                device=self._device,
                venv=self._venv,
                install=False,
                api_key=api_key,
                log=logs / f"replica-{number}.log",
                ready_seconds=ready_seconds,
                report=self._as(number),
            )
            for number, (part, port) in enumerate(zip(parts, ports, strict=True), start=1)
        )

    @property
    def urls(self) -> tuple[str, ...]:
        """Of the servers, in their order; fixed over restarts."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        found = [
            (host.get(server.options.host, server.options.host), server.options.port)
            for server in self.servers
        ]
        return tuple(f"http://{f'[{name}]' if ':' in name else name}:{port}" for name, port in found)

    def start(self) -> Self:
        """Start all at once, and wait until each is warmed up.

        Raises:
            ServeError: one did not come up; none runs then.
        """
        ensure_environment(self._venv, self._device, install=self._install, report=self.report)
        try:
            with ThreadPoolExecutor(len(self.servers)) as threads:
                starting = [threads.submit(server.start) for server in self.servers]
                try:
                    for one in starting:
                        one.result()
                except BaseException:
                    while not all(one.done() for one in starting):  # or they would be waited for
                        self._end_all()
                        time.sleep(0.2)
                    raise
        except BaseException:
            self._end_all()
            raise
        return self

    def wait(self, *, stopped: Callable[[], bool] = lambda: False) -> None:
        """Stay until ``stopped`` says so. A replica that ends is started again, after a pause that grows to a minute.

        Raises:
            ServeError: none runs, and one could not be started again.
        """
        self._keepers = [
            threading.Thread(target=self._keep, args=(number, server), daemon=True)
            for number, server in enumerate(self.servers, start=1)
        ]
        for keeper in self._keepers:
            keeper.start()
        try:
            while not stopped() and self._lost is None:
                time.sleep(0.2)
        finally:
            self._ending.set()
        if self._lost is not None:
            raise self._lost

    def stop(self) -> None:
        """End all, and wait until they are gone."""
        self._ending.set()
        self._end_all()
        while any(keeper.is_alive() for keeper in self._keepers):  # one may be starting a replica just now
            time.sleep(0.2)
            self._end_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _keep(self, number: int, server: ModelServer) -> None:
        pause = 1.0
        while True:
            try:
                if not server.running:
                    server.start()
                    pause = 1.0
                    self.report(f"replica {number} is back after {server.start_seconds:.0f} s")
                server.wait(stopped=self._ending.is_set)
                return
            except (ServeError, OSError) as error:
                if self._ending.is_set():
                    return
                words = str(error)
                with contextlib.suppress(Exception):
                    server.stop()  # what is left of its group
                if pause > 1.0 and not any(other.running for other in self.servers):
                    self._lost = error if isinstance(error, ServeError) else ServeError(words)
                    return
                self.report(f"replica {number}: {words}; it is started again in {pause:.0f} s")
                self._ending.wait(pause)
                pause = min(_LONGEST_PAUSE_S, pause * 4)
                if self._ending.is_set():
                    return

    def _as(self, number: int) -> Report:
        return lambda words: self.report(f"replica {number}: {words}")

    def _end_all(self) -> None:
        with ThreadPoolExecutor(len(self.servers)) as threads:
            list(threads.map(ModelServer.stop, self.servers))


def share_cores(cpus: str | None, count: int) -> list[str]:
    """The cores of ``0-3,8``, or all that this process may use, in ``count`` even parts.

    Raises:
        ServeError: fewer cores than parts, or no such list.
    """
    try:
        cores = sorted(os.sched_getaffinity(0)) if cpus is None else _cores(cpus)
    except ValueError:
        raise ServeError(f"--cpus {cpus}: give cores as 0-3,8") from None
    if count > len(cores):
        raise ServeError(f"{count} replicas need {count} cores, and there are {len(cores)}")
    bounds = [len(cores) * number // count for number in range(count + 1)]
    return [",".join(map(str, cores[low:high])) for low, high in pairwise(bounds)]


def share_gpus(count: int) -> list[str]:
    """One for each, of those that ``CUDA_VISIBLE_DEVICES`` names or the driver lists.

    Raises:
        ServeError: fewer GPUs than replicas.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus: Sequence[str] = named.split(",") if named else _listed_gpus()
    if count > len(gpus):
        raise ServeError(f"{count} replicas need {count} GPUs, and there are {len(gpus)}")
    return list(gpus[:count])


def free_ports(host: str, first: int, count: int) -> list[int]:
    """``count`` ports from ``first`` on, or any that are free for 0.

    Raises:
        ServeError: one is taken.
    """
    found: list[int] = []
    while len(found) < count:
        port = free_port(host, first + len(found) if first else 0)
        if port not in found:
            found.append(port)
    return found


def _cores(text: str) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        low, dash, high = part.partition("-")
        found.update(range(int(low), int(high if dash else low) + 1))
    return sorted(found)


def _listed_gpus() -> list[str]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    return [str(number) for number, _ in enumerate(line for line in listed.stdout.splitlines() if line)]
