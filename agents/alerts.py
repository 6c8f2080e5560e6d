"""Deterioration: what, of two looks at one patient, must reach a person without waiting to be looked for.

The rules compare the current run with the one before it, and with the last one that somebody looked at, so that a slow
decline is not missed because each step of it is small.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from agents.retriage import AVPU_ORDER, demanded, points, score
from agents.store.runs import StoredRun
from data_schemas import (
    FactKind,
    IntakeRecord,
    ReviewerRole,
    RuleTier,
    Screening,
    StatementRef,
    TriageAssessment,
)
from data_schemas._base import Frozen

NEWS2_SOURCE = (
    "Royal College of Physicians: National Early Warning Score (NEWS) 2, London 2017, thresholds and triggers"
)
AVPU_SOURCE = "Royal College of Physicians: NEWS2, London 2017 (new confusion, V, P and U score 3)"
GCS_SOURCE = (
    "NICE guideline NG232 Head injury (2023): a lower Glasgow coma scale calls for urgent reappraisal"
)
SHOCK_SOURCE = (
    "Rady et al., Ann Emerg Med 1994;24:685-690; children: Acker et al., J Pediatr Surg 2015;50:331-334"
)
POLICY_SOURCE = "policy of this program: a more urgent level than the one decided goes to a person"

_DANGER = {
    "esi.d.hr": FactKind.HEART_RATE,
    "esi.d.rr": FactKind.RESPIRATORY_RATE,
    "esi.d.spo2": FactKind.OXYGEN_SATURATION,
}
_RISE = 2
_URGENT, _EMERGENCY, _SINGLE = 5, 7, 3


class AlertCode(StrEnum):
    """Why somebody is called."""

    DANGER_ZONE = "new-danger-zone"
    NEWS2_RISE = "news2-rise"
    NEWS2_URGENT = "news2-urgent"
    NEWS2_EMERGENCY = "news2-emergency"
    NEWS2_SINGLE = "news2-single-parameter"
    CONSCIOUSNESS = "consciousness-worse"
    SHOCK_INDEX = "shock-index-raised"
    DEMAND_RULE = "new-demand-rule"
    MORE_URGENT = "more-urgent-than-decided"
    RECORD_LESS_URGENT = "record-less-urgent"
    """The hospital's record holds somebody else's less urgent signed level; it is left as it is."""


class Raised(Frozen):
    """An alert to be kept. ``subject`` tells two of one code apart: a vital sign, a statement, a level.

    ``message`` holds kinds, statement ids and levels, and no value or word of the patient. ``since`` is when what it
    rests on was observed, or else assessed. ``source`` says which statement asks for it.
    """

    code: AlertCode
    subject: str
    message: str
    since: datetime
    source: str

    @property
    def key(self) -> tuple[AlertCode, str]:
        """What makes two of them the same."""
        return self.code, self.subject


class Acknowledgement(Frozen):
    """Who took note of an alert, in which role, and when."""

    by: str
    role: ReviewerRole
    at: datetime


class Alert(Raised):
    """A kept alert of a case; open until a named clinician acknowledges it."""

    id: str
    case_id: str
    assessment_id: str
    raised_at: datetime
    acknowledged: Acknowledgement | None = None


def deterioration(
    earlier: Sequence[StoredRun],
    record: IntakeRecord,
    assessment: TriageAssessment,
    known: Sequence[Alert] = (),
) -> tuple[Raised, ...]:
    """What a new assessment raises.

    Args:
        earlier: the case's runs before it, oldest first.
        record: what the new assessment was given.
        assessment: the new assessment.
        known: the case's alerts so far.
    """
    done = [run for run in earlier if run.assessment is not None]
    if not done:
        return ()
    looked_at = next((run for run in reversed(done) if run.review is not None), done[0])
    found = list(_compared(done[-1], record, assessment))
    told = {alert.key for alert in known if alert.raised_at >= looked_at.created_at}
    found += [item for item in _compared(looked_at, record, assessment) if item.key not in told]
    if looked_at.review is not None and assessment.level < looked_at.review.level:
        decided = looked_at.review.level
        item = Raised(
            code=AlertCode.MORE_URGENT,
            subject=f"{decided}-{assessment.level}",
            message=f"Level {decided} was decided; what is known now gives level {assessment.level}.",
            since=assessment.created_at,
            source=POLICY_SOURCE,
        )
        if item.key not in told:
            found.append(item)
    return tuple({item.key: item for item in reversed(found)}.values())[::-1]


def record_less_urgent(held: int, level: int, *, decided: bool, since: datetime) -> Raised:
    """The hospital's record holds a signed level ``held`` that is less urgent than ``level``, ours."""
    ours = "level {} was decided here" if decided else "level {} is suggested here"
    return Raised(
        code=AlertCode.RECORD_LESS_URGENT,
        subject=f"{held}-{level}",
        message=f"The hospital's record holds level {held}, signed by somebody else; {ours.format(level)} and was not "
        "written over it. Settle with them which one holds.",
        since=since,
        source=POLICY_SOURCE,
    )


def _compared(before: StoredRun, record: IntakeRecord, assessment: TriageAssessment) -> Iterator[Raised]:
    if before.assessment is None:
        return
    old, new = before.assessment.screening, assessment.screening
    at = assessment.created_at
    yield from _danger_zone(old, new, record, at)
    yield from _news2(old, new, record, at)
    yield from _consciousness(before.record, record, at)
    yield from _shock_index(old, new, record, at)
    statements = _statements(new)
    for statement_id in sorted(demanded(new) - demanded(old)):
        level = next(f.level for f in new.findings if f.statement.id == statement_id)
        yield Raised(
            code=AlertCode.DEMAND_RULE,
            subject=statement_id,
            message=f"A rule that demands level {level} holds now and did not before ({statement_id}).",
            since=_since(record, _facts(new, statement_id), at),
            source=statements[statement_id].source,
        )


