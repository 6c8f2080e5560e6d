"""The encounters of one part, as records or as errors. Nothing of a part is dropped: each unit gives at least one."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data_schemas import IntakeRecord
from eval.batch.parts import BatchError, BatchInput, Part, split
from eval.predictors import CaseFile, InputError, InputTask, ReadCase
from integrations.fhir.bundle import load_json, parse_json
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader import read_bundle
from integrations.fhir.reader_settings import ReaderSettings


@dataclass(frozen=True, slots=True)
class Encounter:
    """``unit`` and ``index``: where it is in the input, and which one of the unit's encounters. ``error``: a class."""

    unit: int
    index: int
    case_id: str
    record: IntakeRecord | None
    error: str | None = None


def read_part(source: BatchInput, part: Part, settings: ReaderSettings) -> Iterator[Encounter]:
    """Every encounter of the part."""
    if source.task is not None:
        yield from _rows(source, part, source.task)
    elif source.kind == "folder":
        for offset, name in enumerate(part.files):
            yield from _bundle(source.path / name, part.first + offset, settings)
    else:
        with source.path.open("rb") as file:
            file.seek(part.start)
            lines = [
                line for line in file.read(part.end - part.start).splitlines(keepends=True) if line.strip()
            ]
        for offset, line in enumerate(lines):
            yield from _bundle(line, part.first + offset, settings)


def _bundle(raw: bytes | Path, unit: int, settings: ReaderSettings) -> Iterator[Encounter]:
    try:
        bundle = load_json(raw, settings) if isinstance(raw, Path) else parse_json(raw)
        results = read_bundle(bundle, source="batch", now=datetime.now(UTC), settings=settings)
    except IntakeError as error:
        results = [error]
    except Exception as error:  # a defect over one Bundle must not cost the others
        yield Encounter(unit, 0, "", None, type(error).__name__)
        return
    for index, result in enumerate(results):
        if isinstance(result, IntakeError):
            yield Encounter(unit, index, "", None, f"IntakeError: {result.element}")
        else:
            yield Encounter(unit, index, result.encounter_key.rpartition("|")[2], result)


class _Slice(CaseFile):
    """A few rows of a large file. Their ids are not compared: a row is known by its number."""

    def _ids(self) -> tuple[str, ...]:
        return ()


def check_layout(source: BatchInput, first: Part) -> None:
    """Whether the file has the columns of its task.

    Raises:
        BatchError: one is missing.
    """
    if source.task is None or source.kind == "ndjson":
        return
    with tempfile.TemporaryDirectory(prefix="triage-batch-") as folder:
        cut = Path(folder) / f"{source.path.stem}.{source.kind}"
        _cut(source, first, cut)
        try:
            next(iter(_Slice(cut, source.task).cases()), None)
        except InputError as error:
            if "missing column" in str(error):
                raise BatchError(str(error)) from None


def _rows(source: BatchInput, part: Part, task: InputTask) -> Iterator[Encounter]:
    with tempfile.TemporaryDirectory(prefix="triage-batch-") as folder:
        suffix = ".jsonl" if source.kind == "ndjson" else f".{source.kind}"
        cut = Path(folder) / f"part{suffix}"
        _cut(source, part, cut)
        try:
            cases = list(_Slice(cut, task).cases())
            if len(cases) != part.units:
                raise InputError("not as many rows as counted")
        except InputError as error:
            if part.units == 1:
                yield Encounter(part.first, 0, "", None, type(error).__name__)
                return
            # One row that breaks the reader must not cost the others: each is read alone.
            again, singles = split(cut, task, 1)
            for single in singles:
                yield from _rows(again, single.model_copy(update={"first": part.first + single.first}), task)
            return
        for unit, found in enumerate(cases, start=part.first):
            if isinstance(found, ReadCase):
                yield Encounter(unit, 0, found.case_id, found.record)
            else:
                yield Encounter(unit, 0, found.case_id, None, found.error)


def _cut(source: BatchInput, part: Part, target: Path) -> None:
    if source.kind == "parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

        with pq.ParquetFile(source.path) as file:
            skipped = 0
            groups = []
            first = None
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if skipped < part.end and skipped + rows > part.start:
                    first = skipped if first is None else first
                    groups.append(group)
                skipped += rows
            table = file.read_row_groups(groups)
        pq.write_table(table.slice(part.start - (first or 0), part.units), target)
        return
    with source.path.open("rb") as file:
        header = file.read(source.header)
        file.seek(part.start)
        target.write_bytes(header + file.read(part.end - part.start))
