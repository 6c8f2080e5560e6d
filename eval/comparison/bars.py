"""The bars: what other models and the nurse reach on the same cases, and whether a row is above them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from data_schemas._base import Frozen
from eval.cases import Task
from eval.comparison.result import BarResult, RowResult
from triage.metrics.confusions import LOWER_IS_BETTER, SCORES
from triage.metrics.curves import RecallCurve

_FILE = Path(__file__).parents[1] / "bars.yaml"
STRICT_CASES = "strict_under_triage_cases"


class Bar(Frozen):
    """``scores``: names of ``SCORES`` (or ``strict_under_triage_cases``) to values, on ``cases`` cases."""

    name: str
    task: Task
    cases: int = Field(ge=1)
    scores: Mapping[str, float]
    input: str
    source: str


@cache
def bars() -> tuple[Bar, ...]:
    """The shipped bars.

    Raises:
        ValueError: the file names a score that there is not.
    """
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    found = tuple(Bar.model_validate(item) for item in content["bars"])
    unknown = {name for bar in found for name in bar.scores} - {*SCORES, STRICT_CASES}
    if unknown:
        raise ValueError(f"bars.yaml: no score is called {', '.join(sorted(unknown))}")
    return found


def against_bars(
    task: Task, rows: Sequence[RowResult], curves: Mapping[str, RecallCurve]
) -> tuple[BarResult, ...]:
    """Each row against each bar of the task: above in what is better higher, below in what is better lower.

    Recall is judged at the bar's over-triage, on the row's curve where it has one: with a lower threshold anybody
    finds more. Without a curve recall must be above at no more over-triage. Where the number of cases is another,
    the cases are others: shown, not judged.
    """
    return tuple(_judge(bar, row, curves.get(row.name)) for bar in bars() if bar.task is task for row in rows)


def _judge(bar: Bar, row: RowResult, curve: RecallCurve | None) -> BarResult:
    comparable = bar.cases == row.cases
    values: dict[str, float | None] = {}
    reached: dict[str, bool | None] = {}
    over = bar.scores.get("over_triage")
    for name, wanted in bar.scores.items():
        value = row.counts["strict_under_triage"] if name == STRICT_CASES else row.scores[name].value
        if name == "recall_high" and over is not None:
            if curve is not None:
                value = curve.recall_at(over)
            elif (row.scores["over_triage"].value or 0.0) > over:
                values[name], reached[name] = value, False if comparable else None
                continue
        values[name] = value
        lower = name == STRICT_CASES or name in LOWER_IS_BETTER
        better = None
        if value is not None:  # the bars have three decimals: what is equal in these is not above
            rounded = round(value, 3)
            better = rounded < wanted if lower else rounded > wanted
        told = comparable and not (name == "over_triage" and "recall_high" in bar.scores)
        reached[name] = better if told else None
    return BarResult(
        bar=bar.name,
        source=bar.source,
        row=row.name,
        comparable=comparable,
        values=values,
        wanted=dict(bar.scores),
        reached=reached,
    )
