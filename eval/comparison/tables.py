"""The parts of ``comparison.md``. Each yields lines, none where there is nothing to show."""

from collections.abc import Iterable, Iterator, Sequence

from eval.comparison.result import Comparison, Difference, Estimate, RowResult

_COLUMNS = {
    "accuracy": "accuracy",
    "within_one": "within one",
    "quadratic_weighted_kappa": "QWK",
    "macro_f1": "macro-F1",
    "recall_high": "recall 1-2",
    "over_triage": "over",
    "under_triage": "under",
}
_RARE = {
    "significant_under_triage": "2 -> 3-5",
    "significant_under_triage_high": "1-2 -> 3-5",
    "strict_under_triage": "1-2 -> 4-5",
    "significant_over_triage": "3-5 -> 1-2",
    "unreadable": "unreadable",
}
_COMPARED = (
    "accuracy",
    "quadratic_weighted_kappa",
    "macro_f1",
    "recall_high",
    "over_triage",
    "strict_under_triage",
)
_WORDS = {**_COLUMNS, **_RARE, "strict_under_triage_cases": "strict under-triage, cases"}


def heading(result: Comparison) -> Iterator[str]:
    """What was compared, and how its intervals come about."""
    mix = ", ".join(f"{count} of level {level}" for level, count in enumerate(result.levels, start=1))
    drawn = f"{result.units} hospitals" if result.clustered else "cases"
    worth = " of as many cases as the hospitals are worth" if result.clustered else ""
    yield f"# Comparison on {', '.join(result.data)} ({result.task})"
    yield ""
    yield (
        f"{result.cases} cases: {mix}. Intervals are 95 %: of proportions Wilson's{worth}, of the rest BCa "
        f"bootstrap of {drawn}, {result.resamples} draws (kappa of fewer than 200: jackknife on Fisher's scale)."
    )
    tests = (
        "paired jackknife t of hospitals"
        if result.clustered
        else "McNemar mid-p of shares, paired jackknife t of the rest"
    )
    yield f"Differences are paired, against {result.reference}; p by {tests}, after Holm over all rows."
    yield "A missing or unreadable answer is wrong, and under-triage wherever the case could be under-triaged."
    half = result.rows[0].scores["accuracy"]
    if half.low is not None and half.high is not None:
        yield f"An accuracy on these cases is worth about +-{50 * (half.high - half.low):.0f} points."
    yield ""
    yield f"Commit {result.commit or 'unknown'}, seed {result.seed}. Data: " + "; ".join(
        f"{name} sha256 {digest[:16]}" for name, digest in result.data.items()
    )


def main_table(title: str, rows: Sequence[RowResult]) -> Iterator[str]:
    """Two tables: agreement and direction, then the errors that hurt, as counts and rates."""
    cases = rows[0].cases
    yield from _table(
        title,
        ("row", *_COLUMNS.values()),
        ((row.name, *(_with_interval(row.scores[score]) for score in _COLUMNS)) for row in rows),
    )
    yield from _table(
        f"{title}: errors that hurt (true -> predicted), cases of {cases} and share",
        ("row", *_RARE.values()),
        ((row.name, *(_counted(row, score) for score in _RARE)) for row in rows),
    )


def difference_table(result: Comparison) -> Iterator[str]:
    """Every row minus the reference."""
    yield from _table(
        f"Differences to {result.reference}",
        ("row", *(_WORDS[score] for score in _COMPARED)),
        (
            (row.name, *(_apart(row.differences[score]) for score in _COMPARED))
            for row in result.rows
            if row.differences
        ),
    )


def curve_table(result: Comparison) -> Iterator[str]:
    """Areas under the curves of recall."""
    if result.curves:
        low, high = result.curves[0].low, result.curves[0].high
        yield from _table(
            f"Mean recall of levels 1-2 at over-triage {low:g} to {high:g}, the threshold moving",
            ("row", "mean recall", "difference to the first"),
            ((item.row, _with_interval(item.area), _apart(item.difference)) for item in result.curves),
        )


def bar_table(result: Comparison) -> Iterator[str]:
    """Reached or not, a line for each row and bar."""
    if not result.bars:
        return
    names = list(dict.fromkeys(name for item in result.bars for name in item.wanted))
    yield from _table(
        "Bars",
        ("bar", "row", *(_WORDS[name] for name in names)),
        (
            (
                item.bar,
                item.row + ("" if item.comparable else " (other cases: not judged)"),
                *(
                    _reached(item.values[name], item.wanted[name], item.reached[name])
                    if name in item.wanted
                    else ""
                    for name in names
                ),
            )
            for item in result.bars
        ),
    )
    yield "Recall is judged at the bar's over-triage, on the row's curve where it gave probabilities."
    yield ""
    for bar, source in dict.fromkeys((item.bar, item.source) for item in result.bars):
        yield f"- {bar}: {source}"


