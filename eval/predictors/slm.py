"""The language model alone: its calibrated level, without the floor of the rules."""

from collections.abc import Sequence

from eval.predictions import Prediction
from eval.predictors.asking import Asker
from eval.predictors.deciding import decided
from eval.predictors.protocol import Provenance, TriageCase


class SlmPredictor:
    """The model that ``asker`` has open.

    ``levels_only``: decode just the level, in batches; else the whole answer of each case. The level comes first in
    an answer, so it is the same either way but for rounding.
    """

    def __init__(self, asker: Asker, *, levels_only: bool = True, name: str = "slm") -> None:
        self.name = name
        self.chunk = 64 if levels_only else 16
        self._asker = asker
        self._levels_only = levels_only

    @property
    def provenance(self) -> Provenance:
        """Model, calibration and thresholds."""
        return Provenance(
            identity=self._asker.identity,
            calibration=self._asker.calibration.name,
            decision=self._asker.decision,
            decoding="level" if self._levels_only else "full",
        )

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        ask = self._asker.levels if self._levels_only else self._asker.answers
        raw = ask(self._asker.screened(cases))
        return [
            decided(case.case_id, one, self._asker.calibration.for_arrival(case.record))
            for case, one in zip(cases, raw, strict=True)
        ]

    def close(self) -> None:
        """Release the model."""
        self._asker.close()
