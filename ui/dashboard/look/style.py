"""The style sheet, made of the tokens and of every ``*.css`` beside this file; ``wall.css`` only where asked for."""

from functools import cache
from importlib.resources import files

import streamlit as st

from ui.dashboard.look.tokens import DARK, HUES, LIGHT


@cache
def style_sheet() -> str:
    """The rules, with every token as a custom property that follows Streamlit's light or dark theme."""
    tokens = "".join(f"--ed-{name}:light-dark({LIGHT[name]},{DARK[name]});" for name in LIGHT)
    hues = "".join(f".ed-hue-{name}{{--fill:{fill};--on:{ink}}}" for name, (fill, ink) in HUES.items())
    sheets = sorted(
        (
            file
            for file in files(__package__).iterdir()
            if file.name.endswith(".css") and file.name != "wall.css"
        ),
        key=lambda file: (file.name != "style.css", file.name),
    )
    rules = "\n".join(file.read_text(encoding="utf-8") for file in sheets)
    return f".stApp{{{tokens}}}{hues}{rules}"


def apply_style(*, wall: bool = False) -> None:
    """Put the style sheet on the page; ``wall`` adds the rules for a screen that is read from afar."""
    st.html(f"<style>{style_sheet()}</style>")
    if wall:
        rules = files(__package__).joinpath("wall.css").read_text(encoding="utf-8")
        st.html(f"<style>{rules}</style>")
