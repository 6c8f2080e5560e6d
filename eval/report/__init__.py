"""What a run found as a page for people, tables for computers, and a comparison of two runs."""

from eval.report.errors import ReportError
from eval.report.write import read_result, without_cases, write_report

__all__ = ["ReportError", "read_result", "without_cases", "write_report"]
