"""Filters, search and order of the board. Pure."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ui.dashboard.services import Row, RowState

_NEVER = datetime.max.replace(tzinfo=UTC)


class Sorting(StrEnum):
    """In which order rows stand."""

    URGENCY = "urgency"
    WAIT = "wait"
    DUE = "due"
    ARRIVAL = "arrival"


class Attention(StrEnum):
    """What a row may need somebody for."""

    UNDECIDED = "undecided"
    OVERDUE = "overdue"
    ALERT = "alert"
    LOOK_CLOSELY = "look-closely"


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants to see; empty means everything."""

    words: str = ""
    levels: frozenset[int] = frozenset()
    attention: frozenset[Attention] = frozenset()
    sorting: Sorting = Sorting.URGENCY

    @property
    def narrow(self) -> bool:
        """Whether somebody may be left out."""
        return bool(self.words.strip() or self.levels or self.attention)


def chosen(rows: Sequence[Row], choice: Choice) -> tuple[Row, ...]:
    """The rows that fit every filter, in order. A row without a level passes every filter of levels: nobody knows."""
    words = folded(choice.words).split()
    found = [
        row
        for row in rows
        if (not choice.levels or row.level is None or row.level in choice.levels)
        and (not choice.attention or choice.attention & needs(row))
        and _holds(row, words)
    ]
    if choice.sorting is Sorting.WAIT:
        found.sort(key=lambda row: row.waits_since)
    elif choice.sorting is Sorting.DUE:
        found.sort(key=lambda row: _NEVER if row.due is None else row.due.due_at)
    elif choice.sorting is Sorting.ARRIVAL:
        found.sort(key=lambda row: row.waits_since, reverse=True)
    return tuple(found)


def needs(row: Row) -> frozenset[Attention]:
    """What a row needs somebody for."""
    waits = row.state in {RowState.SUGGESTED, RowState.CHANGED, RowState.ASSESSING}
    found = {
        Attention.UNDECIDED: waits,
        Attention.OVERDUE: row.overdue,
        Attention.ALERT: bool(row.alerts),
        Attention.LOOK_CLOSELY: row.look_closely,
    }
    return frozenset(need for need, there in found.items() if there)


def folded(words: str) -> str:
    """Lower case without accents, so that "Munoz" finds "Muñoz"."""
    split = unicodedata.normalize("NFKD", words.casefold())
    return "".join(sign for sign in split if not unicodedata.combining(sign))


def _holds(row: Row, words: Iterable[str]) -> bool:
    text = folded(" ".join(filter(None, (row.name, row.complaint, row.code))))
    return all(word in text for word in words)
