"""Every string that a person reads, by language. One file a page, so that pages can be written side by side.

A key is ``<file>.<key>``: ``text("board.title")`` reads ``title`` in ``en/board.yaml``; what several pages use stands
in ``common.yaml`` and has no file in front (``text("app.name")``). Two variants of a string for one and for many are
``key.one`` and ``key.other``; see ``many``.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

import streamlit as st
import yaml

__all__ = [
    "LANGUAGES",
    "UnknownTextError",
    "catalogue",
    "has_text",
    "language",
    "many",
    "places",
    "text",
    "word",
]

LANGUAGES: dict[str, str] = {"en": "English", "es": "Español"}
"""Code and own name. The first is the one that the others are checked against."""


class UnknownTextError(KeyError):
    """No such key in the catalogue."""


@cache
def catalogue(code: str) -> Mapping[str, str]:
    """All strings of a language by their full key."""
    found: dict[str, str] = {}
    for file in files(__name__).joinpath(code).iterdir():
        if file.name.endswith(".yaml"):
            tree = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            name = file.name.removesuffix(".yaml")
            found.update(_flat("" if name == "common" else name, tree))
    return found


def language() -> str:
    """The language of this session."""
    chosen = st.session_state.get("language", "en")
    return chosen if chosen in LANGUAGES else "en"


def text(key: str, /, **values: object) -> str:
    """The string of ``key`` in this session's language, with ``values`` in its ``{places}``.

    The result is plain text, values included: HTML is made of it by ``look.tag`` only, which escapes it.

    Raises:
        UnknownTextError: no such key.
    """
    try:
        pattern = catalogue(language())[key]
    except KeyError:
        raise UnknownTextError(key) from None
    return pattern.format(**values) if values else pattern


def many(key: str, count: int, /, **values: object) -> str:
    """``text`` of ``<key>.one`` or ``<key>.other`` with ``{count}``."""
    return text(f"{key}.{'one' if count == 1 else 'other'}", count=count, **values)


def has_text(key: str) -> bool:
    """Whether the catalogue has the key; for codes that come from elsewhere."""
    return key in catalogue("en")


def word(group: str, code: str) -> str:
    """The words of a code (``word("fact", "heart_rate")``), or the code itself where the catalogue has none."""
    key = f"{group}.{code}"
    return text(key) if has_text(key) else code.replace("_", " ").replace("-", " ")


def places(pattern: str) -> set[str]:
    """The names of the ``{places}`` in a string."""
    return {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}


def _flat(prefix: str, tree: Any) -> dict[str, str]:
    if not isinstance(tree, dict):
        return {prefix: str(tree)}
    found: dict[str, str] = {}
    for key, value in tree.items():
        found.update(_flat(f"{prefix}.{key}" if prefix else str(key), value))
    return found
