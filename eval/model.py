"""The language model as a model under test: calibrated level, with and without the safety floor of the rules."""

from collections.abc import Callable, Sequence

from agents.nodes.reconcile import suggest
from agents.state import Asked
from data_schemas import LevelProbabilities, ModelAnswer, Screening
from data_schemas._base import Frozen
from eval.cases import EvaluationCase
from eval.predictors.asking import ask_levels
from eval.predictors.stand_in import level_answer
from integrations.assembly import load_calibration, open_engine, rules
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import EngineError, Triager
from triage.slm.calibration import Calibration
from triage.slm.prompt import asked_scale

_CHUNK = 64


class ModelPrediction(Frozen):
    """``alone``: the model's calibrated level. ``floored``: after the rules had their say, as the agent suggests it.

    Both are None where the model could not answer; that case is counted as wrong.
    """

    case_id: str
    alone: int | None
    floored: int | None
    probabilities: LevelProbabilities | None


async def predict_with_model(
    cases: Sequence[EvaluationCase],
    settings: Settings,
    progress: Callable[[int], None] = lambda done: None,
) -> list[ModelPrediction]:
    """Ask the configured model for the level of each case, in order; all cases share one scale.

    Raises:
        EngineError: the model cannot be opened, or its calibration is of another.
        ValueError: the cases are of several scales.
    """
    scales = {asked_scale(case.scale) for case in cases}
    if len(scales) != 1:
        raise ValueError("cases of several scales are scored apart: " + ", ".join(sorted(scales)))
    (scale,) = scales
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    screen = rules(library)
    engine = open_engine(settings)
    triager = Triager(engine, library.short, scale)
    calibration = load_calibration(settings, scale)
    predictions: list[ModelPrediction] = []
    try:
        calibration.require_fit(engine.identity.adapter_sha256)
        for start in range(0, len(cases), _CHUNK):
            chunk = cases[start : start + _CHUNK]
            screened = [(case.record, screen(case.record, settings.esi_version)) for case in chunk]
            for case, (_, screening), raw in zip(
                chunk, screened, await ask_levels(triager, screened), strict=True
            ):
                answer = None if isinstance(raw, EngineError) else level_answer(raw, triager.identity)
                predictions.append(_prediction(case, screening, answer, calibration))
            progress(len(predictions))
    finally:
        await engine.close()
    return predictions


def _prediction(
    case: EvaluationCase, screening: Screening, answer: ModelAnswer | None, calibration: Calibration
) -> ModelPrediction:
    if answer is None:
        return ModelPrediction(case_id=case.case_id, alone=None, floored=None, probabilities=None)
    numbers = calibration.for_arrival(case.record)
    calibrated = numbers.apply(answer.probabilities)
    asked = Asked(answer=answer, failure=None, seconds=0.0)
    return ModelPrediction(
        case_id=case.case_id,
        alone=numbers.decide(calibrated),
        floored=suggest(case.record, screening, asked, calibration).level,
        probabilities=calibrated,
    )
