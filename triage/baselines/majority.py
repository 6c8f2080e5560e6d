"""The training prior: the same probabilities for everyone. Whatever does not beat it has learnt nothing of patients."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, ValidationError

from data_schemas import LEVELS, AcuityScale, IntakeRecord, LevelProbabilities
from data_schemas._base import Frozen
from triage.baselines.labels import BaselineError, Probabilities, labels_of
from triage.training.corpus import LabelledCase


class Majority(Frozen):
    """Shares of levels 1-5 among the training cases, all of one ``scale``."""

    probabilities: LevelProbabilities
    scale: AcuityScale
    cases: int = Field(ge=1)

    @classmethod
    def fit(cls, cases: Sequence[LabelledCase]) -> Self:
        """Count the levels of ``cases``; their records are not looked at.

        Raises:
            ValueError: no cases, a case without a level, or cases of several scales.
        """
        counts = np.bincount(labels_of(cases), minlength=len(LEVELS))
        one, two, three, four, five = (float(share) for share in counts / counts.sum())
        return cls(
            probabilities=LevelProbabilities(p=(one, two, three, four, five)),
            scale=cases[0].scale,
            cases=len(cases),
        )

    @property
    def level(self) -> int:
        """The most frequent level; of equals the more urgent."""
        return int(np.argmax(self.probabilities.p)) + 1

    def predict_proba(self, records: Sequence[IntakeRecord]) -> Probabilities:
        """Shape (n, 5), every row the same."""
        return np.tile(np.array(self.probabilities.p), (len(records), 1))

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            BaselineError: the file is missing or is not a saved prior.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise BaselineError(f"{path.name}: is not a saved prior; fit and save it again") from error
