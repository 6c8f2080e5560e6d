"""The variants as pictures: inline SVG that needs nothing else, prints in grey, and is told apart without colour.

Colours are Okabe and Ito's (jfly.uni-koeln.de/color, 2008); every row has a marker of its own besides.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from eval.comparison.result import Estimate
from eval.suite.result import VariantResult

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
_WIDTH = 7.2
_A_LINE = 0.3
_SHARE = "share of cases (95 % interval)"

Points = Sequence[tuple[str, Mapping[str, Estimate]]]
"""(row, estimate by label), in the order of the rows."""


class PlotError(ImportError):
    """Pictures need matplotlib."""


def variant_plot(results: Sequence[VariantResult]) -> str:
    """Every variant by row: the share of cases whose level changed, and the share that became less urgent.

    Returns:
        An ``<svg>`` element; empty without results.

    Raises:
        PlotError: matplotlib is not installed; names the extra.
    """
    if not results:
        return ""
    labels = list(dict.fromkeys(f"{result.variant} ({result.family})" for result in results))
    rows = list(dict.fromkeys(result.row for result in results))
    panels = []
    for title, field in (("level changed", "changed"), ("less urgent", "less_urgent")):
        points = [
            (row, {f"{r.variant} ({r.family})": getattr(r, field) for r in results if r.row == row})
            for row in rows
        ]
        panels.append((title, points))
    return _dots("robustness", "Robustness: what moved the level", labels, panels)


def family_plot(results: Sequence[VariantResult], family: str) -> str:
    """One family by what was changed to: a dose curve for typing errors, else a line for each arm.

    Returns:
        An ``<svg>`` element; empty where no result is of the family or none tells its arms.

    Raises:
        PlotError: matplotlib is not installed.
    """
    own = [result for result in results if result.family == family and result.by]
    if not own:
        return ""
    if family == "typing":
        return _dose_curve(own)
    several = len({result.variant for result in own}) > 1

    def label(result: VariantResult, arm: str) -> str:
        return f"{result.variant}: {arm}" if several else arm

    labels = list(dict.fromkeys(label(result, arm) for result in own for arm in result.by))
    rows = list(dict.fromkeys(result.row for result in own))
    panels = []
    for title, field in (("level changed", "by"), ("less urgent", "by_less_urgent")):
        points = [
            (
                row,
                {
                    label(r, arm): estimate
                    for r in own
                    if r.row == row
                    for arm, estimate in getattr(r, field).items()
                },
            )
            for row in rows
        ]
        panels.append((title, points))
    return _dots(f"robustness-{family}", f"Robustness: {family}", labels, panels)


def family_plots(results: Sequence[VariantResult]) -> dict[str, str]:
    """``family_plot`` of every family that has one, by family."""
    found = {family: family_plot(results, family) for family in dict.fromkeys(r.family for r in results)}
    return {family: svg for family, svg in found.items() if svg}


def _dots(name: str, title: str, labels: Sequence[str], panels: Sequence[tuple[str, Points]]) -> str:
    """A line for each label, a panel for each score, a marker with its interval for each row."""
    figure = _figure(_WIDTH, 1.1 + _A_LINE * len(labels) * max(1.0, len(panels[0][1]) / 2.5))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    handles: list[Any] = []
    for axis, (score, points) in zip(axes, panels, strict=True):
        handles = [_row(axis, labels, place, len(points), *one) for place, one in enumerate(points)]
        axis.set(title=score, xlabel=_SHARE, xlim=(-0.02, 1.02), ylim=(len(labels) - 0.4, -0.6))
        axis.set_yticks(range(len(labels)), labels)
        axis.grid(axis="x", color="0.88")
        axis.set_axisbelow(True)
        for line in range(1, len(labels)):
            axis.axhline(line - 0.5, color="0.93", linewidth=0.8)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(handles)), frameon=False)
    return _svg(figure, name, title)


def _row(
    axis: Any, labels: Sequence[str], place: int, rows: int, row: str, found: Mapping[str, Estimate]
) -> Any:
    shift = (place - (rows - 1) / 2) * 0.7 / max(rows, 2)
    known = [(n, found[label]) for n, label in enumerate(labels) if label in found]
    shown = [(n, one, *_ends(one)) for n, one in known if one.value is not None]
    return axis.errorbar(
        [one.value for _, one, _, _ in shown],
        [n + shift for n, _, _, _ in shown],
        xerr=[[below for _, _, below, _ in shown], [above for _, _, _, above in shown]],
        label=row,
        **_style(place),
    )


def _dose_curve(results: Sequence[VariantResult]) -> str:
    figure = _figure(_WIDTH, 3.6)
    axes = figure.subplots(1, 2, sharey=True)
    for axis, (title, field) in zip(
        axes, (("level changed", "by"), ("less urgent", "by_less_urgent")), strict=True
    ):
        for place, result in enumerate(results):
            found: Mapping[str, Estimate] = getattr(result, field)
            shown = [(float(dose), one, *_ends(one)) for dose, one in found.items() if one.value is not None]
            shift = (place - (len(results) - 1) / 2) * 0.08
            axis.errorbar(
                [dose + shift for dose, _, _, _ in shown],
                [one.value for _, one, _, _ in shown],
                yerr=[[below for _, _, below, _ in shown], [above for _, _, _, above in shown]],
                label=result.row,
                **{**_style(place), "linestyle": ("-", "--", ":", "-.")[place % 4]},
            )
        doses = sorted({float(dose) for result in results for dose in result.by})
        axis.set(title=title, xlabel="typing errors in every started 20 words", ylim=(-0.02, 1.02))
        axis.set_xticks(doses)
        axis.grid(axis="y", color="0.88")
    axes[0].set_ylabel(_SHARE)
    axes[1].legend(frameon=False)
    return _svg(figure, "robustness-typing", "Robustness: typing errors by dose")


def _ends(estimate: Estimate) -> tuple[float, float]:
    """How far the interval reaches below and above the value; nothing where there is none."""
    value = estimate.value or 0.0
    low = value if estimate.low is None else estimate.low
    high = value if estimate.high is None else estimate.high
    return max(0.0, value - low), max(0.0, high - value)


def _style(place: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "marker": _MARKERS[place % len(_MARKERS)],
        "linestyle": "none",
        "markersize": 4.5,
        "linewidth": 1.2,
        "capsize": 2,
    }


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # an optional extra
    except ImportError:
        raise PlotError(
            "plots need matplotlib: pip install 'ed-triage-agent[eval]', or leave them out"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: Any, name: str, title: str) -> str:
    """The figure as one element. Same input, same text; ids of two figures on one page never meet (the salt)."""
    import matplotlib as mpl  # noqa: PLC0415  # there: the figure was made with it

    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 8.5}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    start = text.index("<svg")
    head, rest = text[start:].split(">", 1)
    return f'{head} role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>{rest}'.strip()
