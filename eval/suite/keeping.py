"""Answers to changed cases and metered energy on the disk: a killed run does not ask or meter them again."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from data_schemas import IntakeRecord
from eval.harness.answers import as_json, from_json
from eval.predictions import Prediction
from eval.robustness import Again, Answer
from eval.suite.journal import close_line
from eval.suite.result import EnergyRow

_ROWS = TypeAdapter(tuple[EnergyRow, ...])


def key_of(*parts: Any) -> str:
    """A hash of what decides an answer; equal parts, equal hash."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class KeptAnswers:
    """The answers of one row to changed cases, a line for each batch that was asked.

    A batch is known by the hash of ``setup`` (model, data, program), of the way it was asked and of its very records;
    with another of these it is asked. Batches with a case that has no level are asked again. The file holds hashes and
    answers, nothing of a patient.

    Args:
        file: where.
        setup: see ``eval.suite.journal.setup_hash``; lines of another one are removed.
    """

    def __init__(self, file: Path, setup: str) -> None:
        self._file = file
        self._setup = setup
        self._known = _read(file, setup)

    def answer(self, way: str, ask: Answer) -> Answer:
        """``ask``, asked only what is not known; ``way`` tells apart prompts of one row."""
        return lambda records: self._one(way, records, ask)

    def again(self, ask: Again) -> Again:
        """``ask``; each run's answers are its own, so that repeating is measured and not remembered."""
        return lambda records, run: self._one(f"run {run}", records, lambda these: ask(these, run))

    def _one(self, way: str, records: Sequence[IntakeRecord], ask: Answer) -> list[Prediction]:
        key = key_of(self._setup, way, [record.model_dump_json() for record in records])
        known = self._known.get(key)
        if known is not None and len(known) == len(records):
            return known
        found = ask(records)
        if all(item.predicted is not None for item in found):
            self._known[key] = found
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps([self._setup, key, [as_json(item) for item in found]]) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
        return found


def kept_energy(
    file: Path, setup: str, meter: Callable[[], Sequence[EnergyRow]]
) -> tuple[tuple[EnergyRow, ...], bool]:
    """What ``meter`` gives, from ``file`` where the same ``setup`` was metered already; and whether it was.

    Rows are metered in turns, so that they are kept together or not at all.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(content, Mapping) and content.get("setup") == setup:
            return _ROWS.validate_python(content.get("rows"), strict=False), True
    except (OSError, ValueError, ValidationError):  # none, or half of one
        pass
    rows = tuple(meter())
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(json.dumps({"setup": setup, "rows": _ROWS.dump_python(rows, mode="json")}), "utf-8")
    os.replace(partial, file)
    return rows, False


def _read(file: Path, setup: str) -> dict[str, list[Prediction]]:
    if not file.exists():
        return {}
    close_line(file)
    found: dict[str, list[Prediction]] = {}
    other = False
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            of, key, items = json.loads(line)
            answers = [from_json(item) for item in items]
        except (ValueError, TypeError):  # half a line, of a run that was killed
            continue
        if of != setup:
            other = True
        elif all(item is not None for item in answers):
            found[key] = [item for item in answers if item is not None]
    if other and not found:
        file.unlink()
    return found
