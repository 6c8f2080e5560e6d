"""How everything looks. Every text that comes from a record becomes HTML here, and only here, escaped.

Pages build HTML with ``tag`` and put it on the screen with ``show``. Streamlit reads the labels of buttons, options,
expanders and the like as Markdown: a text of a record that goes into one goes through ``plain`` first, and running
text of a record is shown with ``show(tag("p", words))``, never with ``st.write`` or ``st.markdown``.
"""

from ui.dashboard.look.badge import LevelLook, level_badge, level_look
from ui.dashboard.look.html import Safe, plain, show, tag
from ui.dashboard.look.parts import (
    bars,
    brand,
    callout,
    chip,
    definition,
    empty_state,
    heading,
    icon,
    panel,
    section,
    table,
)
from ui.dashboard.look.sparkline import sparkline
from ui.dashboard.look.style import apply_style
from ui.dashboard.look.tokens import DARK, LEVEL_HUES, LIGHT, contrast

__all__ = [
    "DARK",
    "LEVEL_HUES",
    "LIGHT",
    "LevelLook",
    "Safe",
    "apply_style",
    "bars",
    "brand",
    "callout",
    "chip",
    "contrast",
    "definition",
    "empty_state",
    "heading",
    "icon",
    "level_badge",
    "level_look",
    "panel",
    "plain",
    "section",
    "show",
    "sparkline",
    "table",
    "tag",
]
