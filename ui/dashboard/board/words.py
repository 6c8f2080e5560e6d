"""What the board says of a row, in words; the cards, the table and the wall say the same."""

from datetime import datetime, timedelta
from decimal import Decimal

from agents import Alert, Minutes
from data_schemas import FactKind
from ui.dashboard.look import level_look
from ui.dashboard.services import Row, RowState, Vital
from ui.dashboard.strings import text, word
from ui.dashboard.times import clock_time, duration


def who(row: Row) -> str:
    """The name where it is shown, else the code."""
    return row.name or text("board.code", code=row.code)


def level(row: Row) -> str:
    """``2, emergent``."""
    if row.level is None:
        return text("level.none")
    return text("board.table-level", level=row.level, word=level_look(row.level, row.scale).word)


def age_and_sex(row: Row) -> str:
    """``40 y, female``; what is not known is said."""
    sex = text("sex.unknown") if row.sex is None else word("sex", row.sex)
    return f"{row.age or text('board.age-unknown')}, {sex}"


def complaint(row: Row) -> str:
    """The very words, or that there are none."""
    return row.complaint or text("board.no-complaint")


def state(row: Row) -> str:
    """Where the suggestion stands; an override says what had been suggested."""
    if row.state is RowState.OVERRIDDEN and row.suggested is not None:
        return text("board.overridden-from", level=row.suggested)
    return text(f"state.{row.state}")


def waits(row: Row, now: datetime) -> str:
    """How long they have been here."""
    return duration(now - row.waits_since)


def is_watched(row: Row, minutes: Minutes) -> bool:
    """Whether somebody stays with them: there is no time after which to look again."""
    return row.due is not None and minutes[row.due.level - 1] == 0


def due(row: Row, minutes: Minutes, now: datetime) -> tuple[str, str]:
    """When to look again, and the tone: a countdown; ``overdue`` stands out; level 1 is never left."""
    if row.due is None:
        return text("board.due-unknown"), "plain"
    if is_watched(row, minutes):
        return text("board.constant"), "danger"
    left = row.due.due_at - now
    if left <= timedelta(0):
        return text("board.overdue", length=duration(left)), "danger"
    return text("board.due-in", length=duration(left)), "warn" if left < timedelta(minutes=5) else "plain"


def vital(item: Vital, *, short: bool = False) -> str | None:
    """The value without its name; None where it is not known."""
    fact = item.fact
    if fact is None:
        return None
    if item.kind is FactKind.AVPU:
        return word("avpu-short" if short else "avpu", fact.code or "")
    if fact.value is None:
        return fact.text
    value = (
        fact.value.quantize(Decimal("0.1")) if item.kind is FactKind.TEMPERATURE else fact.value.normalize()
    )
    return f"{value:f}"


def vital_label(item: Vital, now: datetime) -> str:
    """Name, value, unit and time: what a screen reader says."""
    name = word("fact", item.kind.value)
    value = vital(item)
    if value is None or item.fact is None:
        return text("board.vital-missing", name=name)
    unit = "" if item.kind is FactKind.AVPU else word("unit", item.kind.value)
    label = text("board.vital", name=name, value=value, unit=unit).rstrip()
    if item.danger:
        label = text("board.vital-danger", vital=label)
    if item.fact.observed_at is None:
        return label
    return text("board.vital-at", vital=label, at=clock_time(item.fact.observed_at, now))


def vital_brief(item: Vital) -> str:
    """``HR 142 (danger zone)``, ``Pain not measured``."""
    name, value = word("fact-short", item.kind.value), vital(item)
    if value is None:
        return text("board.vital-missing", name=name)
    return text("board.vital-brief-danger" if item.danger else "board.vital-brief", name=name, value=value)


def alert(item: Alert) -> str:
    """Why somebody is called; the alert's own words where its code is not known here."""
    key = f"alert.{item.code}"
    subject = word("fact", item.subject)
    return text(key, subject=subject) if subject else item.message
