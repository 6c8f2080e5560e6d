"""One comparison of many models on the same cases: scores with intervals, paired differences, curves and bars.

Predictions come from files and were made without the labels; the labels are read here. ``compare`` gives the result,
``write`` its table as Markdown, CSV and JSON, and the curves.
"""

from eval.comparison.bars import Bar, bars
from eval.comparison.compare import Request, compare
from eval.comparison.errors import ComparisonError
from eval.comparison.report import markdown, write
from eval.comparison.result import Comparison

__all__ = ["Bar", "Comparison", "ComparisonError", "Request", "bars", "compare", "markdown", "write"]
