"""Answers that others gave, as a model under test: from a file of recorded answers, or the triage nurse's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.cases import Task, read_labelled
from eval.comparison.answers import read_recorded
from eval.comparison.errors import ComparisonError
from eval.harness.errors import HarnessError
from eval.predictions import Prediction
from eval.predictors import Provenance, TriageCase
from eval.predictors.inputs import sha256_of
from triage.metrics.levels import UNREADABLE

_LISTED = 6


class RecordedPredictor:
    """Looks a case up by its id; a case that nobody answered has no level."""

    chunk = 2048

    def __init__(self, name: str, levels: Mapping[str, int | None], source: str) -> None:
        self.name = name
        self._levels = levels
        self._source = source

    @property
    def provenance(self) -> Provenance:
        """Whose answers."""
        return Provenance(decision="as recorded", details={"recorded": self._source})

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        return [self._one(case.case_id) for case in cases]

    def close(self) -> None:
        """Nothing is held."""

    def _one(self, case_id: str) -> Prediction:
        level = self._levels.get(case_id)
        if level is not None:
            return Prediction(case_id=case_id, predicted=level)
        known = case_id in self._levels
        return Prediction(
            case_id=case_id, predicted=None, error="no level was recorded" if known else "no recorded answer"
        )


def recorded_answers(path: Path, row: str | None = None) -> RecordedPredictor:
    """One row of a file ``case_id, model, predicted`` (and ``prompting``, ``shots``, ``format``, ``run``).

    Args:
        path: the file.
        row: its name, as the comparison shows it (``gpt-4o Vanilla 0-shot natural [run]``), or a part that only one
            row's name has; may be left out where the file has one row.

    Raises:
        HarnessError: there is no such row, or several; the message lists some.
    """
    try:
        rows = {
            (f"{name} [{run}]" if run else name): found for (name, run), found in read_recorded(path).items()
        }
    except (ComparisonError, FileNotFoundError) as error:
        words = str(error) if isinstance(error, ComparisonError) else f"{path.name}: there is no such file"
        raise HarnessError(words) from None
    chosen = [name for name in rows if row is None or name == row] or [
        name for name in rows if row is not None and row in name
    ]
    if len(chosen) != 1:
        listed = ", ".join(list(rows)[:_LISTED]) + (" ..." if len(rows) > _LISTED else "")
        raise HarnessError(f"{path.name}: {len(chosen)} rows are called {row or 'so'}; name one of: {listed}")
    levels = {case_id: None if level == UNREADABLE else level for case_id, level in rows[chosen[0]].items()}
    return RecordedPredictor(chosen[0], levels, f"{path.name} (sha256 {sha256_of(path)}), {chosen[0]}")


def nurse_answers(task: Task, path: Path) -> RecordedPredictor:
    """The triage nurse's levels of a data file, where they stand beside another label.

    Raises:
        HarnessError: the file has none.
    """
    cases = list(read_labelled(task, path))
    levels = {case.case_id: case.nurse_acuity for case in cases}
    if all(level is None for level in levels.values()):
        raise HarnessError(f"{path.name}: no nurse's level is recorded; leave the row nurse out")
    if all(case.nurse_acuity in {None, case.acuity} for case in cases):
        raise HarnessError(f"{path.name}: the label is the nurse's own level; leave the row nurse out")
    return RecordedPredictor("nurse", levels, f"{path.name} (sha256 {sha256_of(path)}), nurse_acuity")
