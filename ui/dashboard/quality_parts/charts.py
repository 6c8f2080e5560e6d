"""Charts of plain elements in the page's own colours. Whoever prefers tables gets the same numbers as one."""

from collections.abc import Sequence

from agents.quality import Agreement
from data_schemas import LEVELS, AcuityScale
from ui.dashboard.look import LEVEL_HUES, Safe, table, tag
from ui.dashboard.strings import text

Hours = Sequence[Sequence[int]]


def tile(name: str, value: str, below: str) -> Safe:
    """A large number with what it is and what it rests on."""
    return tag(
        "div",
        tag("span", name, cls="ed-tile-name"),
        tag("b", value, cls="ed-tile-value"),
        tag("small", below),
        cls="ed-tile",
    )


def tiles(*items: Safe) -> Safe:
    """Tiles side by side."""
    return tag("div", *items, cls="ed-tiles")


def hours(counts: Hours, scale: AcuityScale, *, as_table: bool) -> Safe:
    """Decided cases by hour of arrival and level."""
    caption = text("quality.hours")
    names = [text("level.short", level=level) for level in LEVELS]
    if as_table:
        rows = [[f"{hour:02}", *row, sum(row)] for hour, row in enumerate(counts)]
        return table(caption, [text("quality.hour"), *names, text("quality.all")], rows)
    most = max((sum(row) for row in counts), default=0) or 1
    columns = [_column(f"{hour:02}", row, most, scale) for hour, row in enumerate(counts)]
    legend = [
        tag("span", tag("i", cls=f"ed-swatch ed-hue-{hue}"), name)
        for name, hue in zip(names, LEVEL_HUES[scale], strict=True)
    ]
    return tag(
        "figure",
        tag("figcaption", caption),
        tag("div", *columns, cls="ed-columns", aria_hidden="true"),
        tag("div", *legend, cls="ed-legend"),
        cls="ed-figure",
        role="group",
        aria_label=text("quality.hours-words", most=_busiest(counts)),
    )


def days(counts: Sequence[tuple[str, int]], *, as_table: bool) -> Safe:
    """Cases by day."""
    caption = text("quality.days")
    if as_table:
        return table(caption, [text("quality.day"), text("quality.cases")], counts)
    most = max((count for _, count in counts), default=0) or 1
    return tag(
        "figure",
        tag("figcaption", caption),
        tag(
            "div",
            *(
                tag("i", cls="ed-day", style=f"height:{100 * count / most:.1f}%", title=f"{day}: {count}")
                for day, count in counts
            ),
            cls="ed-days",
            aria_hidden="true",
        ),
        tag("div", *(tag("span", day) for day in _ends(counts)), cls="ed-ends"),
        cls="ed-figure",
        role="group",
        aria_label=text("quality.days-words", most=most),
    )


def matrix(item: Agreement, caption: str, first: str, second: str) -> Safe:
    """Two raters' levels against each other; it is a table already, its shades say where most lie."""
    head = tag(
        "tr",
        tag("th", text("quality.rows-columns", rows=first, columns=second), scope="col"),
        *(tag("th", level, scope="col") for level in LEVELS),
        tag("th", text("quality.all"), scope="col"),
    )
    most = max((cell for row in item.matrix for cell in row), default=0) or 1
    body = [
        tag(
            "tr",
            tag("th", text("level.short", level=level), scope="row"),
            *(_cell(cell, most, level, column) for column, cell in zip(LEVELS, row, strict=True)),
            tag("td", sum(row), cls="ed-sum"),
        )
        for level, row in zip(LEVELS, item.matrix, strict=True)
    ]
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body)),
        cls="ed-table ed-matrix",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def _cell(count: int, most: int, row: int, column: int) -> Safe:
    # Below the diagonal the second rater is more urgent, above it less urgent: the side that can hurt.
    side = "same" if row == column else "up" if column < row else "down"
    weight = 0 if count == 0 else 4 + round(24 * count / most)
    return tag("td", count, cls=f"ed-cell-{side}", style=f"--weight:{weight}%")


def _column(name: str, row: Sequence[int], most: int, scale: AcuityScale) -> Safe:
    parts = [
        tag("i", cls=f"ed-hue-{hue}", style=f"height:{100 * count / most:.2f}%")
        for count, hue in zip(row, LEVEL_HUES[scale], strict=True)
        if count
    ]
    title = ", ".join(f"{level}: {count}" for level, count in zip(LEVELS, row, strict=True))
    return tag("div", tag("div", *parts, cls="ed-stack-bar"), tag("span", name), cls="ed-column", title=title)


def _busiest(counts: Hours) -> str:
    totals = [sum(row) for row in counts]
    return f"{totals.index(max(totals)):02}" if any(totals) else text("quality.no-case")


def _ends(counts: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    return (counts[0][0], counts[-1][0]) if len(counts) > 1 else tuple(day for day, _ in counts)
