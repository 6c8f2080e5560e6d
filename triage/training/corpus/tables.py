"""Rows of a data set file, whatever its format, and cells without surprises."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

Row = Mapping[str, object]

_BATCH_ROWS = 2000


class CorpusError(ValueError):
    """A data set file cannot be read as what it should be. Names the file, the column and the remedy."""


def read_rows(path: Path, *, required: Iterable[str], only: Iterable[str] | None = None) -> Iterator[Row]:
    """Yield the rows of a ``.csv``, ``.jsonl`` or ``.parquet`` file, one at a time.

    CSV cells are strings, those of JSON lines and parquet keep their type. Columns of ``required`` must be in the
    header (parquet, CSV) or in every object (JSON lines). With ``only``, no other column is in a row (and from
    parquet no other is read).

    Raises:
        CorpusError: the format is unknown, a required column is missing, or a line cannot be read.
        FileNotFoundError: there is no such file.
    """
    readers = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise CorpusError(f"{path.name}: unknown format {path.suffix!r}; give a {', '.join(readers)} file")
    wanted = None if only is None else tuple(only)
    rows = reader(path, tuple(required), wanted)
    return rows if wanted is None else (_project(row, wanted) for row in rows)


def text_cell(row: Row, column: str) -> str | None:
    """The stripped text of a cell; None where it is absent, null, NaN or blank."""
    raw = row.get(column)
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return None
    return str(raw).strip() or None


def number_cell(row: Row, column: str) -> Decimal | None:
    """The exact decimal of a cell; None where it is blank. 137.0 and 137 are the same number.

    Raises:
        ValueError: there is something, but no finite number.
    """
    text = text_cell(row, column)
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"column {column} holds no number") from None
    if not number.is_finite():
        raise ValueError(f"column {column} holds no finite number")
    whole = number.to_integral_value()
    return whole if whole == number else number


def flag_cell(row: Row, column: str) -> bool | None:
    """Whether a 0/1 cell is 1; None where the column is absent or blank."""
    text = text_cell(row, column)
    return None if text is None else text in {"1", "1.0", "True", "true", "yes"}


def level_cell(row: Row, column: str) -> int | None:
    """The acuity level 1-5 of a cell; None where it is absent, blank or anything else."""
    text = text_cell(row, column)
    if text is None:
        return None
    level = text.removesuffix(".0")
    return int(level) if level in {"1", "2", "3", "4", "5"} else None


def _project(row: Row, only: tuple[str, ...]) -> Row:
    return {column: row[column] for column in only if column in row}


def _check(path: Path, found: Iterable[str], required: tuple[str, ...], where: str = "") -> None:
    missing = [column for column in required if column not in set(found)]
    if missing:
        raise CorpusError(
            f"{path.name}{where}: missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            "give the data set's original file"
        )


def _csv_rows(path: Path, required: tuple[str, ...], _only: tuple[str, ...] | None) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _check(path, reader.fieldnames or (), required)
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                raise CorpusError(
                    f"{path.name}, record {number}: not as many cells as the header has columns"
                )
            yield row


def _jsonl_rows(path: Path, required: tuple[str, ...], _only: tuple[str, ...] | None) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError(f"{path.name}, line {number}: not JSON ({error.msg})") from None
            if not isinstance(row, dict):
                raise CorpusError(f"{path.name}, line {number}: not a JSON object")
            _check(path, row, required, f", line {number}")
            yield row


def _parquet_rows(path: Path, required: tuple[str, ...], only: tuple[str, ...] | None) -> Iterator[Row]:
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415  # an optional extra
    except ImportError:
        raise CorpusError(
            f"{path.name}: parquet needs pyarrow; pip install 'ed-triage-agent[eval]'"
        ) from None
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        _check(path, names, required)
        columns = None if only is None else [name for name in names if name in only]
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
            yield from batch.to_pylist()
