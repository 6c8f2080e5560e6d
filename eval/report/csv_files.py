"""Every table as CSV with full numbers, one value a line, for whoever computes further. Nothing of a single case."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from eval.comparison.result import Estimate
from eval.suite.result import SuiteResult

Line = Sequence[object]
_ESTIMATE = ("value", "low", "high")


def write_csv_files(folder: Path, result: SuiteResult) -> list[Path]:
    """Write the files that have a line; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (header, lines) in _files(result).items():
        path = folder / f"{name}.csv"
        content = list(lines)
        if not content:
            path.unlink(missing_ok=True)  # of an earlier report in this folder
            continue
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows([_safe(cell) for cell in line] for line in content)
        written.append(path)
    return written


def _safe(cell: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe, as OWASP advises."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def _files(result: SuiteResult) -> dict[str, tuple[tuple[str, ...], Iterable[Line]]]:
    paired = ("difference", "difference_low", "difference_high", "p", "p_holm", "test")
    return {
        "scores": (("task", "part", "row", "kind", "cases", "score", *_ESTIMATE, *paired), _scores(result)),
        "confusion": (("task", "row", "true", "answered", "cases"), _confusion(result)),
        "calibration": (("task", "row", "measure", "value"), _calibration(result)),
        "curves": (("task", "row", "kind", "x", "y", "cases"), _curves(result)),
        "areas": (("task", "row", "over_low", "over_high", *_ESTIMATE, *paired), _areas(result)),
        "sets": (("task", "row", "measure", *_ESTIMATE), _sets(result)),
        "subgroups": (("task", "row", "by", "subgroup", "cases", "score", *_ESTIMATE), _subgroups(result)),
        "gaps": (("task", "row", "by", "score", "highest", "lowest", *_ESTIMATE), _gaps(result)),
        "outcomes": (("task", "row", "urgency", "outcome", "cases", "events", *_ESTIMATE, *paired), _outcomes(result)),
        "site_labels": (("task", "row", "labels", "draws", "score", "which", *_ESTIMATE), _site(result)),
        "bars": (("task", "bar", "row", "comparable", "score", "value", "wanted", "reached"), _bars(result)),
        "variants": (
            ("task", "variant", "family", "wanted", "against", "row", "to", "pairs", "skipped", "measure", *_ESTIMATE),
            _variants(result),
        ),
        "repeats": (("task", "row", "cases", "runs", "measure", *_ESTIMATE), _repeats(result)),
        "rows": (
            ("task", "row", "kind", "cases", "failed", "cached", "seconds", "cases_per_second", "latency_p50",
             "latency_p95",
             "input_tokens", "output_tokens", "usd"),
            _rows(result),
        ),
        "energy": (
            ("row", "source", "meter", "wh_per_1000", "low", "high", "cases", "seconds", "against", "ratio",
             "reference"),
            ((e.row, e.source, e.meter, e.wh_per_1000, e.low, e.high, e.cases, e.seconds, e.against, e.ratio,
              e.reference)
             for e in result.energy),
        ),
    }  # fmt: skip


def _of(item: Estimate | None) -> Line:
    return ("", "", "") if item is None else (item.value, item.low, item.high)


def _apart(item: object) -> Line:
    found = ("p", "p_holm", "test")
    return ("",) * 6 if item is None else (*_of(item), *(getattr(item, name) for name in found))  # type: ignore[arg-type]


def _scores(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        parts = [("all", task.comparison.rows), *((part.name, part.rows) for part in task.comparison.strata)]
        for part, rows in parts:
            for row in rows:
                for score, found in row.scores.items():
                    apart = row.differences.get(score)
                    yield task.name, part, row.name, row.kind, row.cases, score, *_of(found), *_apart(apart)


def _confusion(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.confusions:
            for true, line in enumerate(item.counts, 1):
                for answered, n in enumerate(line, 1):
                    yield task.name, item.row, true, answered if answered < 6 else "none", n


def _calibration(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for row in task.comparison.rows:
            for measure, value in row.calibration.items():
                yield task.name, row.name, measure, value


def _curves(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.curves:
            weights: Sequence[object] = item.weights or ("",) * len(item.x)
            for x, y, n in zip(item.x, item.y, weights, strict=True):
                yield task.name, item.row, item.kind, x, y, n


def _areas(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.comparison.curves:
            yield task.name, item.row, item.low, item.high, *_of(item.area), *_apart(item.difference)


def _sets(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.sets:
            yield task.name, item.row, "coverage", *_of(item.coverage)
            yield task.name, item.row, "below_the_set", *_of(item.below_the_set)
            yield task.name, item.row, "mean_size", item.mean_size, "", ""
            for size, n in enumerate(item.sizes, 1):
                yield task.name, item.row, f"cases_of_size_{size}", n, "", ""


def _subgroups(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.comparison.subgroups:
            yield (
                task.name,
                item.row,
                item.attribute,
                item.subgroup,
                item.cases,
                item.score,
                *_of(item.estimate),
            )


def _gaps(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.comparison.gaps:
            yield (
                task.name,
                item.row,
                item.attribute,
                item.score,
                item.highest,
                item.lowest,
                *_of(item.difference),
            )


def _outcomes(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.comparison.rankings:
            lead = (task.name, item.row, item.urgency, item.outcome, item.cases, item.events)
            yield *lead, *_of(item.auc), *_apart(item.against_nurse)


def _site(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.comparison.site_labels:
            lead = (task.name, item.row, item.labels, item.draws, item.score)
            yield *lead, "without", *_of(item.without)
            yield *lead, "with", *_of(item.with_labels)
            yield *lead, "gain", *_of(item.gain)


def _bars(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.comparison.bars:
            for score, wanted in item.wanted.items():
                lead = (task.name, item.bar, item.row, item.comparable, score)
                yield *lead, item.values.get(score), wanted, item.reached.get(score)


def _variants(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.variants:
            lead = (task.name, item.variant, item.family, item.wanted, item.against, item.row)
            every = (
                ("changed", item.changed),
                ("less_urgent", item.less_urgent),
                ("more_urgent", item.more_urgent),
            )
            for measure, found in (*every, ("p_high_shift", item.p_high_shift)):
                if found is not None:
                    yield *lead, "", item.cases, item.skipped, measure, *_of(found)
            several = (
                ("changed", item.by),
                ("less_urgent", item.by_less_urgent),
                ("p_high_shift", item.by_p_high_shift),
            )
            for measure, by in several:
                for to, found in by.items():
                    yield *lead, to, item.by_cases.get(to), "", measure, *_of(found)


def _repeats(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for item in task.repeats:
            lead = (task.name, item.row, item.cases, item.runs)
            yield *lead, "same_in_all", *_of(item.same_in_all)
            yield *lead, "share_model", item.share_model, "", ""
            yield *lead, "largest_p_change", item.largest_p_change, "", ""


def _rows(result: SuiteResult) -> Iterator[Line]:
    for task in result.tasks:
        for m in task.models:
            yield (
                task.name, m.name, m.kind, m.cases, m.failed, m.cached, m.seconds, m.cases_per_second, m.latency_p50,
                m.latency_p95, m.input_tokens, m.output_tokens, m.usd,
            )  # fmt: skip
