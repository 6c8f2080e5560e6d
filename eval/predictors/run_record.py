"""The run record beside a predictions file: what it needs to be got again, without a path of this machine."""

import os
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import Field, ValidationError

from data_schemas import AcuityScale, EsiVersion
from data_schemas._base import Frozen
from eval.predictors.inputs import InputError, InputTask
from eval.predictors.protocol import Provenance

DIAGNOSIS_NOTICE = (
    "WITH THE DIAGNOSIS: the input held the final ED diagnosis, which is not known at triage. Compare only with "
    "models that were given it, too."
)


class DataFile(Frozen):
    """A file by name and hash; ``cases`` is its number of cases."""

    name: str
    sha256: str
    cases: int


class Setup(Frozen):
    """What decides the predictions: a resumed run must have the same."""

    data: DataFile
    task: InputTask
    scale: AcuityScale
    input_columns: tuple[str, ...]
    with_diagnosis: bool
    model: str
    provenance: Provenance
    esi_version: EsiVersion
    version: str


class RunRecord(Frozen):
    """``<out>.json``. ``finished`` is False while it runs and after it was stopped: ``--resume`` goes on.

    ``failures`` counts the cases without a level by cause; ``rules_only`` those where the agent went on without its
    model. ``commits``: of the source that ran; more than one where a run was resumed after a change. ``seconds`` is
    time spent predicting, over all parts of a resumed run.
    """

    format: int = 1
    finished: bool
    notice: str | None
    setup: Setup
    command: str
    commits: tuple[str, ...] = ()
    predicted: int = 0
    failed: int = 0
    failures: dict[str, int] = Field(default_factory=dict)
    rules_only: int = 0
    input_counts: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0
    cases_per_second: float | None = None
    parts: int = 1

    @classmethod
    def load(cls, path: Path) -> "RunRecord":
        """Read a run record.

        Raises:
            InputError: it is none.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            raise InputError(
                f"{path.name}: is not the run record of the predictions beside it; move both away and start again"
            ) from None

    def save(self, path: Path) -> None:
        """Replace the file as a whole, so that a crash leaves the old or the new one."""
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(partial, path)


def record_path(out: Path) -> Path:
    """``predictions.csv`` -> ``predictions.json``.

    Raises:
        InputError: the predictions' name does not end in .csv.
    """
    if out.suffix.lower() != ".csv":
        raise InputError(f"--out {out.name}: predictions are CSV; give a name that ends in .csv")
    return out.with_suffix(".json")


def differences(before: Setup, now: Setup) -> list[str]:
    """The fields in which two setups differ, by name."""
    old, new = before.model_dump(), now.model_dump()
    return [name for name in old if old[name] != new[name]]


def command_line(options: Mapping[str, object]) -> str:
    """The command again, files by name only: a machine's folders are nobody's business."""
    words = ["triage predict"]
    for name, value in options.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        for one in values:
            if one is True:
                words.append(name)
            elif one not in (None, False):
                words.append(f"{name} {one.name if isinstance(one, Path) else one}")
    return " ".join(words)


def source_commit() -> str | None:
    """The commit of the source that runs, ``-dirty`` with uncommitted changes; None for an installed package."""
    here = Path(__file__).resolve()
    tracked = _git(here.parent, "ls-files", "--error-unmatch", here.name)
    head = _git(here.parent, "rev-parse", "HEAD") if tracked else None
    if not head:
        return None
    return head + ("-dirty" if _git(here.parent, "status", "--porcelain", "-uno") else "")


def package_version() -> str:
    """The installed version of this project."""
    return version("ed-triage-agent")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
