"""The board as cards, as a plain table, and for the wall."""

from collections.abc import Iterable
from datetime import datetime

from agents import Minutes, calls
from data_schemas import FactKind
from ui.dashboard.board import words
from ui.dashboard.look import Safe, chip, level_badge, sparkline, table, tag
from ui.dashboard.services import Board, Row, RowState, Vital
from ui.dashboard.strings import many, text, word

_STATE_TONES = {
    RowState.ASSESSING: "plain",
    RowState.SUGGESTED: "accent",
    RowState.ACCEPTED: "good",
    RowState.OVERRIDDEN: "good",
    RowState.CHANGED: "warn",
}


def card(row: Row, minutes: Minutes, now: datetime) -> Safe:
    """One waiting patient."""
    due, tone = words.due(row, minutes, now)
    return tag(
        "div",
        tag("div", level_badge(row.level, row.scale, note=words.state(row)), cls="bd-level"),
        tag(
            "div",
            tag(
                "div",
                tag("b", words.who(row)),
                tag("span", words.age_and_sex(row), cls="ed-soft"),
                cls="bd-who",
            ),
            tag("div", words.complaint(row), cls="bd-complaint"),
            tag("div", *_chips(row), cls="bd-chips"),
            cls="bd-patient",
        ),
        tag(
            "div",
            tag("div", tag("small", text("board.waits")), tag("b", words.waits(row, now)), cls="bd-wait"),
            chip(due, tone),
            cls="bd-times",
        ),
        tag("div", *(_vital(item, now) for item in _paired(row.vitals)), cls="bd-vitals"),
        cls=f"bd-card bd-card-{tone}" if tone == "danger" else "bd-card",
    )


def plain_table(rows: Iterable[Row], minutes: Minutes, now: datetime) -> Safe:
    """The same as a table of words: for screen readers, narrow screens, and printing."""
    return table(
        text("board.caption"),
        [text(f"board.column.{name}") for name in _COLUMNS],
        [
            (
                text("level.none")
                if row.level is None
                else text(
                    "board.table-level",
                    level=row.level,
                    word=word(f"level.{row.scale.value.lower()}", str(row.level)),
                ),
                f"{words.who(row)} ({words.age_and_sex(row)})",
                words.complaint(row),
                words.state(row),
                words.waits(row, now),
                words.due(row, minutes, now)[0],
                ", ".join(words.vital_brief(item) for item in row.vitals),
                "; ".join(words.alert(item) for item in row.alerts) or text("board.none"),
            )
            for row in rows
        ],
        cls="bd-table",
    )


_COLUMNS = ("level", "patient", "complaint", "state", "waits", "due", "vitals", "alerts")


def wall(rows: Iterable[Row], minutes: Minutes, now: datetime) -> Safe:
    """Large, and without a name in it: whoever walks by can read it."""
    lines = []
    for row in rows:
        due, tone = words.due(row, minutes, now)
        lines.append(
            tag(
                "div",
                level_badge(row.level, row.scale),
                tag(
                    "div",
                    tag("b", row.code),
                    tag("span", words.age_and_sex(row)),
                    chip(text("board.alerts-short"), "danger") if row.alerts else None,
                    tag("div", words.complaint(row), cls="bd-complaint"),
                    cls="wl-who",
                ),
                tag(
                    "div",
                    tag("div", tag("small", text("board.waits")), " ", words.waits(row, now), cls="wl-wait"),
                    chip(due, tone),
                    cls="wl-times",
                ),
                cls="wl-row",
                role="listitem",
            )
        )
    return tag("div", *lines, cls="wl-rows", role="list", aria_label=text("board.caption"))


def tallies(board: Board, minutes: Minutes) -> Safe:
    """How many of each level, how many on constant watch, how many overdue, how many alerts."""
    rows = board.rows
    cells: list[Safe] = []
    if rows:
        scale = rows[0].scale
        for level in (1, 2, 3, 4, 5):
            count = sum(row.level == level for row in rows)
            badge = level_badge(level, scale)
            cells.append(
                tag(
                    "div",
                    badge,
                    tag("b", count, cls="bd-count"),
                    cls="bd-tally" if count else "bd-tally bd-zero",
                )
            )
    watched = sum(words.is_watched(row, minutes) for row in rows)
    overdue = sum(row.overdue and not words.is_watched(row, minutes) for row in rows)
    alerts = sum(len(calls(row.alerts)) for row in rows)
    changed = sum(row.state is RowState.CHANGED for row in rows)
    chips = [chip(many("board.count-overdue", overdue), "danger" if overdue else "good")]
    chips.append(chip(many("board.count-alerts", alerts), "danger" if alerts else "good"))
    if watched:
        chips.insert(0, chip(many("board.count-constant", watched), "danger"))
    if changed:
        chips.append(chip(many("board.count-changed", changed), "warn"))
    return tag(
        "div",
        *cells,
        tag("div", *chips, cls="bd-chips"),
        cls="bd-tallies",
        role="group",
        aria_label=text("board.tallies"),
    )


def _chips(row: Row) -> list[Safe]:
    chips = [chip(words.state(row), _STATE_TONES[row.state])] if row.state is not RowState.SUGGESTED else []
    if row.alerts:
        first = words.alert(row.alerts[0])
        more = len(row.alerts) - 1
        chips.append(chip(text("board.alert-more", alert=first, more=more) if more else first, "danger"))
    if row.look_closely:
        chips.append(chip(text("board.look-closely"), "warn"))
    if row.rules_only:
        chips.append(chip(text("board.rules-only"), "warn"))
    if row.not_written:
        chips.append(chip(text("board.not-written"), "warn"))
    return chips


def _paired(vitals: Iterable[Vital]) -> list[tuple[Vital, ...]]:
    """One cell each; the two pressures share one."""
    by_kind = {item.kind: item for item in vitals}
    pressures = (by_kind[FactKind.SYSTOLIC_BP], by_kind[FactKind.DIASTOLIC_BP])
    cells: list[tuple[Vital, ...]] = []
    for item in by_kind.values():
        if item.kind is FactKind.SYSTOLIC_BP:
            cells.append(pressures)
        elif item.kind is not FactKind.DIASTOLIC_BP:
            cells.append((item,))
    return cells


def _vital(items: tuple[Vital, ...], now: datetime) -> Safe:
    first = items[0]
    values = [words.vital(item, short=True) for item in items]
    known = any(value is not None for value in values)
    name = text("board.pressure") if len(items) > 1 else word("fact-short", first.kind.value)
    label = "; ".join(words.vital_label(item, now) for item in items)
    shown = "/".join(value or "–" for value in values) if known else "–"
    danger = any(item.danger for item in items)
    kind = "bd-danger" if danger else "bd-known" if known else "bd-absent"
    course = first.course
    return tag(
        "div",
        tag("small", name, aria_hidden="true"),
        tag("b", shown, aria_hidden="true"),
        sparkline(course, text("board.course", values=", ".join(f"{value:g}" for value in course))),
        tag("span", label, cls="ed-hidden"),
        cls=f"bd-vital {kind}",
        title=label,
    )
