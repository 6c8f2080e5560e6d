"""Pictures as SVG text: the same input gives the same bytes, text stays text, colours follow the page's."""

from eval.report.plots.intervals import Line, intervals
from eval.report.plots.lines import Mark, Series, lines
from eval.report.plots.style import adopted, light

__all__ = ["Line", "Mark", "Series", "adopted", "intervals", "light", "lines"]
