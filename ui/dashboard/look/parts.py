"""The small parts that pages are made of. All words come in as arguments and are escaped."""

from collections.abc import Iterable, Sequence

from ui.dashboard.look.html import Safe, tag

TONES = ("plain", "accent", "good", "warn", "danger")


_LETTER_REM = 0.58
"""Width of a letter of the program's name, in rem, measured with the longest of the two languages' names."""


def brand(name: str) -> Safe:
    """The program's name in the header's line. Streamlit's own navigation begins where it ends."""
    room = tag("style", f".stApp {{ --ed-brand: {len(name) * _LETTER_REM + 3.8:.1f}rem }}")
    return tag("div", room, name, cls="ed-brand ed-brand-top")


def heading(title: str, lead: str | None = None) -> Safe:
    """A page's title, one a page, and a line below it."""
    return tag("div", tag("h1", title), tag("p", lead) if lead else None, cls="ed-heading")


def section(title: str, *children: object) -> Safe:
    """A titled part of a page."""
    return tag("section", tag("h2", title), *children, cls="ed-section")


def panel(*children: object, tone: str = "plain", title: str | None = None) -> Safe:
    """A surface with its content."""
    return tag("div", tag("h3", title) if title else None, *children, cls=f"ed-panel ed-tone-{_tone(tone)}")


def callout(title: str, *lines: object, tone: str = "warn", live: bool = False) -> Safe:
    """A message that must be seen. ``live``: screen readers say it when it appears."""
    return tag(
        "div",
        icon(_tone(tone)),
        tag("div", tag("b", title), *(tag("p", line) for line in lines), cls="ed-callout-words"),
        cls=f"ed-callout ed-tone-{tone}",
        role="alert" if live else "note",
    )


def chip(words: str, tone: str = "plain", *, title: str | None = None) -> Safe:
    """A short state. The tone has a sign too, so colour is not alone."""
    return tag("span", icon(tone), words, cls=f"ed-chip ed-tone-{_tone(tone)}", title=title)


def icon(tone: str) -> Safe:
    """The sign of a tone; said by no screen reader, for the words beside it say it."""
    return tag("span", cls=f"ed-icon ed-icon-{_tone(tone)}", aria_hidden="true")


def definition(pairs: Iterable[tuple[str, object]]) -> Safe:
    """Names and values in two columns."""
    cells = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs]
    return tag("dl", *cells, cls="ed-definition")


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, cls: str = "") -> Safe:
    """A real table: caption, column headers with scope, the first cell of a row its header."""
    head = tag("tr", *(tag("th", name, scope="col") for name in columns))
    body = [
        tag("tr", tag("th", cells[0], scope="row"), *(tag("td", cell) for cell in cells[1:]))
        for cells in rows
    ]
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body)),
        cls=f"ed-table {cls}".strip(),
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def bars(caption: str, rows: Iterable[tuple[object, float, str]]) -> Safe:
    """Horizontal bars: name, share from 0 to 1, and the number in words; the number is always written too."""
    lines = [
        tag(
            "div",
            tag("span", name, cls="ed-bar-name"),
            tag(
                "span",
                tag("i", style=f"width:{100 * max(0.0, min(1.0, share)):.1f}%"),
                cls="ed-bar-track",
                aria_hidden="true",
            ),
            tag("span", words, cls="ed-bar-value"),
            cls="ed-bar",
            role="listitem",
        )
        for name, share, words in rows
    ]
    return tag("div", *lines, cls="ed-bars", role="list", aria_label=caption)


def empty_state(title: str, line: str | None = None) -> Safe:
    """What stands where nothing is, and what to do."""
    return tag("div", tag("h2", title), tag("p", line) if line else None, cls="ed-empty")


def _tone(tone: str) -> str:
    if tone not in TONES:
        raise ValueError(f"no tone {tone!r}: one of {', '.join(TONES)}")
    return tone
