"""Confusion matrices, curves and prediction sets of a task."""

from eval.comparison.result import RowResult
from eval.report import words
from eval.report.document import Block, Matrices, Matrix, Paragraph, Plot, Section, Table
from eval.report.plots import Mark, Series, lines
from eval.report.rows import plotted
from eval.suite.result import Curve, TaskResult
from triage.metrics.curves import OVER_TRIAGE_RANGE

POINTS = 160
"""A drawn curve has at most so many points: more cannot be seen, and a page has many curves."""


def confusions(task: TaskResult) -> Section:
    """A matrix for each of the rows that matter."""
    names = plotted(task)
    items = tuple(
        Matrix(f"{task.name}-confusion-{index}", words.row_name(item.row), item.counts)
        for index, item in enumerate(
            sorted((c for c in task.confusions if c.row in names), key=lambda c: names.index(c.row))
        )
    )
    blocks: tuple[Block, ...] = ()
    if items:
        note = (
            "Lines are the true level, columns the answered one; ‘none’ is no readable answer. Right of "
            "the diagonal is "
            "under-triage, left of it over-triage. The shade is the share of its line."
        )
        blocks = (Paragraph(note, tone="soft"), Matrices(items))
    return Section(f"{task.name}-confusion", "Confusion matrices", blocks)


def curves(task: TaskResult) -> Section:
    """Recall over over-triage, reliability, risk over coverage, each where rows have it."""
    blocks: list[Block] = [
        block
        for block in (_recall(task), _reliability(task), _risk(task), _areas(task), _calibration(task))
        if block
    ]
    return Section(f"{task.name}-curves", "Curves and calibration", tuple(blocks))


def sets(task: TaskResult) -> Section:
    """The prediction sets of each row."""
    blocks: tuple[Block, ...] = ()
    if task.sets:
        blocks = (
            Paragraph("The levels that a row could not tell apart for a patient, and whether the true one is in.",
                      tone="soft"),
            Table(
                f"{task.name}-sets",
                f"{task.title}. Prediction sets, n = {words.count(task.comparison.cases)}, 95 % intervals",
                ("Row", "Holds the true level", "More urgent than the set", "Mean size",
                 *(f"{n} wide" for n in range(1, 6))),
                tuple(
                    (
                        words.row_name(item.row),
                        words.estimate(item.coverage),
                        words.estimate(item.below_the_set),
                        words.number(item.mean_size, 2),
                        *(words.count(size) for size in item.sizes),
                    )
                    for item in task.sets
                ),
            ),
        )  # fmt: skip
    return Section(f"{task.name}-sets", "Prediction sets", blocks)


