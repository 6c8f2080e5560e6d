"""The one place that makes HTML: everything that is not ``Safe`` is escaped."""

import re
from html import escape

import streamlit as st

_NAME = re.compile(r"^[a-z][a-z0-9-]*$")
_VOID = frozenset({"br", "hr", "img"})
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:@^=&])")
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Controls and direction marks: they can hide or turn round what a line says."""


class Safe(str):
    """HTML that ``tag`` made; nothing else may make one."""

    __slots__ = ()


def clean(words: object) -> str:
    """Text without characters that are not seen."""
    return _UNSEEN.sub("", str(words))


def tag(name: str, *children: object, cls: str | None = None, **attributes: object) -> Safe:
    """An element; children that are not ``Safe`` and every attribute are escaped.

    ``cls`` is the class. Underscores in attribute names become hyphens (``aria_label``). An attribute that is None or
    False is left out, True stands alone. Addresses (``href``, ``src``, ``style`` excepted) are no business of pages:
    there is no way to give an event handler or a link.

    Raises:
        ValueError: an element or attribute that could run or load something.
    """
    if not _NAME.match(name) or name in {"script", "iframe", "object", "embed", "link", "a", "form", "base"}:
        raise ValueError(f"no element {name!r} here")
    parts = [name]
    if cls is not None:
        parts.append(f'class="{escape(cls)}"')
    for key, value in attributes.items():
        word = key.rstrip("_").replace("_", "-").lower()
        if value is None or value is False:
            continue
        if not _NAME.match(word) or word.startswith("on") or word in {"href", "src", "srcdoc", "action"}:
            raise ValueError(f"no attribute {word!r} here")
        parts.append(word if value is True else f'{word}="{escape(clean(value))}"')
    opening = f"<{' '.join(parts)}>"
    if name in _VOID:
        return Safe(opening)
    inside = "".join(
        child if isinstance(child, Safe) else escape(clean(child)) for child in children if child is not None
    )
    return Safe(f"{opening}{inside}</{name}>")


def show(html: Safe) -> None:
    """Put it on the screen.

    Raises:
        TypeError: it was not made by ``tag``.
    """
    if not isinstance(html, Safe):
        raise TypeError("look.show takes what look.tag made")
    st.html(html)


def plain(words: object) -> str:
    """Words of a record for a label: Streamlit would read Markdown in it, and load an image that it names."""
    return _MARKDOWN.sub(r"\\\1", clean(words).replace("\n", " "))
