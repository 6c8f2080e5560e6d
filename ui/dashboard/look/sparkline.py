"""A vital sign's course as a small line; its words are the accessible name."""

from base64 import b64encode
from collections.abc import Sequence

from ui.dashboard.look.html import Safe, tag

_WIDTH, _HEIGHT, _PAD = 64, 20, 3


def sparkline(values: Sequence[float], label: str) -> Safe:
    """The line of two values or more, oldest first; an empty element for fewer: one point is no course.

    It is a mask over the text's colour, so that it follows the theme; Streamlit removes inline SVG.
    """
    if len(values) < 2:
        return tag("span", cls="ed-spark-none")
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = (_WIDTH - 2 * _PAD) / (len(values) - 1)
    points = [
        (_PAD + index * step, _HEIGHT - _PAD - (value - low) / span * (_HEIGHT - 2 * _PAD))
        for index, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    last = points[-1]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<polyline points="{line}" fill="none" stroke="#000" stroke-width="1.8" stroke-linejoin="round"/>'
        f'<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2.6"/></svg>'
    )
    url = f"url(data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
    return tag(
        "span",
        cls="ed-spark",
        role="img",
        aria_label=label,
        style=f"-webkit-mask-image:{url};mask-image:{url}",
    )