def thinned(
    x: tuple[float, ...], y: tuple[float, ...], most: int = POINTS
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Evenly chosen points, the first and the last among them."""
    if len(x) <= most:
        return x, y
    kept = [round(index * (len(x) - 1) / (most - 1)) for index in range(most)]
    return tuple(x[i] for i in kept), tuple(y[i] for i in kept)


def _of(task: TaskResult, kind: str) -> list[tuple[int, Curve]]:
    names = plotted(task)
    found = [(names.index(item.row), item) for item in task.curves if item.kind == kind and item.row in names]
    return sorted(found, key=lambda pair: pair[0])


def _series(found: list[tuple[int, Curve]], *, sizes: bool = False) -> list[Series]:
    made = []
    for index, item in found:
        x, y = (item.x, item.y) if sizes else thinned(item.x, item.y)
        made.append(Series(words.row_name(item.row), index, x, y, item.weights if sizes else ()))
    return made


def _recall(task: TaskResult) -> Plot | None:
    found = _of(task, "recall")
    if not found:
        return None
    names = plotted(task)
    marks = []
    for row in task.comparison.rows:
        x, y = row.scores["over_triage"].value, row.scores["recall_high"].value
        if x is None or y is None or row.kind in {"decision rule", "mean of runs"}:
            continue
        index = names.index(row.name) if row.name in names else None
        marks.append(Mark(words.row_name(row.name) if index is not None else "recorded runs", index, x, y))
    top = max([mark.x for mark in marks] + [0.5])
    key = f"{task.name}-recall"
    svg = lines(
        key, _series(found), marks=marks, band=OVER_TRIAGE_RANGE, x_limit=(0.0, min(1.0, top + 0.1)),
        x_label="over-triage, share of all cases", y_label="found of levels 1-2",
    )  # fmt: skip
    told = [f"{words.row_name(r.name)} {_point(r)}" for r in task.comparison.rows if r.name in names]
    alt = (
        f"Recall of levels 1-2 over the rate of over-triage, {words.count(task.comparison.cases)} cases. "
        f"As answered (recall at over-triage): {words.listed(told)}."
    )
    caption = (
        "A line is what a row would find at each rate of over-triage if only its threshold moved, by one "
        "decision rule for "
        "all; a mark is what it answered. The shaded band is where curves are compared."
    )
    return Plot(key, "Found of the sickest against over-triage", alt, svg, caption)


def _point(row: RowResult) -> str:
    return f"{words.number(row.scores['recall_high'].value, 2)} at {words.number(row.scores['over_triage'].value, 2)}"


def _areas(task: TaskResult) -> Table | None:
    found = task.comparison.curves
    if not found:
        return None
    low, high = found[0].low, found[0].high
    return Table(
        f"{task.name}-areas",
        f"{task.title}. Mean recall of levels 1-2 between over-triage {low:g} and {high:g}, the threshold moving",
        ("Row", "Mean recall", f"Difference to {words.row_name(found[0].row)}, p after Holm"),
        tuple((words.row_name(item.row), words.estimate(item.area), words.difference(item.difference))
            for item in found),
    )  # fmt: skip


def _reliability(task: TaskResult) -> Plot | None:
    found = _of(task, "reliability")
    if not found:
        return None
    key = f"{task.name}-reliability"
    svg = lines(
        key, _series(found, sizes=True), diagonal=True,
        x_label="claimed probability of level 1 or 2", y_label="share that was of level 1 or 2",
    )  # fmt: skip
    told = [
        f"{words.row_name(item.row)} from {words.number(item.y[0], 2)} found where "
        f"{words.number(item.x[0], 2)} was claimed "
        f"to {words.number(item.y[-1], 2)} where {words.number(item.x[-1], 2)} was"
        for _, item in found
        if item.x
    ]
    alt = f"Claimed probability of levels 1-2 against what was found, in bins of cases. {'; '.join(told)}."
    caption = (
        "On the thick diagonal claim and truth agree; below it a row claims more than there is. "
        "Marks grow with the cases."
    )
    return Plot(key, "Reliability of the probability of levels 1-2", alt, svg, caption)


def _calibration(task: TaskResult) -> Table | None:
    names = plotted(task)
    rows = [row for row in task.comparison.rows if row.calibration and row.name in names]
    if not rows:
        return None
    keys = ("expected_calibration_error", "high_calibration_error", "brier_score", "log_loss")
    return Table(
        f"{task.name}-calibration",
        f"{task.title}. Calibration; 0 is perfect",
        ("Row", "Cases", "Calibration error", "Of levels 1-2", "Brier score", "Log loss"),
        tuple(
            (
                words.row_name(row.name),
                words.count(row.calibration.get("cases")),
                *(words.number(row.calibration.get(name)) for name in keys),
            )
            for row in rows
        ),
        "Calibration error: mean gap between claimed probability and what was found, in 15 bins of equal mass.",
    )


def _risk(task: TaskResult) -> Plot | None:
    found = _of(task, "risk_coverage")
    if not found:
        return None
    key = f"{task.name}-risk"
    top = max((max(item.y) for _, item in found if item.y), default=1.0)
    svg = lines(
        key, _series(found), y_limit=(0.0, min(1.0, top + 0.05)),
        x_label="share of cases answered, the surest first", y_label="share of these that is wrong",
    )  # fmt: skip
    told = [
        f"{words.row_name(item.row)} {words.number(item.y[-1], 2)} wrong with all answered"
        for _, item in found
        if item.y
    ]
    alt = f"Share of wrong levels over the share of cases answered, surest first. {words.listed(told)}."
    return Plot(key, "Risk over coverage", alt, svg, "What it would buy to answer only where a row is sure.")
