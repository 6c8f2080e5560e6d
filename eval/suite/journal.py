"""What a row has answered so far, on the disk: a killed run goes on, and a finished row is not asked again."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_schemas._base import Frozen
from eval.harness.answers import as_json, from_json
from eval.harness.case_set import CaseSet
from eval.predictions import Prediction
from eval.predictors.run_record import package_version


class RowState(Frozen):
    """``setup``: what decides the answers; with another one they are thrown away. ``seconds``: spent answering."""

    setup: str
    finished: bool = False
    seconds: float = 0.0
    log: str | None = None
    usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


def setup_hash(cases: CaseSet, row: str, model: Mapping[str, Any], commit: str | None) -> str:
    """Of the cases, what is shown of them, the model and the program: equal setups give equal answers."""
    choice = cases.choice
    content = {
        "row": row,
        "task": choice.task.value,
        "data": cases.data_sha256,
        "cases": cases.ids_sha256,
        "shown": [choice.with_diagnosis, *choice.inputs],
        "scale": cases.scale.value,
        "model": model,
        "version": package_version(),
        "commit": commit,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


class Journal:
    """The answers of one row: ``<row>.jsonl`` and its state ``<row>.json``.

    Args:
        folder: of the task.
        name: the row's file name.
        setup: see ``setup_hash``; what is there of another setup is removed.
    """

    def __init__(self, folder: Path, name: str, setup: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._answers = folder / f"{name}.jsonl"
        self._state = folder / f"{name}.json"
        self.known: dict[str, Prediction] = {}
        self.state = _load(self._state)
        if self.state.setup != setup:
            self._answers.unlink(missing_ok=True)
            self.state = RowState(setup=setup)
            self.save()
        else:
            close_line(self._answers)
            self.known = self._read()

    def add(self, found: Sequence[Prediction], seconds: float) -> None:
        """Keep a batch; it is on the disk when this returns."""
        with self._answers.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(as_json(item)) + "\n" for item in found))
            file.flush()
            os.fsync(file.fileno())
        self.known |= {item.case_id: item for item in found}
        self.state = self.state.model_copy(update={"seconds": round(self.state.seconds + seconds, 3)})
        self.save()

    def finish(self, predictions: Iterable[Prediction], **update: Any) -> None:
        """Keep the answers as they are counted, every case once."""
        self.known = {item.case_id: item for item in predictions}
        _replace(self._answers, "".join(json.dumps(as_json(item)) + "\n" for item in self.known.values()))
        self.state = self.state.model_copy(update={"finished": True} | update)
        self.save()

    def save(self) -> None:
        """Write the state."""
        _replace(self._state, self.state.model_dump_json(indent=1) + "\n")

    def _read(self) -> dict[str, Prediction]:
        if not self._answers.exists():
            return {}
        found = {}
        for line in self._answers.read_text(encoding="utf-8").splitlines():
            try:
                item = from_json(json.loads(line))
            except ValueError:  # half a line, of a run that was killed
                continue
            # What failed in an unfinished run is asked again.
            if item is not None and (item.predicted is not None or self.state.finished):
                found[item.case_id] = item
        return found


def close_line(file: Path) -> None:
    """End a line that a killed run broke off, so that the next one does not go on in it."""
    if file.exists() and file.read_bytes()[-1:] not in {b"", b"\n"}:
        with file.open("a", encoding="utf-8") as lines:
            lines.write("\n")


def _load(path: Path) -> RowState:
    try:
        return RowState.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return RowState(setup="")


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