def _danger_zone(old: Screening, new: Screening, record: IntakeRecord, at: datetime) -> Iterator[Raised]:
    held = {finding.statement.id for finding in old.findings}
    statements = _statements(new)
    for statement_id, kind in _DANGER.items():
        if statement_id in statements and statement_id not in held:
            yield Raised(
                code=AlertCode.DANGER_ZONE,
                subject=kind.value,
                message=f"{_name(kind)} is newly in the danger zone of the age ({statement_id}).",
                since=_since(record, _facts(new, statement_id), at),
                source=statements[statement_id].source,
            )


def _news2(old: Screening, new: Screening, record: IntakeRecord, at: datetime) -> Iterator[Raised]:
    after = score(new, "NEWS2")
    if after is None or after.value is None:
        return
    now, parts, parts_before = int(after.value), points(new), points(old)
    before = score(old, "NEWS2")
    was = None if before is None or before.value is None else int(before.value)
    since = _since(record, [fact for part in after.parts for fact in part.fact_ids], at)

    def raised(code: AlertCode, subject: str, message: str) -> Raised:
        return Raised(code=code, subject=subject, message=message, since=since, source=NEWS2_SOURCE)

    # Over the shared inputs too: the whole sum falls when an input is no longer recorded, and nobody is better for it.
    shared = sum(parts[kind] - parts_before[kind] for kind in parts.keys() & parts_before.keys())
    if was is not None and max(now - was, shared) >= _RISE:
        new_inputs = ", some of it newly measured" if parts.keys() - parts_before.keys() else ""
        yield raised(AlertCode.NEWS2_RISE, "rise", f"NEWS2 is up by {_RISE} or more{new_inputs}.")
    if now >= _EMERGENCY and (was is None or was < _EMERGENCY):
        yield raised(AlertCode.NEWS2_EMERGENCY, "7", "NEWS2 is now 7 or more: emergency response.")
    elif now >= _URGENT and (was is None or was < _URGENT):
        yield raised(AlertCode.NEWS2_URGENT, "5", "NEWS2 is now 5 or 6: urgent response.")
    for kind, value in parts.items():
        if value == _SINGLE and parts_before.get(kind) != _SINGLE:
            yield raised(AlertCode.NEWS2_SINGLE, kind.value, f"{_name(kind)} alone now scores 3 in NEWS2.")


def _consciousness(old: IntakeRecord, new: IntakeRecord, at: datetime) -> Iterator[Raised]:
    was, now = old.code(FactKind.AVPU), new.code(FactKind.AVPU)
    fact = new.first(FactKind.AVPU)
    # What was not recorded before counts as the best: newly known is new to whoever decides.
    before = AVPU_ORDER.find(was) if was else 0
    if now and AVPU_ORDER.find(now) > max(before, 0):
        yield Raised(
            code=AlertCode.CONSCIOUSNESS,
            subject=FactKind.AVPU.value,
            message="Consciousness (AVPU) is worse than before.",
            since=_since(new, [] if fact is None else [fact.id], at),
            source=AVPU_SOURCE,
        )
    gcs, gcs_now = old.number(FactKind.GCS), new.number(FactKind.GCS)
    if gcs is not None and gcs_now is not None and gcs_now < gcs:
        fact = new.first(FactKind.GCS)
        yield Raised(
            code=AlertCode.CONSCIOUSNESS,
            subject=FactKind.GCS.value,
            message="The Glasgow coma scale is lower than before.",
            since=_since(new, [] if fact is None else [fact.id], at),
            source=GCS_SOURCE,
        )


def _shock_index(old: Screening, new: Screening, record: IntakeRecord, at: datetime) -> Iterator[Raised]:
    after, before = score(new, "shock index"), score(old, "shock index")
    raised = after is not None and (after.band or "").startswith("raised")
    if after is not None and raised and not (before is not None and (before.band or "").startswith("raised")):
        yield Raised(
            code=AlertCode.SHOCK_INDEX,
            subject="shock-index",
            message="The shock index is now above the threshold of the age.",
            since=_since(record, [fact for part in after.parts for fact in part.fact_ids], at),
            source=SHOCK_SOURCE,
        )


def _since(record: IntakeRecord, fact_ids: Sequence[str], otherwise: datetime) -> datetime:
    times = [
        fact.observed_at
        for fact in map(record.fact, fact_ids)
        if fact is not None and fact.observed_at is not None
    ]
    return min(max(times, default=otherwise), otherwise)


def _facts(screening: Screening, statement_id: str) -> list[str]:
    return [fact for f in screening.findings if f.statement.id == statement_id for fact in f.fact_ids]


def _statements(screening: Screening) -> dict[str, StatementRef]:
    return {
        f.statement.id: f.statement
        for f in screening.findings
        if f.tier is not RuleTier.INFORM or f.statement.id in _DANGER
    }


def _name(kind: FactKind) -> str:
    return {FactKind.AVPU: "Consciousness", FactKind.SYSTOLIC_BP: "Systolic blood pressure"}.get(
        kind, kind.value.replace("_", " ").capitalize()
    )
