"""``triage ui --demo``: a sandbox FHIR server, sample patients who arrive on it, and the dashboard that reads them."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from integrations.samples import samples
from integrations.samples.live import LiveArrivals, mixed
from integrations.sandbox import SandboxServer
from integrations.settings import FhirSettings, Settings
from triage.slm import EngineError
from triage.slm.fetch import find_base_model
from ui.cli import common


@contextlib.contextmanager
def demonstration(
    settings: Settings, folder: Path | None, *, venv: Path | None, every_s: float, limit: int | None
) -> Iterator[Settings]:
    """Everything around the dashboard; gives the settings that it runs with.

    Nothing of the configured records and servers is touched. Without ``folder`` all is in a temporary one and goes
    when it ends.

    Raises:
        SandboxError: the FHIR server cannot be made or started.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-demo-")))
        common.out.print("A sandbox FHIR server (sekmet-fhir) starts on this machine")
        server = stack.enter_context(SandboxServer(folder / "fhir", venv=venv, port=_same_port(folder)))
        (folder / "port").write_text(server.base_url.rsplit(":", 1)[1].split("/")[0])
        fhir = FhirSettings(base_url=server.base_url, write_back=True, poll_seconds=2)
        demo = settings.model_copy(
            update={
                "fhir": fhir,
                "data_dir": folder / "records",
                "database_url": None,
                "retention_days": None,
            }
        )
        _say_model(demo)
        patients = mixed(samples())[:limit]
        stack.enter_context(LiveArrivals(server.base_url, patients, every_s=every_s))
        common.out.print(
            f"{len(patients)} sample patients arrive on {server.base_url}, one every {every_s:g} s",
            highlight=False,
        )
        yield demo


def _say_model(settings: Settings) -> None:
    if settings.model.engine != "embedded":
        return
    try:
        find_base_model()
    except EngineError:
        common.err.say(
            "no model on this machine",
            "levels come from rules alone; `triage model fetch` gets it",
            "bold yellow",
        )


def _same_port(folder: Path) -> int:
    """The port of the last run in this folder: the server's links and our cases hold it."""
    try:
        return int((folder / "port").read_text())
    except (FileNotFoundError, ValueError):
        return 0
