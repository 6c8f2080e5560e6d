"""Curves: recall over over-triage, reliability, risk over coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.report.plots.style import DASHES, GRID, INK, MARKERS, SERIES, SOFT, WASH, rc, short, svg_of


@dataclass(frozen=True, slots=True)
class Series:
    """A line; ``colour`` is its place among the rows, the same in every plot of a task. ``sizes``: cases a point."""

    name: str
    colour: int
    x: tuple[float, ...]
    y: tuple[float, ...]
    sizes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A single point."""

    name: str
    colour: int | None
    x: float
    y: float


def lines(
    key: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    marks: Sequence[Mark] = (),
    band: tuple[float, float] | None = None,
    diagonal: bool = False,
    x_limit: tuple[float, float] = (0.0, 1.0),
    y_limit: tuple[float, float] = (0.0, 1.0),
    steps: bool = False,
) -> str:
    """SVG of curves and points with a legend of both.

    ``band``: a range of x that is shaded. ``diagonal``: where claim and truth agree. Unnamed marks share one entry.
    """
    import matplotlib as mpl  # noqa: PLC0415  # takes a second, and only reports need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(rc(key)):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True)
        axes.set_axisbelow(True)
        if band is not None:
            axes.axvspan(*band, color=WASH, zorder=0.5)
        if diagonal:
            axes.plot([0, 1], [0, 1], color=GRID, linewidth=2.2, zorder=1)
        for item in series:
            index = item.colour % len(SERIES)
            axes.plot(
                item.x,
                item.y,
                color=SERIES[index],
                linestyle=DASHES[index],
                linewidth=1.8,
                drawstyle="steps-post" if steps else "default",
                label=short(item.name),
                marker=None if not item.sizes else MARKERS[index],
                markersize=0 if item.sizes else None,
            )
            if item.sizes:
                most = max(item.sizes)
                area = [12 + 70 * size / most for size in item.sizes]
                axes.scatter(item.x, item.y, s=area, color=SERIES[index], marker=MARKERS[index], zorder=3)
        _marks(axes, marks, {item.colour for item in series})
        axes.set(xlabel=x_label, ylabel=y_label, xlim=x_limit, ylim=y_limit)
        figure.legend(loc="outside lower left", ncols=2, handlelength=3.4)
        return svg_of(figure, key)


def _marks(axes: "object", marks: Sequence[Mark], drawn: set[int]) -> None:
    scatter = axes.scatter  # type: ignore[attr-defined]
    named = {mark.colour for mark in marks if mark.colour is not None}
    for colour in sorted(named):
        index = colour % len(SERIES)
        own = [mark for mark in marks if mark.colour == colour]
        label = None if colour in drawn else short(own[0].name)
        scatter(
            [m.x for m in own], [m.y for m in own],
            color=SERIES[index], marker=MARKERS[index], s=46, edgecolors=INK, linewidths=0.7, zorder=4, label=label,
            clip_on=False,
        )  # fmt: skip
    rest = [mark for mark in marks if mark.colour is None]
    if rest:
        scatter(
            [m.x for m in rest], [m.y for m in rest], color=SOFT, marker="x", s=26, linewidths=1.1, zorder=2.5,
            label=rest[0].name,
        )  # fmt: skip
