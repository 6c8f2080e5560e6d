"""Colours, dashes and marks of the plots, and their way into a page.

The SVG names colours as CSS variables of the page (``var(--s1)``), so that one picture serves light, dark and paper.
Series differ in dash and marker as well as in colour.
"""

import re
import textwrap
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, GRID, WASH = "#010203", "#020304", "#030405", "#040506"
SERIES = tuple(f"#0{index}0a0b" for index in range(1, 10))
"""Stand-ins that no plot uses by chance; each becomes the page's variable."""

DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.2, 1.6)),
    (0, (6, 2, 1.2, 2)),
    "-",
    (0, (3, 1.5)),
    (0, (1.2, 3)),
    (0, (8, 2, 2, 2)),
    "-",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "h")

_VARIABLES = (
    {INK: "var(--ink)", SOFT: "var(--soft)", GRID: "var(--line)", WASH: "var(--sunken)"}
    | {colour: f"var(--s{index})" for index, colour in enumerate(SERIES, start=1)}
    | {
        colour: f"var(--s{index})"
        for index, colour in enumerate(
            ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"), start=1
        )
    }
    | {"#000000": "var(--ink)", "#e0e0e0": "var(--line)", "#ededed": "var(--sunken)", "#ffffff": "none"}
)
LIGHT: dict[str, str] = {
    "--ink": "#16202b",
    "--soft": "#4b5a6a",
    "--line": "#d3dae2",
    "--sunken": "#eceff3",
    "--s1": "#0b5f74",
    "--s2": "#b8480a",
    "--s3": "#5b3fa8",
    "--s4": "#1d6b3a",
    "--s5": "#a8201a",
    "--s6": "#766400",
    "--s7": "#a82f74",
    "--s8": "#4b5a6a",
    "--s9": "#2456a6",
}
DARK: dict[str, str] = {
    "--ink": "#eef2f6",
    "--soft": "#aebac7",
    "--line": "#303c49",
    "--sunken": "#212b36",
    "--s1": "#6fc6da",
    "--s2": "#f2a66c",
    "--s3": "#b9a6f7",
    "--s4": "#86d3a0",
    "--s5": "#ff9a92",
    "--s6": "#dccb5c",
    "--s7": "#f190c6",
    "--s8": "#aebac7",
    "--s9": "#8fb6f2",
}
_RC = {
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def rc(key: str) -> dict[str, Any]:
    """Matplotlib's settings for the plot ``key``, whose name also salts its ids."""
    return {**_RC, "svg.hashsalt": key}


def short(name: str) -> str:
    """A name that fits a legend of two columns."""
    return textwrap.shorten(name, 42, placeholder="…")


def svg_of(figure: "Figure", key: str) -> str:
    """The figure as an ``<svg>`` element to stand in a page: no prologue, no metadata, its own ids, no fonts."""
    found = BytesIO()
    figure.savefig(found, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return adopted(found.getvalue().decode("utf-8"), key)


def adopted(svg: str, key: str) -> str:
    """Matplotlib's SVG in the page's colours; also that of ``eval.robustness``, which draws for any page."""
    text = svg[svg.index("<svg") :]
    for pattern in (
        r"<metadata>.*?</metadata>",
        r"<title>.*?</title>",
        r"<!--.*?-->",
        r"<style[^>]*>.*?</style>",
    ):
        text = re.sub(pattern, "", text, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]+)"', text)
    assert box is not None
    head = f'<svg viewBox="{box[1]}" aria-hidden="true" focusable="false">'
    text = head + text[text.index(">") + 1 :]
    text = text.replace("xlink:href", "href")
    text = re.sub(r' id="([^"]+)"', rf' id="{key}-\1"', text)
    text = re.sub(r'"#([^"]+)"', rf'"#{key}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]+;? ?", "", text)
    for colour, variable in _VARIABLES.items():
        text = re.sub(colour, variable, text, flags=re.IGNORECASE)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def light(svg: str) -> str:
    """The picture as a file of its own: with a namespace, a font and light colours."""
    for variable, colour in LIGHT.items():
        svg = svg.replace(f"var({variable})", colour)
    style = (
        "<style>*{stroke-linejoin:round;stroke-linecap:butt}text{font-family:sans-serif;fill:#16202b}</style>"
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" '
    svg = svg.replace("<svg ", head, 1).replace(' aria-hidden="true" focusable="false"', "", 1)
    return svg.replace(">", f">{style}", 1) + "\n"
