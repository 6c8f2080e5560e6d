"""Whether answers are worse than the recorded ones: by more than chance, or for a patient who must not wait."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_schemas._base import Frozen
from eval.gate.cases import GateCase, gate_cases
from eval.gate.reference import GateReference, scores_by_model
from eval.gate.running import GATE_MODELS, GateAnswers
from triage.metrics import Interval
from triage.metrics.bootstrap import Units, replicate_scores
from triage.metrics.confusions import LOWER_IS_BETTER, SCORES, hits
from triage.metrics.levels import IntArray, checked
from triage.metrics.paired import difference_interval

_SEED = 20261122


class Change(Frozen):
    """A case that is answered otherwise than it was. ``worse``: further from its level than before, or unanswered."""

    case_id: str
    model: str
    true: int
    before: int | None
    now: int | None
    worse: bool

    def __str__(self) -> str:
        levels = f"{_word(self.before)} -> {_word(self.now)}"
        return f"{self.model}, {self.case_id} (level {self.true}): {levels}, {'worse' if self.worse else 'no worse'}"


class Fall(Frozen):
    """Why the gate does not hold.

    ``score``: the whole 95 % interval of the paired difference lies on the worse side. ``strict``: the agent now puts
    a patient of level 1 or 2 at 4 or 5, or gives no level, and did not before; then ``score`` is
    ``strict_under_triage``. ``case_ids``: the cases that got worse by this score.
    """

    reason: Literal["score", "strict"]
    model: str
    score: str
    before: float
    now: float
    low: float | None = None
    high: float | None = None
    case_ids: tuple[str, ...]

    def __str__(self) -> str:
        cases = ", ".join(self.case_ids)
        if self.reason == "strict":
            return f"{self.model}: new strict under-triage of {cases}"
        return (
            f"{self.model}, {self.score}: {self.before:.3f} -> {self.now:.3f}, 95 % interval of the paired "
            f"difference {self.low:.3f} to {self.high:.3f}; worse: {cases}"
        )


class GateReport(Frozen):
    """What the gate found: it holds where nothing fell."""

    falls: tuple[Fall, ...]
    changes: tuple[Change, ...]
    before: dict[str, dict[str, float]]
    now: dict[str, dict[str, float]]

    @property
    def holds(self) -> bool:
        """Whether the answers may be shipped."""
        return not self.falls


def judge(answers: GateAnswers, reference: GateReference) -> GateReport:
    """``answers`` against the recorded ones, on the same cases.

    Intervals of shares are Newcombe's paired ones, of kappa and F1 the paired jackknife's. They are not corrected for
    the number of scores: the answers repeat exactly where nothing was changed, so chance alone fails nobody, and a
    gate should rather ask once too often.

    Raises:
        GateError: the answers are not of every case by every model.
    """
    cases = gate_cases()
    changes: list[Change] = []
    falls: list[Fall] = []
    for model in GATE_MODELS:
        before, now = reference.answers.levels[model], answers.levels.get(model, {})
        changes.extend(
            _change(case, model, before[case.id], now.get(case.id))
            for case in cases
            if before[case.id] != now.get(case.id)
        )
    scores = scores_by_model(answers)
    for model in GATE_MODELS:
        falls.extend(_falls(model, cases, reference, answers, scores[model]))
    return GateReport(
        falls=tuple(falls),
        changes=tuple(changes),
        before={model: dict(values) for model, values in reference.scores.items()},
        now=scores,
    )


def _falls(
    model: str,
    cases: Sequence[GateCase],
    reference: GateReference,
    answers: GateAnswers,
    now: dict[str, float],
) -> list[Fall]:
    levels = [case.level for case in cases]
    true, old = checked(levels, [reference.answers.levels[model][case.id] for case in cases])
    _, new = checked(levels, [answers.levels[model][case.id] for case in cases])
    found = []
    if model == "agent":
        was, is_now = (hits("strict_under_triage", true, given) for given in (old, new))
        assert was is not None and is_now is not None  # noqa: PT018 - a share
        fresh = tuple(case.id for case, here in zip(cases, is_now[0] & ~was[0], strict=True) if here)
        if fresh:
            name = "strict_under_triage"
            before = reference.scores[model][name]
            found.append(
                Fall(reason="strict", model=model, score=name, before=before, now=now[name], case_ids=fresh)
            )
    for index, score in enumerate(SCORES):
        low, high = _difference(score, index, true, old, new)
        if not (low > 0 if score in LOWER_IS_BETTER else high < 0):
            continue
        worse = _worse(score, true, old, new)
        found.append(
            Fall(
                reason="score",
                model=model,
                score=score,
                before=reference.scores[model][score],
                now=now[score],
                low=low,
                high=high,
                case_ids=tuple(case.id for case, here in zip(cases, worse, strict=True) if here),
            )
        )
    return found


def _difference(score: str, index: int, true: IntArray, old: IntArray, new: IntArray) -> Interval:
    """The 95 % interval of now minus before."""
    was, is_now = hits(score, true, old), hits(score, true, new)
    if was is not None and is_now is not None:
        return difference_interval(was[0][was[1]], is_now[0][is_now[1]])
    units = Units.of([str(i) for i in range(len(true))], resamples=1000, seed=_SEED)
    return replicate_scores(true, new, units).minus(replicate_scores(true, old, units)).interval(index)


def _worse(score: str, true: IntArray, old: IntArray, new: IntArray) -> NDArray[np.bool_]:
    was, is_now = hits(score, true, old), hits(score, true, new)
    if was is None or is_now is None:
        return np.asarray(_distance(true, new) > _distance(true, old))
    if score in LOWER_IS_BETTER:
        return np.asarray(is_now[0] & ~was[0])
    return np.asarray(was[0] & ~is_now[0])


def _distance(true: IntArray, given: IntArray) -> IntArray:
    """Levels from the truth; no answer is further than any."""
    return np.where(given == 0, 9, np.abs(true - given)).astype(np.int64)


def _change(case: GateCase, model: str, before: int | None, now: int | None) -> Change:
    distance = [9 if level is None else abs(level - case.level) for level in (before, now)]
    return Change(
        case_id=case.id, model=model, true=case.level, before=before, now=now, worse=distance[1] > distance[0]
    )


def _word(level: int | None) -> str:
    return "no answer" if level is None else str(level)
