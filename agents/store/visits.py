"""Reads the rows that quality figures are made of: streamed, and only what they need is kept of each document."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, select

from agents.quality.visits import UNKNOWN, AlertTimes, Decided, Suggested, Visit
from agents.store.engine import Database
from agents.store.tables import alerts, assessments, cases, intake, reviews
from agents.values import CasePhase
from data_schemas import AGE_UNITS_IN_DAYS, AssessmentMode, FactKind, OverrideReason, ReviewerRole

_AT_ONCE = 200
"""Rows in memory at a time: documents are a few kilobytes each, and only a few fields of them stay."""


async def visits_between(database: Database, since: datetime, until: datetime) -> tuple[Visit, ...]:
    """The cases that came into our books from ``since``, before ``until``, oldest first; without erased ones."""
    return await database.read(lambda connection: tuple(_visits(connection, since, until)), snapshot=True)


async def alerts_between(database: Database, since: datetime, until: datetime) -> tuple[AlertTimes, ...]:
    """The alerts that were raised from ``since``, before ``until``. Reads no document."""
    query = (
        select(alerts.c.code, alerts.c.created_at, alerts.c.acknowledged_at)
        .where(alerts.c.created_at >= since, alerts.c.created_at < until)
        .order_by(alerts.c.created_at)
    )

    def work(connection: Connection) -> tuple[AlertTimes, ...]:
        return tuple(
            AlertTimes(row.code, row.created_at, row.acknowledged_at) for row in connection.execute(query)
        )

    return await database.read(work)


def _visits(connection: Connection, since: datetime, until: datetime) -> Iterator[Visit]:
    # A case's runs come one after the other. Its first record and first decision count; texts are parsed once chosen.
    first: Row[Any] | None = None
    chosen: Row[Any] | None = None
    runs = 0
    for row in connection.execute(_runs(since, until)):
        if first is not None and row.case_id != first.case_id:
            yield _visit(first, chosen, runs)
            first, chosen, runs = None, None, 0
        first = first or row
        runs += 1
        if row.value is not None and (chosen is None or chosen.review is None):
            chosen = row
    if first is not None:
        yield _visit(first, chosen, runs)


def _runs(since: datetime, until: datetime) -> Select[Any]:
    return (
        select(
            cases.c.encounter_key,
            cases.c.created_at.label("opened_at"),
            intake.c.case_id,
            intake.c.record,
            assessments.c.value,
            reviews.c.value.label("review"),
        )
        .join(intake, intake.c.case_id == cases.c.id)
        .outerjoin(assessments, assessments.c.id == intake.c.id)
        .outerjoin(reviews, reviews.c.assessment_id == intake.c.id)
        .where(
            cases.c.phase != CasePhase.ERASED.value, cases.c.created_at >= since, cases.c.created_at < until
        )
        .order_by(cases.c.created_at, cases.c.id, intake.c.number)
        .execution_options(yield_per=_AT_ONCE)
    )


def _visit(first: Row[Any], chosen: Row[Any] | None, runs: int) -> Visit:
    record = orjson.loads(first.record)
    # Facts stand in the order of their kinds, the latest of a kind first.
    facts: dict[str, Mapping[str, Any]] = {}
    for fact in record["facts"]:
        facts.setdefault(fact["kind"], fact)
    arrived = record.get("arrived_at")
    return Visit(
        case_id=first.case_id,
        encounter_key=first.encounter_key,
        opened_at=first.opened_at,
        arrived_at=None if arrived is None else datetime.fromisoformat(arrived),
        age_years=_years(facts.get(FactKind.AGE.value)),
        sex=_code(facts.get(FactKind.SEX.value)),
        arrival_mode=_code(facts.get(FactKind.ARRIVAL_MODE.value)),
        missing=frozenset(FactKind(kind) for kind in record.get("missing", ())),
        runs=runs,
        suggested=None if chosen is None else _suggested(orjson.loads(chosen.value)),
        decided=None if chosen is None or chosen.review is None else _decided(orjson.loads(chosen.review)),
    )


def _suggested(value: Mapping[str, Any]) -> Suggested:
    probabilities = value.get("probabilities")
    return Suggested(
        level=value["level"],
        mode=AssessmentMode(value["mode"]),
        top=None if probabilities is None else max(probabilities["p"]),
        set_size=value["set_least_urgent"] - value["set_most_urgent"] + 1,
    )


def _decided(value: Mapping[str, Any]) -> Decided:
    reason = value.get("reason")
    return Decided(
        level=value["level"],
        reason=None if reason is None else OverrideReason(reason),
        at=datetime.fromisoformat(value["decided_at"]),
        scripted=value["role"] == ReviewerRole.DEMO.value,
        unaided_level=value.get("unaided_level"),
    )


def _years(fact: Mapping[str, Any] | None) -> float | None:
    if fact is None or fact.get("value") is None or fact.get("unit") not in AGE_UNITS_IN_DAYS:
        return None
    return float(fact["value"]) * float(AGE_UNITS_IN_DAYS[fact["unit"]] / AGE_UNITS_IN_DAYS["a"])


def _code(fact: Mapping[str, Any] | None) -> str:
    return UNKNOWN if fact is None or not fact.get("code") else str(fact["code"])
