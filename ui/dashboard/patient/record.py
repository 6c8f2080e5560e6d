"""The record as it was read: texts with the evidence marked in them, history, and what was wrong with it."""

from collections.abc import Sequence

from data_schemas import Fact, FactKind, IntakeRecord
from ui.dashboard.look import Safe, section, tag
from ui.dashboard.patient.exhibits import Exhibit, Piece, marked, resting_on
from ui.dashboard.patient.words import fact_value, spoken
from ui.dashboard.strings import text, word

_ELSEWHERE = {
    FactKind.AGE,
    FactKind.SEX,
    FactKind.HEART_RATE,
    FactKind.RESPIRATORY_RATE,
    FactKind.OXYGEN_SATURATION,
    FactKind.TEMPERATURE,
    FactKind.SYSTOLIC_BP,
    FactKind.DIASTOLIC_BP,
    FactKind.PAIN,
    FactKind.AVPU,
    FactKind.GCS,
    FactKind.GLUCOSE,
    FactKind.WEIGHT,
}
"""Shown in the banner or among the vital signs."""
_FIRST = (FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE)


def record_panel(record: IntakeRecord, found: Sequence[Exhibit]) -> Safe:
    """Every fact that is not a vital sign, with the numbers of the reasons that rest on it; findings of the reader."""
    kinds = [*_FIRST, *(kind for kind in FactKind if kind not in _ELSEWHERE and kind not in _FIRST)]
    groups = [
        tag("div", tag("dt", word("fact", kind.value)), *(_fact(fact, found) for fact in facts))
        for kind in kinds
        if (facts := record.all(kind))
    ]
    problems = [
        tag("li", tag("b", word("patient.quality", item.issue.value)), " ", spoken("span", item.message))
        for item in record.findings
        if item.issue.value != "missing"
    ]
    return section(
        text("patient.record"),
        tag("dl", *groups, cls="pt-record"),
        tag("h3", text("patient.quality-title")) if problems else None,
        tag("ul", *problems, cls="pt-quality") if problems else None,
    )


def _fact(fact: Fact, found: Sequence[Exhibit]) -> Safe:
    if fact.value is not None or fact.code is not None:
        return _numbered([Piece(fact_value(fact), resting_on(fact, found))])
    pieces = marked(fact, found)
    inside = {number for piece in pieces for number in piece.numbers}
    whole = [number for number in resting_on(fact, found) if number not in inside]
    return _numbered(pieces, whole)


def _numbered(pieces: Sequence[Piece], whole: Sequence[int] = ()) -> Safe:
    parts: list[object] = []
    for piece in pieces:
        if not piece.numbers:
            parts.append(piece.words)
            continue
        names = " ".join(f"pt-m-{number}" for number in piece.numbers)
        parts.append(tag("mark", piece.words, _said(piece.numbers), cls=f"pt-mark {names}"))
    if whole:
        names = " ".join(f"pt-m-{number}" for number in whole)
        return tag("dd", tag("span", *parts, cls=f"pt-whole {names}"), _said(whole))
    return tag("dd", *parts)


def _said(numbers: Sequence[int]) -> Safe:
    joined = ",".join(map(str, numbers))
    return tag("sup", joined, title=text("patient.cited-by", numbers=joined))