def site_table(result: Comparison) -> Iterator[str]:
    """With and without labels of the site."""
    if not result.site_labels:
        return
    first = result.site_labels[0]
    yield from _table(
        f"With {first.labels} labelled cases of the site, scored on the rest: mean and 95 % range, {first.draws} draws",
        ("row", "score", "without", f"with {first.labels}", "gain"),
        (
            (
                item.row,
                _WORDS[item.score],
                _with_interval(item.without),
                _with_interval(item.with_labels),
                _with_interval(item.gain, signed=True),
            )
            for item in result.site_labels
            if item.score in _COMPARED
        ),
    )


def ranking_table(result: Comparison) -> Iterator[str]:
    """AUC of outcomes."""
    if result.rankings:
        yield from _table(
            "Does the urgency rank what became of the patients? AUC",
            ("outcome", "row", "urgency", "events of cases", "AUC", "difference to the nurse's level"),
            (
                (
                    item.outcome,
                    item.row,
                    item.urgency,
                    f"{item.events} of {item.cases}",
                    _with_interval(item.auc),
                    _apart(item.against_nurse),
                )
                for item in result.rankings
            ),
        )


def calibration_table(result: Comparison) -> Iterator[str]:
    """Calibration of the rows with probabilities."""
    rows = [row for row in result.rows if row.calibration]
    if rows:
        yield from _table(
            "Calibration",
            ("row", "cases", "ECE", "ECE of p(1-2)", "Brier", "log loss"),
            (
                (row.name, *(f"{v:.0f}" if k == "cases" else f"{v:.3f}" for k, v in row.calibration.items()))
                for row in rows
            ),
        )


def gap_table(result: Comparison) -> Iterator[str]:
    """The widest gap of every rate between subgroups."""
    if result.gaps:
        yield from _table(
            "Widest gap between subgroups (chosen because they differ most; the interval does not correct for that)",
            ("row", "by", "score", "highest", "lowest", "gap"),
            (
                (g.row, g.attribute, _WORDS[g.score], g.highest, g.lowest, _with_interval(g.difference))
                for g in result.gaps
            ),
        )


def subgroup_table(result: Comparison) -> Iterator[str]:
    """Every rate of every subgroup."""
    if result.subgroups:
        scores = list(dict.fromkeys(item.score for item in result.subgroups))
        cells = {(i.row, i.attribute, i.subgroup, i.score): i for i in result.subgroups}
        keys = list(dict.fromkeys((i.row, i.attribute, i.subgroup, i.cases) for i in result.subgroups))
        yield from _table(
            "Subgroups",
            ("row", "by", "subgroup", "cases", *(_WORDS[score] for score in scores)),
            (
                (row, by, name, str(n), *(_with_interval(cells[row, by, name, s].estimate) for s in scores))
                for row, by, name, n in keys
            ),
        )


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    if lines:
        yield from (
            "",
            f"## {title}",
            "",
            "| " + " | ".join(header) + " |",
            "|---" * len(header) + "|",
            *lines,
            "",
        )


def _with_interval(estimate: Estimate, *, signed: bool = False) -> str:
    if estimate.value is None:
        return "-"
    sign = "+" if signed else ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{sign}.3f}"
    return f"{estimate.value:{sign}.3f} ({estimate.low:{sign}.3f} to {estimate.high:{sign}.3f})"


def _counted(row: RowResult, score: str) -> str:
    share = row.scores[score]
    if share.value is None:
        return "-"
    return f"{share.value * row.cases:.4g}; {_with_interval(share)}"


def _apart(difference: Difference | None) -> str:
    if difference is None or difference.value is None:
        return "-"
    p = difference.p_holm
    return _with_interval(difference, signed=True) + ("" if p is None else f", p {_p(p)}")


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _reached(value: float | None, wanted: float, reached: bool | None) -> str:
    shown = "-" if value is None else f"{value:.3g}"
    word = {True: "reached", False: "not reached", None: ""}[reached]
    return f"{shown} / {wanted:g} {word}".rstrip()
