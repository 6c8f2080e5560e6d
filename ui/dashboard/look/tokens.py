"""The colours, light and dark. A test computes their WCAG 2.2 contrast: text 4.5:1, shapes and lines 3:1."""

from data_schemas import AcuityScale

LIGHT: dict[str, str] = {
    "page": "#f6f7f9",
    "surface": "#ffffff",
    "sunken": "#eceff3",
    "ink": "#16202b",
    "soft": "#4b5a6a",
    "line": "#d3dae2",
    "edge": "#7b8896",
    "accent": "#0b5f74",
    "accent-ink": "#ffffff",
    "accent-wash": "#e2f0f3",
    "danger": "#a8201a",
    "danger-wash": "#fdeceb",
    "warn": "#7a4b00",
    "warn-wash": "#fdf3dc",
    "good": "#1d6b3a",
    "good-wash": "#e6f4ea",
    "focus": "#0b5f74",
}
DARK: dict[str, str] = {
    "page": "#10161d",
    "surface": "#182029",
    "sunken": "#212b36",
    "ink": "#eef2f6",
    "soft": "#aebac7",
    "line": "#303c49",
    "edge": "#74828f",
    "accent": "#6fc6da",
    "accent-ink": "#08222a",
    "accent-wash": "#173540",
    "danger": "#ff9a92",
    "danger-wash": "#41201f",
    "warn": "#f0c26a",
    "warn-wash": "#3a2e16",
    "good": "#86d3a0",
    "good-wash": "#1b3526",
    "focus": "#8ad8ea",
}

HUES: dict[str, tuple[str, str]] = {
    "red": ("#b3261e", "#ffffff"),
    "orange": ("#c2500a", "#ffffff"),
    "yellow": ("#f2c230", "#231a00"),
    "green": ("#1e7a44", "#ffffff"),
    "blue": ("#1c5fb0", "#ffffff"),
    "white": ("#ffffff", "#16202b"),
}
"""Fill and ink of a level's shape, the same in light and dark: a colour that means something must not change."""

_MANCHESTER = ("red", "orange", "yellow", "green", "blue")
_CANADIAN = ("blue", "red", "yellow", "green", "white")
LEVEL_HUES: dict[AcuityScale, tuple[str, str, str, str, str]] = {
    AcuityScale.ESI: _MANCHESTER,
    AcuityScale.NHAMCS: _MANCHESTER,
    AcuityScale.MTS: _MANCHESTER,
    AcuityScale.CTAS: _CANADIAN,
    AcuityScale.KTAS: _CANADIAN,
    AcuityScale.ATS: ("red", "orange", "green", "blue", "white"),
}
"""The colours that staff of each scale know: blue is level 1 on the Canadian scale and level 5 in Manchester, so one
palette for all would mislead somebody. ESI sets no colours; electronic records in its countries use these."""


def contrast(first: str, second: str) -> float:
    """The WCAG 2.2 contrast ratio of two ``#rrggbb`` colours, 1 to 21 (its definition of relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
