"""The curves as a picture, where matplotlib is there."""

from collections.abc import Mapping
from pathlib import Path

from eval.comparison.result import Comparison
from triage.metrics.curves import OVER_TRIAGE_RANGE, RecallCurve


def plot(path: Path, result: Comparison, curves: Mapping[str, RecallCurve]) -> Path | None:
    """Recall against over-triage: a curve for each row with probabilities, a point for each row. The path, or None.

    None where there is no curve, or no matplotlib (extra ``eval``).
    """
    if not curves:
        return None
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # an optional extra
    except ImportError:
        return None
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.add_subplot()
    axes.axvspan(*OVER_TRIAGE_RANGE, color="0.93")
    for name, curve in curves.items():
        axes.plot(curve.over_triage, curve.recall_high, label=name, linewidth=1.5)
    for kind, marker in (("predictions", "o"), ("recorded", "x"), ("nurse", "*")):
        points = [
            (row.scores["over_triage"].value, row.scores["recall_high"].value)
            for row in result.rows
            if row.kind == kind
        ]
        if points:
            x, y = zip(*points, strict=True)
            axes.scatter(x, y, marker=marker, color="0.25", zorder=3, label=f"{kind}, as answered")
    axes.set(
        xlabel="over-triage, share of all cases",
        ylabel="recall of levels 1-2",
        title=f"{result.task}, {result.cases} cases",
        xlim=(0, None),
        ylim=(0, 1),
    )
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)
    return path
