"""Where predictions go: a new file, or one that is gone on with."""

from collections.abc import Sequence
from pathlib import Path

from eval.predictions import COLUMNS, Prediction, PredictionsError, parse_predictions
from eval.predictors.inputs import InputError
from eval.predictors.run_record import RunRecord, record_path

_HEADER = ",".join(COLUMNS)


class Output:
    """The predictions file ``path`` and its run record. Nothing is written before ``begin``.

    Args:
        path: ends in .csv.
        resume: keep what is there; else a finished file is replaced, and an unfinished one refused.

    ``rows`` are those that are kept, ``record`` the record that goes with them.

    Raises:
        InputError: the path is not for predictions, or holds an unfinished run or something else.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self.record_path = record_path(path)
        self.rows: Sequence[Prediction] = ()
        self.record: RunRecord | None = None
        self._keep = 0
        if not path.parent.is_dir():
            raise InputError(f"--out {path.name}: there is no folder {path.parent.name}; make it first")
        if not path.exists():
            return
        content = path.read_bytes()
        text = content.decode("utf-8", "replace")
        if not (text.startswith(_HEADER) or _HEADER.startswith(text)):
            raise InputError(
                f"--out {path.name}: there is a file that holds no predictions; give another name"
            )
        if resume:
            self._keep = content.rfind(b"\n") + 1  # a crash may have left half a row
            if self._keep:
                self.record = RunRecord.load(self.record_path)
                self.rows = _parsed(content[: self._keep], path.name)
        elif content and self.record_path.exists() and not RunRecord.load(self.record_path).finished:
            raise InputError(
                f"--out {path.name} holds an unfinished run: go on with --resume, or remove the file to start again"
            )

    def begin(self) -> None:
        """Cut off half a row, or the whole old file."""
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(self._keep)


def _parsed(content: bytes, name: str) -> list[Prediction]:
    try:
        return parse_predictions(content.decode("utf-8"), name)
    except (PredictionsError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be gone on with: {error}") from None
