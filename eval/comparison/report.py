"""The result as files: ``comparison.md``, ``comparison.csv``, ``comparison.json``, and the curves."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from eval.comparison.plot import plot
from eval.comparison.recall_curves import write_points
from eval.comparison.result import Comparison, Estimate, RowResult
from eval.comparison.tables import (
    bar_table,
    calibration_table,
    curve_table,
    difference_table,
    gap_table,
    heading,
    main_table,
    ranking_table,
    site_table,
    subgroup_table,
)
from triage.metrics.curves import RecallCurve


def write(folder: Path, result: Comparison, curves: Mapping[str, RecallCurve]) -> list[Path]:
    """Write all files into ``folder``, made where it is not there; returns their paths.

    The plots need matplotlib and are left out without it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = ["comparison.md", "comparison.csv", "comparison.json"]
    (folder / names[0]).write_text(markdown(result), encoding="utf-8")
    _write_csv(folder / names[1], result)
    (folder / names[2]).write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if curves:
        names.append("curves.csv")
        write_points(folder / names[-1], dict(curves))
    plotted = plot(folder / "curves.png", result, curves)
    return [*(folder / name for name in names), *([plotted] if plotted else [])]


def markdown(result: Comparison) -> str:
    """The tables, for people."""
    return "\n".join(_parts(result)).rstrip() + "\n"


def _parts(result: Comparison) -> Iterator[str]:
    yield from heading(result)
    yield from main_table("Scores", result.rows)
    yield from difference_table(result)
    yield from curve_table(result)
    yield from bar_table(result)
    yield from site_table(result)
    yield from ranking_table(result)
    yield from calibration_table(result)
    for stratum in result.strata:
        yield from main_table(f"Only {stratum.name}, {stratum.cases} cases", stratum.rows)
    yield from gap_table(result)
    yield from subgroup_table(result)


def _write_csv(path: Path, result: Comparison) -> None:
    """One line a row, stratum and score: for spreadsheets."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            (
                "part", "row", "kind", "cases", "score", "value", "low", "high",
                "difference", "difference_low", "difference_high", "p", "p_holm", "test",
            )
        )  # fmt: skip
        parts: list[tuple[str, tuple[RowResult, ...]]] = [("all", result.rows)]
        parts += [(stratum.name, stratum.rows) for stratum in result.strata]
        for part, rows in parts:
            for row in rows:
                for score, estimate in row.scores.items():
                    apart = row.differences.get(score)
                    found = (*_numbers(apart), apart.p, apart.p_holm, apart.test) if apart else ("",) * 6
                    writer.writerow((part, row.name, row.kind, row.cases, score, *_numbers(estimate), *found))


def _numbers(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high
