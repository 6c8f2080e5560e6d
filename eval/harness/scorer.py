"""Inspect's scorer and metrics: the definitions of ``triage.metrics``, on what the log holds."""

from collections.abc import Callable

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import TaskState

from eval.harness.answers import KEY, as_json, from_output
from eval.harness.dataset import ERROR, TASK
from eval.predictions import Prediction
from eval.prompting import stored_answer
from eval.semigran import CLASS_LEVELS, on_classes
from triage import metrics as of

_SCORES: dict[str, Callable[[of.Truth, of.Predicted], float]] = {
    "accuracy": of.accuracy,
    "within_one": of.within_one,
    "quadratic_weighted_kappa": of.quadratic_weighted_kappa,
    "macro_f1": of.macro_f1,
    "recall_high": of.recall_high,
    "over_triage": of.over_triage,
    "under_triage": of.under_triage,
    "significant_under_triage": of.significant_under_triage,
    "significant_over_triage": of.significant_over_triage,
    "strict_under_triage": of.strict_under_triage,
    "unreadable": of.unreadable,
}


@metric
def triage_scores() -> Metric:
    """Every score of levels at once. An answer that is no level is wrong. A share of no case is left out."""

    def compute(scores: list[SampleScore]) -> dict[str, str | int | float | bool | None]:
        truth = [int((item.score.metadata or {})["truth"]) for item in scores]
        given = [(item.score.metadata or {}).get("level") for item in scores]
        return {
            name: number
            for name, score in _SCORES.items()
            if (number := _number(score, truth, given)) is not None
        }

    return compute


@scorer(metrics=[triage_scores()], name="triage")
def triage_scorer() -> Scorer:
    """Right or wrong, with the true and the answered level; of three-class vignettes, the levels of the classes."""

    async def score(state: TaskState, target: Target) -> Score:
        given = prediction_of(state)
        classes = state.metadata.get(TASK) == "semigran"
        if classes:
            given = on_classes(given)
        truth = CLASS_LEVELS[target.text] if classes else int(target.text)
        return Score(
            value=1.0 if given.predicted == truth else 0.0,
            answer=None if given.predicted is None else str(given.predicted),
            explanation=given.error,
            metadata={"truth": truth, "level": given.predicted, KEY: as_json(given)},
        )

    return score


def prediction_of(state: TaskState) -> Prediction:
    """What was answered: the prediction that an own model gave, else the level that the text says."""
    case_id = str(state.sample_id)
    if ERROR in state.metadata:
        return Prediction(case_id=case_id, predicted=None, error=str(state.metadata[ERROR]))
    own = from_output(state.output)
    if own is not None:
        return own.model_copy(update={"case_id": case_id})
    said = stored_answer(state)
    if said is None:
        return Prediction(case_id=case_id, predicted=None, error="no answer")
    return Prediction(
        case_id=case_id, predicted=said.level, error=None if said.failure is None else said.failure.value
    )


def _number(
    score: Callable[[of.Truth, of.Predicted], float], truth: of.Truth, given: of.Predicted
) -> float | None:
    value = float(score(truth, given)) if len(truth) else float("nan")
    return None if value != value else value  # noqa: PLR0124 - NaN is no score
