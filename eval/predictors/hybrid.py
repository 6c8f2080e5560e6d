"""Model, boosting and rules together: a reported row only, never part of the agent."""

import math
from collections.abc import Sequence

from data_schemas import LEVELS, LevelProbabilities
from eval.predictions import Prediction
from eval.predictors.answerer import decision_words
from eval.predictors.asking import Asker
from eval.predictors.comparators import ComparatorPredictor
from eval.predictors.deciding import decided
from eval.predictors.protocol import Provenance, TriageCase
from triage.slm import Calibration, EngineError

RULES_SHARE = 0.8
"""What the rules' level gets when their answer is written as probabilities; the others share the rest equally."""

_LEAST = 1e-6


class HybridPredictor:
    """The average of the log-probabilities of the calibrated model, boosting and the rules, equally weighted."""

    name = "hybrid"
    chunk = 64

    def __init__(self, asker: Asker, boosting: ComparatorPredictor) -> None:
        self._asker = asker
        self._boosting = boosting

    @property
    def provenance(self) -> Provenance:
        """The parts, and that nothing was tuned."""
        return Provenance(
            identity=self._asker.identity,
            calibration=self._asker.calibration.name,
            decision=decision_words(Calibration.none()),
            decoding="level",
            details={
                **self._boosting.provenance.details,
                "mixture": f"mean of the log-probabilities of model, boosting and rules ({RULES_SHARE} on their level)",
            },
        )

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``. A case that the model cannot answer has no level."""
        screened = self._asker.screened(cases)
        raw = self._asker.levels(screened)
        boosted = self._boosting.probabilities(cases)
        found: list[Prediction] = []
        for case, (_, screening), one, other in zip(cases, screened, raw, boosted, strict=True):
            mixed: LevelProbabilities | EngineError = one
            if not isinstance(one, EngineError):
                parts = (
                    self._asker.calibration.for_arrival(case.record).apply(one),
                    other,
                    smoothed(screening.level),
                )
                mixed = average(parts)
            found.append(decided(case.case_id, mixed))
        return found

    def close(self) -> None:
        """Release the model."""
        self._asker.close()
        self._boosting.close()


def smoothed(level: int) -> LevelProbabilities:
    """A level as probabilities: ``RULES_SHARE`` for it, the rest shared equally."""
    rest = (1.0 - RULES_SHARE) / 4
    one, two, three, four, five = (RULES_SHARE if other == level else rest for other in LEVELS)
    return LevelProbabilities(p=(one, two, three, four, five))


def average(parts: Sequence[LevelProbabilities]) -> LevelProbabilities:
    """The geometric mean, normalised: the average of the log-probabilities. Zeros count as one in a million."""
    weights = [
        math.exp(math.fsum(math.log(max(part.p[index], _LEAST)) for part in parts) / len(parts))
        for index in range(5)
    ]
    total = math.fsum(weights)
    one, two, three, four, five = (weight / total for weight in weights)
    return LevelProbabilities(p=(one, two, three, four, five))
