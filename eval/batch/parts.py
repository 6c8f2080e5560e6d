"""Splits an input of any size into parts without holding it: a part is a place in a file, or a few files.

A unit is what is read as one: a Bundle (a line of NDJSON or a file of a folder), or a row of a data set file. Units are
numbered through the whole input from 0, and the same input always gives the same parts.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from data_schemas._base import Frozen
from eval.predictors import InputTask

Kind = Literal["ndjson", "folder", "csv", "parquet"]


class BatchError(ValueError):
    """The input or output of a batch is not what it should be; names the remedy, never a patient."""


class Part(Frozen):
    """``units`` units from number ``first`` on.

    ``start`` and ``end``: bytes of the file (NDJSON, CSV) or rows of it (parquet). ``files``: those of a folder.
    """

    number: int
    first: int
    units: int
    start: int = 0
    end: int = 0
    files: tuple[str, ...] = ()


class BatchInput(Frozen):
    """What is scored. ``path`` is absolute, and the same on every machine. ``sha256``: of the file, or of the names and
    sizes of a folder's files. ``header``: of a CSV, in bytes."""

    path: Path
    kind: Kind
    task: InputTask | None
    sha256: str
    units: int
    header: int = 0


def split(path: Path, task: InputTask | None, size: int) -> tuple[BatchInput, tuple[Part, ...]]:
    """The parts of ``path``, of ``size`` units each. The file is read once, for its hash and its places.

    Raises:
        BatchError: there is no such input, it is of an unknown form or empty, or the task is missing.
    """
    kind = _kind(path, task)
    digest = hashlib.sha256()
    header = 0
    match kind:
        case "folder":
            parts = list(_folder_parts(path, size, digest))
        case "parquet":
            _hash(path, digest)
            parts = list(_parquet_parts(path, size))
        case "csv":
            header, ends = _csv_ends(path, digest)
            parts = list(_byte_parts(ends, size, header))
        case "ndjson":
            parts = list(_byte_parts(_line_ends(path, digest), size, 0))
    if not parts:
        raise BatchError(f"{path.name} holds nothing to score")
    total = parts[-1].first + parts[-1].units
    found = BatchInput(
        path=path.absolute(), kind=kind, task=task, sha256=digest.hexdigest(), units=total, header=header
    )
    return found, tuple(parts)


def _kind(path: Path, task: InputTask | None) -> Kind:
    if path.is_dir():
        kind: Kind = "folder"
    elif not path.is_file():
        raise BatchError(f"there is no {path.name}")
    else:
        match path.suffix.lower():
            case ".csv":
                kind = "csv"
            case ".parquet":
                kind = "parquet"
            case ".ndjson" | ".jsonl":  # Bundles, or with a task its rows
                kind = "ndjson"
            case other:
                raise BatchError(
                    f"{path.name}: unknown form {other!r}; give .ndjson (a Bundle a line), a folder of Bundles, "
                    ".csv or .parquet"
                )
    if kind in {"csv", "parquet"} and task is None:
        raise BatchError(f"{path.name}: say its layout with --task ({', '.join(InputTask)})")
    if kind == "folder" and task is not None:
        raise BatchError("--task is for data set files; a folder holds FHIR Bundles")
    if kind == "ndjson" and task is None:
        _require_bundles(path)
    return kind


def _require_bundles(path: Path) -> None:
    with path.open("rb") as file:
        line = next((line for line in file if line.strip()), b"")
    try:
        first = json.loads(line) if line else None
    except ValueError:
        return  # a bad line is a row of its own with its error
    if isinstance(first, dict) and first.get("resourceType") != "Bundle":
        raise BatchError(
            f"{path.name}: a line holds one resource, not a Bundle. Give a Bundle for each encounter; an export by "
            "resource type cannot be read encounter by encounter (`triage assess` reads one as a whole)"
        )


def _folder_parts(path: Path, size: int, digest: "hashlib._Hash") -> Iterator[Part]:
    names = sorted(str(file.relative_to(path)) for file in path.rglob("*.json"))
    for number, first in enumerate(range(0, len(names), size)):
        files = tuple(names[first : first + size])
        for name in files:
            digest.update(f"{name}\0{(path / name).stat().st_size}\n".encode())
        yield Part(number=number, first=first, units=len(files), files=files)


def _parquet_parts(path: Path, size: int) -> Iterator[Part]:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        rows = pq.read_metadata(path).num_rows
    except (pa.ArrowException, ValueError):
        raise BatchError(f"{path.name} is not a parquet file") from None
    for number, first in enumerate(range(0, rows, size)):
        units = min(size, rows - first)
        yield Part(number=number, first=first, units=units, start=first, end=first + units)


def _byte_parts(ends: Iterable[int], size: int, start: int) -> Iterator[Part]:
    number = first = units = 0
    end = start
    for end in ends:
        units += 1
        if units == size:
            yield Part(number=number, first=first, units=units, start=start, end=end)
            number, first, units, start = number + 1, first + units, 0, end
    if units:
        yield Part(number=number, first=first, units=units, start=start, end=end)


def _line_ends(path: Path, digest: "hashlib._Hash") -> Iterator[int]:
    """The end of every line that is not blank."""
    position = 0
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            position += len(line)
            if line.strip():
                yield position


def _csv_ends(path: Path, digest: "hashlib._Hash") -> tuple[int, Iterator[int]]:
    """The length of the header, and the end of every record, which may hold line breaks in quotes."""
    lines = _Counted(path, digest)
    reader = csv.reader(lines)
    try:
        next(reader, None)
    except (csv.Error, UnicodeDecodeError):
        raise BatchError(f"{path.name} is not CSV in UTF-8") from None

    def ends() -> Iterator[int]:
        try:
            for row in reader:
                if row:
                    yield lines.position
        except (csv.Error, UnicodeDecodeError):
            raise BatchError(f"{path.name} is not CSV in UTF-8 from byte {lines.position} on") from None

    return lines.position, ends()


class _Counted:
    """The lines of a file, and how many bytes were given out."""

    def __init__(self, path: Path, digest: "hashlib._Hash") -> None:
        self.position = 0
        self._path = path
        self._digest = digest
        self._lines = self._read()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._lines)

    def _read(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            for line in file:
                self._digest.update(line)
                self.position += len(line)
                yield line.decode("utf-8")


def _hash(path: Path, digest: "hashlib._Hash") -> None:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
