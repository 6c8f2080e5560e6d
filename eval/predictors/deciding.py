"""From probabilities to a prediction, the same way for every row of a report."""

from data_schemas import LevelProbabilities
from eval.predictions import Prediction
from triage.slm import Calibration, EngineError


def decided(
    case_id: str, raw: LevelProbabilities | EngineError, calibration: Calibration | None = None
) -> Prediction:
    """Level and prediction set of ``calibration`` (the default thresholds where None), without any floor."""
    if isinstance(raw, EngineError):
        return Prediction(case_id=case_id, predicted=None, error=type(raw).__name__)
    calibration = calibration or Calibration.none()
    probabilities = calibration.apply(raw)
    first, last = calibration.prediction_set(probabilities)
    return Prediction(
        case_id=case_id,
        predicted=calibration.decide(probabilities),
        probabilities=probabilities,
        most_urgent=first,
        least_urgent=last,
    )
