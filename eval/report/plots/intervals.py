"""Values with their intervals, one line each: forest plots, robustness, energy."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.comparison.result import Estimate
from eval.report.plots.style import GRID, MARKERS, SERIES, SOFT, rc, short, svg_of

_HEIGHT = 0.16
_GAP = 0.14


@dataclass(frozen=True, slots=True)
class Line:
    """A label with a value of each row; ``heading`` lines have none and stand above a group."""

    label: str
    values: tuple[tuple[int, Estimate], ...] = ()
    heading: bool = False


def intervals(
    key: str,
    rows: Sequence[tuple[int, str]],
    content: Sequence[Line],
    *,
    x_label: str,
    x_limit: tuple[float, float] | None = (0.0, 1.0),
    at: float | None = None,
    log: bool = False,
) -> str:
    """SVG of intervals by line and row.

    Args:
        key: names the plot; its ids begin so.
        rows: place among the rows, and name, in the order of the legend.
        content: from top to bottom.
        x_label: of the axis, with its unit.
        x_limit: None to let the values decide.
        at: where a vertical line stands, such as no difference.
        log: a logarithmic axis.
    """
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    positions, height = _positions(content, len(rows))
    place = {colour: index for index, (colour, _) in enumerate(rows)}
    with mpl.rc_context(rc(key)):
        figure = Figure(figsize=(7.2, 0.95 + height), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)
        if at is not None:
            axes.axvline(at, color=GRID, linewidth=2.2, zorder=1)
        for colour, name in rows:
            index = colour % len(SERIES)
            found = [
                (value.value, value.low, value.high, top + (place[colour] + 0.5) * _HEIGHT)
                for line, top in zip(content, positions, strict=True)
                for own, value in line.values
                if own == colour and value.value is not None
            ]
            for _, low, high, y in found:
                if low is not None and high is not None:
                    axes.plot([low, high], [y, y], color=SERIES[index], linewidth=1.5, zorder=2)
            axes.scatter(
                [item[0] for item in found], [item[3] for item in found],
                color=SERIES[index], marker=MARKERS[index], s=30, zorder=3, label=short(name), clip_on=False,
            )  # fmt: skip
        axes.set_ylim(height, 0)
        ticks = [
            top + (0.5 * _HEIGHT * (1 if line.heading else max(1, len(rows))))
            for line, top in zip(content, positions, strict=True)
        ]
        axes.set_yticks(ticks, [line.label for line in content])
        axes.tick_params(axis="y", length=0)
        for label, line in zip(axes.get_yticklabels(), content, strict=True):
            if line.heading:
                label.set_color(SOFT)
        axes.spines["left"].set_visible(False)
        if log:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        if x_limit is not None:
            axes.set_xlim(*x_limit)
        axes.set_xlabel(x_label)
        if len(rows) > 1:
            figure.legend(loc="outside lower left", ncols=2, handletextpad=0.2)
        return svg_of(figure, key)


def _positions(content: Sequence[Line], rows: int) -> tuple[list[float], float]:
    tops, height = [], 0.0
    for line in content:
        tops.append(height)
        height += (_HEIGHT if line.heading else max(1, rows) * _HEIGHT) + _GAP
    return tops, height
