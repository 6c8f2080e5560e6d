"""The comparison: paired where both runs kept their answers to the same cases, else by intervals."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.comparison.answers import Answers
from eval.comparison.result import Difference, Estimate, RowResult
from eval.comparison.scoring import Row, score_rows
from eval.predictions import Prediction
from eval.report.errors import ReportError
from eval.report.runs.reading import Labelled, Run, read_run, same_ids
from eval.report.runs.result import GATED, RowChange, RunComparison, ScoreChange, Verdict
from eval.suite.result import SuiteResult, TaskResult
from triage.metrics.bootstrap import Units
from triage.metrics.confusions import LOWER_IS_BETTER, SCORES
from triage.metrics.levels import UNREADABLE, IntArray
from triage.metrics.paired import holm

UNPAIRED = "unpaired (Zou and Donner 2008)"
_PAIRED = "paired on the same cases"
_HOSPITALS = "paired on the same cases, hospitals resampled"


def compare_runs(before: Path, after: Path, *, scores: Sequence[str] = GATED) -> RunComparison:
    """Compare two runs, row by row of each task that both have.

    Args:
        before: folder of a run or its ``results.json``.
        after: the other one; differences are this one minus the first.
        scores: names of ``triage.metrics.confusions.SCORES`` that the verdict is made of.

    Raises:
        ReportError: a file cannot be read, nothing is in both, or the cases or their levels are others.
        ValueError: a score that there is not.
    """
    unknown = set(scores) - set(SCORES)
    if unknown or not scores:
        raise ValueError(
            f"no score is called {', '.join(sorted(unknown)) or '(none)'}: one of {', '.join(SCORES)}"
        )
    first, second = read_run(before), read_run(after)
    one, other = _rows(first.result), _rows(second.result)
    both = [key for key in other if key in one]
    if not both:
        raise ReportError(
            "no row of a task is in both runs: compare runs of the same tasks and models, named alike"
        )
    found = [_change(first, second, one[task, row], other[task, row], row, scores) for task, row in both]
    corrected = _corrected(found, scores)
    return RunComparison(
        before=_called(first.result),
        after=_called(second.result),
        verdict=_worst([row.verdict for row in corrected]),
        rows=tuple(corrected),
        only_before=tuple(f"{row} on {task}" for task, row in one if (task, row) not in other),
        only_after=tuple(f"{row} on {task}" for task, row in other if (task, row) not in one),
        notes=tuple(
            f"{row.task}, {row.row}: {row.how}; a paired comparison sees smaller differences"
            for row in corrected
            if not row.paired
        ),
    )


def _rows(result: SuiteResult) -> dict[tuple[str, str], TaskResult]:
    """What was run; recorded answers and a nurse's levels are data, not a run."""
    found: dict[tuple[str, str], TaskResult] = {}
    for task in result.tasks:
        scored = {row.name for row in task.comparison.rows}
        for model in task.models:
            if model.kind not in {"recorded", "nurse"} and model.name in scored:
                found[task.name, model.name] = task
    return found


def _change(
    first: Run, second: Run, one: TaskResult, other: TaskResult, row: str, scores: Sequence[str]
) -> RowChange:
    what = f"{other.name}, {row}"
    _same_data(what, one, other)
    answered = [first.answers(one.name, row), second.answers(other.name, row)]
    labelled = [first.labelled(one), second.labelled(other)]
    if answered[0] is not None and answered[1] is not None:
        same_ids(what, answered[0], answered[1])
        truth = _same_truth(what, labelled)
        if truth is None:
            return _by_intervals(
                one, other, row, scores, "the true levels are not beside the answers: no pairs"
            )
        if truth.truth.keys() != answered[0].keys():
            raise ReportError(
                f"{what}: the true levels are of other cases than the answers; keep both of one run"
            )
        if other.comparison.clustered and truth.groups is None:
            return _by_intervals(
                one, other, row, scores, "cases cluster and their groups are not known: no pairs"
            )
        return _paired(other, row, scores, answered[0], answered[1], truth)
    return _by_intervals(one, other, row, scores, "the answers of both runs are not there: no pairs")


def _same_data(what: str, one: TaskResult, other: TaskResult) -> None:
    a, b = one.comparison, other.comparison
    if sorted(a.data.values()) != sorted(b.data.values()) or (a.cases, a.levels) != (b.cases, b.levels):
        raise ReportError(
            f"{what}: the cases are others (another data file, or {a.cases} and {b.cases} cases); run both on the same "
            "data with the same sample and seed"
        )
    if one.sample != other.sample:
        raise ReportError(f"{what}: the cases were chosen otherwise; run both with the same sample and seed")


def _same_truth(what: str, found: Sequence[Labelled | None]) -> Labelled | None:
    known = [item for item in found if item is not None]
    if len(known) == 2 and known[0].truth != known[1].truth:
        raise ReportError(f"{what}: the true levels differ between the runs; run both on the same data")
    return next((item for item in known if item.groups is not None), known[0] if known else None)


