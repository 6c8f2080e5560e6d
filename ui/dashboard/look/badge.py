"""A level as number, word, colour and shape: never colour alone."""

from dataclasses import dataclass

from data_schemas import SCALES, AcuityScale
from ui.dashboard.look.html import Safe, tag
from ui.dashboard.look.tokens import LEVEL_HUES
from ui.dashboard.strings import has_text, text

SHAPES: dict[int, str] = {1: "octagon", 2: "triangle", 3: "diamond", 4: "square", 5: "circle"}
"""Fewer corners, less urgent; told apart in grey and by touch of a finger."""


@dataclass(frozen=True, slots=True)
class LevelLook:
    """How a level is shown on a scale."""

    level: int
    word: str
    shape: str
    hue: str


def level_look(level: int, scale: AcuityScale) -> LevelLook:
    """Word (in the session's language), shape and colour of a level."""
    key = f"level.{scale.value.lower()}.{level}"
    fallback = SCALES[scale].words[level - 1]
    return LevelLook(
        level, text(key) if has_text(key) else fallback, SHAPES[level], LEVEL_HUES[scale][level - 1]
    )


def level_badge(
    level: int | None, scale: AcuityScale, *, note: str | None = None, large: bool = False
) -> Safe:
    """The badge. ``note`` stands below the word ("suggested"); None as level is "no level yet".

    Screen readers hear one sentence: "ESI level 2, emergent, suggested".
    """
    size = " ed-level-large" if large else ""
    if level is None:
        none = text("level.none")
        return tag(
            "span",
            tag("span", "–", cls="ed-shape ed-shape-none", aria_hidden="true"),
            tag("span", tag("b", none), cls="ed-level-words"),
            cls=f"ed-level{size}",
        )
    look = level_look(level, scale)
    label = text("level.label", scale=scale.value, level=level, word=look.word)
    return tag(
        "span",
        tag(
            "span",
            tag("i", cls="ed-fill"),
            tag("b", level),
            cls=f"ed-shape ed-shape-{look.shape} ed-hue-{look.hue}",
            aria_hidden="true",
        ),
        tag(
            "span",
            tag("b", look.word),
            tag("small", note) if note else None,
            cls="ed-level-words",
            aria_hidden="true",
        ),
        cls=f"ed-level{size}",
        role="img",
        aria_label=f"{label}, {note}" if note else label,
    )
