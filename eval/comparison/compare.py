"""The whole comparison: labels, rows, scores, differences, subgroups, outcomes, curves and bars in one result."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.cases import Task
from eval.comparison.answers import Answers, decided, nurse, predictions, recorded
from eval.comparison.bars import against_bars
from eval.comparison.errors import ComparisonError
from eval.comparison.labels import Labels, read_labels
from eval.comparison.ranking import rankings
from eval.comparison.recall_curves import areas, curves
from eval.comparison.result import Comparison, Ranking, SiteLabels
from eval.comparison.scoring import Row, rows_of, score_rows
from eval.comparison.site_labels import site_labels
from eval.comparison.subgroups import strata, subgroups
from eval.predictors.run_record import source_commit
from triage.metrics.bootstrap import Units
from triage.metrics.curves import RecallCurve


@dataclass(frozen=True)
class Request:
    """What to compare.

    ``predictions``: row name to predictions file, the first being the reference. ``thresholds``: each gives every row
    with probabilities a row by one decision rule, beside the one by the most likely level. ``site_labels``: so many
    labelled cases in ``draws`` draws; None for none. ``group_prefix``: only cases whose group begins so. ``labels``:
    the cases to compare on where they were read and chosen already (a sample, an export); ``data`` is then only named.
    """

    task: Task
    data: tuple[Path, ...]
    predictions: Mapping[str, Path]
    recorded: tuple[Path, ...] = ()
    outcomes: bool = False
    thresholds: tuple[float, ...] = ()
    site_labels: int | None = None
    draws: int = 200
    resamples: int = 5000
    seed: int = 20261122
    group_prefix: str | None = None
    labels: Labels | None = None


def compare(
    request: Request, progress: Callable[[str], None] = lambda what: None
) -> tuple[Comparison, dict[str, RecallCurve]]:
    """The result, and the curves by row.

    Raises:
        ComparisonError: the files do not fit together; the message says which and what to do.
        CorpusError: the data file is not of the task's form.
        FileNotFoundError: a file is missing.
    """
    if not request.predictions:
        raise ComparisonError("nothing to compare: give --predictions NAME=FILE")
    progress("labels")
    labels = request.labels or read_labels(request.task, request.data, group_prefix=request.group_prefix)
    given = [predictions(name, path, labels) for name, path in request.predictions.items()]
    by_rule = _by_one_rule(given, request.thresholds)
    with_rules = [*given, *(row for _, row in by_rule)]
    human = nurse(labels)
    others = [item for path in request.recorded for item in recorded(path, labels)]
    answers = [*with_rules, *others, *([human] if human else [])]
    if len({item.name for item in answers}) < len(answers):
        raise ComparisonError("two rows have the same name; give each --predictions a name of its own")
    units = Units.of(labels.groups, resamples=request.resamples, seed=request.seed)
    rows = rows_of(answers)
    progress("scores")
    scored = score_rows(rows, labels.truth, units)
    progress("subgroups")
    own = [Row(item.name, item.kind, (item,)) for item in (*given, *([human] if human else []))]
    rates, gaps = subgroups(own, labels, units)
    progress("curves")
    found_curves = curves(given, labels.truth)
    judged = scored[: len(with_rules)]
    of_model = found_curves | {row.name: found_curves[name] for name, row in by_rule if name in found_curves}
    return (
        Comparison(
            task=request.task.value,
            data={
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in request.data
                if path.is_file()
            },
            predictions={item.name: item.sha256 for item in (*given, *others) if item.sha256},
            commit=source_commit(),
            seed=request.seed,
            resamples=request.resamples,
            cases=len(labels),
            levels=_levels(labels),
            units=units.count,
            clustered=units.clustered,
            reference=rows[0].name,
            rows=tuple(scored),
            strata=strata(rows, labels, units),
            subgroups=tuple(rates),
            gaps=tuple(gaps),
            rankings=tuple(_rankings(request, given, labels, units, progress)),
            curves=tuple(areas(given, labels.truth, units)),
            site_labels=tuple(_site_labels(request, given, labels, progress)),
            bars=against_bars(request.task, judged, of_model),
        ),
        found_curves,
    )


def _by_one_rule(given: Sequence[Answers], thresholds: Sequence[float]) -> list[tuple[str, Answers]]:
    """The rows of the decision rules with their model's name, without those that repeat its own answers."""
    rules = (None, *thresholds) if thresholds else ()
    found = [
        (item, decided(item, rule)) for item in given if item.probabilities is not None for rule in rules
    ]
    return [(item.name, row) for item, row in found if (row.given != item.given).any()]


def _rankings(
    request: Request, given: Sequence[Answers], labels: Labels, units: Units, progress: Callable[[str], None]
) -> list[Ranking]:
    if not request.outcomes:
        return []
    progress("outcomes")
    found = rankings(given, labels, units)
    if not found:
        raise ComparisonError("--outcomes: the data has no outcome with the nurse's level; leave it out")
    return found


def _site_labels(
    request: Request, given: Sequence[Answers], labels: Labels, progress: Callable[[str], None]
) -> list[SiteLabels]:
    if request.site_labels is None:
        return []
    progress("site labels")
    if all(item.probabilities is None for item in given):
        raise ComparisonError("--site-labels: no row has probabilities p1..p5 to calibrate")
    return site_labels(
        given, labels.truth, labels=request.site_labels, draws=request.draws, seed=request.seed
    )


def _levels(labels: Labels) -> tuple[int, int, int, int, int]:
    one, two, three, four, five = (int(np.sum(labels.truth == level)) for level in range(1, 6))
    return one, two, three, four, five
