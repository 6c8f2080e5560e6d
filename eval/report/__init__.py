"""What a run found as a page for people, tables for computers, and a comparison of two runs."""

from eval.report.errors import ReportError
from eval.report.runs import RunComparison, compare_runs, described
from eval.report.write import read_result, without_cases, write_report

__all__ = [
    "ReportError",
    "RunComparison",
    "compare_runs",
    "described",
    "read_result",
    "without_cases",
    "write_report",
]
