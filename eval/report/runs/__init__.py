"""Two runs on the same cases: what changed, whether beyond chance, and which cases went wrong."""

from eval.report.runs.comparing import compare_runs
from eval.report.runs.reading import write_truth
from eval.report.runs.result import GATED, RowChange, RunComparison, ScoreChange, Verdict
from eval.report.runs.text import described

__all__ = [
    "GATED",
    "RowChange",
    "RunComparison",
    "ScoreChange",
    "Verdict",
    "compare_runs",
    "described",
    "write_truth",
]
