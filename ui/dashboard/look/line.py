"""A line as a mask: Streamlit removes inline SVG, and a mask over a colour follows the theme."""

from base64 import b64encode
from collections.abc import Sequence


def line_mask(points: Sequence[tuple[float, float]]) -> str:
    """The ``style`` of an element that shows only a line through ``points``, in per cent of its width and height.

    It is stretched with the element; its thickness is not.
    """
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    how = 'fill="none" stroke="#000" stroke-width="2" vector-effect="non-scaling-stroke"'
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none">'
        f'<polyline points="{line}" {how}/></svg>'
    )
    url = f"url(data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
    return f"-webkit-mask-image:{url};mask-image:{url}"