def _paired(
    task: TaskResult,
    row: str,
    scores: Sequence[str],
    before: Mapping[str, Prediction],
    after: Mapping[str, Prediction],
    labelled: Labelled,
) -> RowChange:
    ids = sorted(before)
    truth = np.asarray([labelled.truth[key] for key in ids], dtype=np.int64)
    answers = [_answers(name, run, ids) for name, run in (("before", before), ("after", after))]
    groups = ids if labelled.groups is None else [labelled.groups[key] for key in ids]
    units = Units.of(groups, resamples=task.comparison.resamples, seed=task.comparison.seed)
    scored = score_rows([Row(item.name, "predictions", (item,)) for item in answers], truth, units)
    old, new = answers[0].given, answers[1].given
    sick = truth <= 2
    changed = _scores(scored[0], scored[1], {name: scored[1].differences[name] for name in scores})
    return RowChange(
        task=task.name,
        row=row,
        cases=len(ids),
        paired=True,
        how=_HOSPITALS if units.clustered else _PAIRED,
        verdict=_worst([item.verdict for item in changed]),
        scores=changed,
        now_wrong=_ids(ids, (old == truth) & (new != truth)),
        now_right=_ids(ids, (old != truth) & (new == truth)),
        now_strict=_ids(ids, sick & _low(new) & ~_low(old)),
    )


def _low(given: IntArray) -> NDArray[np.bool_]:
    low: NDArray[np.bool_] = (given >= 4) | (given == UNREADABLE)
    return low


def _ids(ids: Sequence[str], which: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(key for key, kept in zip(ids, which, strict=True) if kept)


def _answers(name: str, found: Mapping[str, Prediction], ids: Sequence[str]) -> Answers:
    given = [found[key].predicted or UNREADABLE for key in ids]
    return Answers(name, "predictions", np.asarray(given, dtype=np.int64))


def _by_intervals(one: TaskResult, other: TaskResult, row: str, scores: Sequence[str], why: str) -> RowChange:
    a, b = (next(r for r in task.comparison.rows if r.name == row) for task in (one, other))
    changed = _scores(a, b, {name: unpaired(a.scores[name], b.scores[name]) for name in scores})
    return RowChange(
        task=other.name,
        row=row,
        cases=b.cases,
        paired=False,
        how=why,
        verdict=_worst([item.verdict for item in changed]),
        scores=changed,
    )


def unpaired(before: Estimate, after: Estimate) -> Difference:
    """After minus before from their intervals alone, as of other cases (Zou and Donner, Stat Med 2008;27:1693-1702).

    Of the same cases it is too wide: it misses changes that a paired one sees, and claims none that is not there.
    """
    ends = (before.value, before.low, before.high, after.value, after.low, after.high)
    if any(end is None for end in ends):
        return Difference(value=None, p=None, test=UNPAIRED)
    x, x_low, x_high, y, y_low, y_high = (float(end) for end in ends if end is not None)
    value = y - x
    return Difference(
        value=value,
        low=value - math.hypot(y - y_low, x_high - x),
        high=value + math.hypot(y_high - y, x - x_low),
        p=None,
        test=UNPAIRED,
    )


def _scores(before: RowResult, after: RowResult, apart: Mapping[str, Difference]) -> tuple[ScoreChange, ...]:
    return tuple(
        ScoreChange(
            score=name,
            before=before.scores[name],
            after=after.scores[name],
            difference=difference,
            verdict=_verdict(name, difference),
        )
        for name, difference in apart.items()
    )


def _verdict(score: str, difference: Difference) -> Verdict:
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return "no difference shown"
    return "better" if (difference.low > 0) is not (score in LOWER_IS_BETTER) else "worse"


def _worst(found: Sequence[Verdict]) -> Verdict:
    return "worse" if "worse" in found else "better" if "better" in found else "no difference shown"


def _corrected(rows: Sequence[RowChange], scores: Sequence[str]) -> list[RowChange]:
    """Holm's p of each score over all rows; the verdict stays that of the interval."""
    adjusted = {name: holm([_p(row, name) for row in rows]) for name in scores}
    return [
        row.model_copy(
            update={
                "scores": tuple(
                    item.model_copy(
                        update={
                            "difference": item.difference.model_copy(
                                update={"p_holm": None if math.isnan(p := adjusted[item.score][index]) else p}
                            )
                        }
                    )
                    for item in row.scores
                )
            }
        )
        for index, row in enumerate(rows)
    ]


def _p(row: RowChange, score: str) -> float:
    p = next(item.difference.p for item in row.scores if item.score == score)
    return math.nan if p is None else p


def _called(result: SuiteResult) -> str:
    commit = (result.versions.commit or "no commit")[:12]
    return f"{result.suite}, {result.versions.project}, {commit}, {result.started:%Y-%m-%d %H:%M}"
