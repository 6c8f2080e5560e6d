"""A run's energy on disk, to be handed to an evaluation's report."""

import os
import platform
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from data_schemas._base import Frozen
from eval.energy.meter import EnergyError
from eval.suite.result import EnergyRow


class EnergyFile(Frozen):
    """One run of ``triage eval energy``. ``machine`` in words; no path of it, and nothing of any patient.

    ``rows``: what was metered; published estimates stand in no file but their own.
    """

    format: int = 1
    command: str
    started: datetime
    seconds: float
    machine: str
    commit: str | None
    cases: str
    rows: tuple[EnergyRow, ...]

    def save(self, path: Path) -> None:
        """Replace the file as a whole."""
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(partial, path)


def load_energy(path: Path) -> EnergyFile:
    """Read what ``triage eval energy --out`` wrote.

    Raises:
        EnergyError: it is no such file.
    """
    try:
        return EnergyFile.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise EnergyError(
            f"{path.name}: not written by `triage eval energy --out`; make it with that"
        ) from None


def machine_words() -> str:
    """Processor, cores and system, without the machine's name."""
    return f"{_processor()}, {os.cpu_count()} threads, {platform.system()} {platform.machine()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "an unknown processor"
