"""What a batch writes: a parquet file a part, whole or not at all, and the settings that all of them share."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from data_schemas import AcuityScale, EsiVersion
from data_schemas._base import Frozen
from eval.batch.parts import BatchError, BatchInput, Part

SCHEMA: Mapping[str, str] = {
    "unit": "int64",
    "index": "int32",
    "case_id": "string",
    "level": "int8",
    "p1": "double",
    "p2": "double",
    "p3": "double",
    "p4": "double",
    "p5": "double",
    "most_urgent": "int8",
    "least_urgent": "int8",
    "mode": "string",
    "error": "string",
    "assessment": "string",
}
"""Columns and their arrow types. ``level`` is null where the row failed, and ``error`` is then its class; a row with a
level and an ``error`` has its level from the rules alone, for the model failed that way. ``assessment``: the whole
assessment as JSON, null with levels only."""

_META = b"triage"


class Options(Frozen):
    """What decides the rows: a resumed run must have the same."""

    levels_only: bool
    part_rows: int
    engine: str
    adapter: str
    scale: AcuityScale
    esi_version: EsiVersion
    calibration: str
    version: str


class Setup(Frozen):
    """``batch.json``: of what and how. The input by name and hash."""

    format: int = 1
    name: str
    kind: str
    task: str | None
    sha256: str
    units: int
    options: Options


class Summary(Frozen):
    """What one part came to. ``failures``: rows without a level, by class; ``rules_only``: rows that the model failed.

    ``model``: what answered; ``seconds``: of the scoring.
    """

    part: int
    units: int
    rows: int
    model: str
    failures: dict[str, int] = Field(default_factory=dict)
    rules_only: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0
    refused: str | None = None


class Shards:
    """The output folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def begin(self, source: BatchInput, options: Options) -> None:
        """Make the folder, or go on in one that holds parts of the same input with the same options.

        Raises:
            BatchError: it holds something else.
        """
        setup = Setup(
            name=source.path.name,
            kind=source.kind,
            task=None if source.task is None else source.task.value,
            sha256=source.sha256,
            units=source.units,
            options=options,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        about = self.folder / "batch.json"
        if about.exists():
            try:
                before = Setup.model_validate_json(about.read_text("utf-8"))
            except (ValidationError, UnicodeDecodeError):
                raise BatchError(f"{about.name} in --out cannot be read: give another folder") from None
            changed = _differences(before.model_dump(), setup.model_dump())
            if changed:
                raise BatchError(
                    f"--out holds another batch ({', '.join(changed)} differ): give another folder"
                )
        elif any(self.folder.iterdir()):
            raise BatchError("--out is not empty and holds no batch: give another folder")
        else:
            _replace(about, (setup.model_dump_json(indent=1) + "\n").encode())
        for left in self.folder.glob(".part-*"):  # of a process that was killed
            left.unlink(missing_ok=True)

    def path(self, number: int) -> Path:
        """Where a part's rows are."""
        return self.folder / f"part-{number:06}.parquet"

    def summary(self, part: Part) -> Summary | None:
        """What a part came to; None where it is not there.

        Raises:
            BatchError: the file is damaged or another part's.
        """
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        path = self.path(part.number)
        if not path.exists():
            return None
        try:
            found = pq.read_metadata(path)
            summary = Summary.model_validate_json((found.metadata or {})[_META])
        except (pa.ArrowException, OSError, ValueError, KeyError):
            raise BatchError(
                f"{path.name} in --out is damaged: remove it, and the part is scored again"
            ) from None
        if (summary.part, summary.units, summary.rows) != (part.number, part.units, found.num_rows):
            raise BatchError(
                f"{path.name} in --out is another part's: remove it, and the part is scored again"
            )
        return summary

    def write(self, rows: Sequence[Mapping[str, Any]], summary: Summary) -> None:
        """Keep a part's rows; a crash leaves all of them or none."""
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        schema = pa.schema(
            [(name, getattr(pa, kind if kind != "double" else "float64")()) for name, kind in SCHEMA.items()],
            metadata={_META: summary.model_dump_json().encode()},
        )
        partial = self.folder / f".part-{summary.part:06}-{os.getpid()}"
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), partial, compression="zstd")
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, self.path(summary.part))

    def finish(self, total: Mapping[str, Any]) -> None:
        """``summary.json``: the counts of the whole batch."""
        _replace(self.folder / "summary.json", (json.dumps(total, indent=1) + "\n").encode())


def added(summaries: Sequence[Summary]) -> tuple[Counter[str], Counter[str]]:
    """Failures and rows by rules alone over all parts."""
    failures: Counter[str] = Counter()
    rules_only: Counter[str] = Counter()
    for summary in summaries:
        failures.update(summary.failures)
        rules_only.update(summary.rules_only)
    return failures, rules_only


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = [key for key in now if key != "options" and before.get(key) != now[key]]
    old, new = before["options"], now["options"]
    return found + [key for key in new if old.get(key) != new[key]]


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)
