"""What changed between two assessments of one visit, and whether for the worse.

Everything is worked out again from the two stored records and their screenings: nothing of it is stored.
"""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from agents.store.runs import StoredRun
from data_schemas import EsiVersion, Fact, FactKind, IntakeRecord, RuleTier, ScoreResult, Screening
from data_schemas._base import Frozen
from triage.esi import danger_limit, hypotension_limit, in_danger_zone

AVPU_ORDER = "ACVPU"
"""From alert to unresponsive; C is new confusion (Royal College of Physicians: NEWS2, 2017)."""

_MANY = {
    FactKind.CHIEF_COMPLAINT,
    FactKind.CONDITION,
    FactKind.MEDICATION,
    FactKind.ALLERGY,
    FactKind.TRIAGE_NOTE,
}
"""Kinds of which a record holds several, told apart by their words."""

_LOWER_IS_WORSE = {FactKind.GCS, FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR}
_HIGHER_IS_WORSE = {FactKind.PAIN, FactKind.OXYGEN_FLOW, FactKind.INSPIRED_OXYGEN}


class ChangeKind(StrEnum):
    """How something changed."""

    APPEARED = "appeared"
    VANISHED = "vanished"
    CHANGED = "changed"


class Trend(StrEnum):
    """Whether a change is for the worse. ``unclear`` where no rule says so: never read it as harmless."""

    WORSE = "worse"
    BETTER = "better"
    UNCLEAR = "unclear"


class RecordChange(Frozen):
    """One fact of the record that is not what it was. ``why`` says by which measure the trend is judged."""

    kind: FactKind
    change: ChangeKind
    before: str | None
    after: str | None
    trend: Trend
    why: str


class ScoreChange(Frozen):
    """A score that is not what it was; None is "no value". ``why`` names inputs that are known in one run only."""

    name: str
    before: Decimal | None
    after: Decimal | None
    trend: Trend
    why: str


class Changes(Frozen):
    """What the current assessment of a case has that the one before had not.

    ``decided`` is the level of the last decision in the case, None where nobody decided yet. Rules are statement ids.
    """

    before_id: str
    after_id: str
    record: tuple[RecordChange, ...]
    scores: tuple[ScoreChange, ...]
    rules_appeared: tuple[str, ...]
    rules_vanished: tuple[str, ...]
    level_before: int | None
    level_after: int | None
    decided: int | None

    @property
    def level_trend(self) -> Trend:
        """Whether the suggestion became more urgent (worse) or less (better)."""
        if self.level_before is None or self.level_after is None or self.level_before == self.level_after:
            return Trend.UNCLEAR
        return Trend.WORSE if self.level_after < self.level_before else Trend.BETTER


def changes_between(before: StoredRun, after: StoredRun, decided: int | None) -> Changes:
    """Everything that differs between two runs of one case."""
    old, new = before.assessment, after.assessment
    rules = tuple(
        set() if run is None else {finding.statement.id for finding in run.screening.findings}
        for run in (old, new)
    )
    version = EsiVersion.V5 if new is None else new.screening.esi_version
    both = None if old is None or new is None else (old.screening, new.screening)
    return Changes(
        before_id=before.assessment_id,
        after_id=after.assessment_id,
        record=record_changes(before.record, after.record, both, version),
        scores=() if both is None else score_changes(*both),
        rules_appeared=tuple(sorted(rules[1] - rules[0])),
        rules_vanished=tuple(sorted(rules[0] - rules[1])),
        level_before=None if old is None else old.level,
        level_after=None if new is None else new.level,
        decided=decided,
    )


def record_changes(
    before: IntakeRecord,
    after: IntakeRecord,
    screenings: tuple[Screening, Screening] | None = None,
    version: EsiVersion = EsiVersion.V5,
) -> tuple[RecordChange, ...]:
    """The facts that appeared, vanished or changed, by kind, in the order of ``FactKind``.

    The trend is judged by the danger zone of the age (ESI ``version``), the hypotension limit, the points of NEWS2 in
    ``screenings``, and the scales that have a worse end. A value that vanished is never reassuring.
    """
    found: list[RecordChange] = []
    for kind in FactKind:
        if kind in _MANY:
            found += _words_changed(kind, before, after)
            continue
        old, new = before.first(kind), after.first(kind)
        if _same(old, new):
            continue
        trend, why = _trend(kind, old, new, before, after, screenings, version)
        found.append(
            RecordChange(
                kind=kind,
                change=ChangeKind.APPEARED
                if old is None
                else ChangeKind.VANISHED
                if new is None
                else ChangeKind.CHANGED,
                before=None if old is None else old.text,
                after=None if new is None else new.text,
                trend=trend,
                why=why,
            )
        )
    return tuple(found)


def score_changes(before: Screening, after: Screening) -> tuple[ScoreChange, ...]:
    """The scores whose value differs; a higher one is worse."""
    old = {score.name: score for score in before.scores}
    new = {score.name: score for score in after.scores}
    found: list[ScoreChange] = []
    for name in dict.fromkeys((*old, *new)):
        one, two = _value(old.get(name)), _value(new.get(name))
        if one == two:
            continue
        trend = Trend.UNCLEAR
        if one is not None and two is not None:
            trend = Trend.WORSE if two > one else Trend.BETTER
        unequal = _inputs(old.get(name)) ^ _inputs(new.get(name))
        why = "a higher score is worse"
        if unequal:
            # A sum over fewer inputs is smaller without anybody being better.
            trend = trend if trend is Trend.WORSE else Trend.UNCLEAR
            names = ", ".join(sorted(kind.value.replace("_", " ") for kind in unequal))
            why = f"not from the same inputs: {names}"
        found.append(ScoreChange(name=name, before=one, after=two, trend=trend, why=why))
    return tuple(found)


def demanded(screening: Screening) -> frozenset[str]:
    """The demand statements that hold, by id."""
    return frozenset(
        finding.statement.id for finding in screening.findings if finding.tier is RuleTier.DEMAND
    )


def score(screening: Screening, name: str) -> ScoreResult | None:
    """The score of this name where it applies and has a value, or None."""
    return next(
        (
            item
            for item in screening.scores
            if item.name == name and item.applicable and item.value is not None
        ),
        None,
    )


def points(screening: Screening, name: str = "NEWS2") -> dict[FactKind, int]:
    """What each measured parameter contributes to a score."""
    found = score(screening, name)
    return {} if found is None else {part.kind: part.points for part in found.parts}


def _words_changed(kind: FactKind, before: IntakeRecord, after: IntakeRecord) -> Iterator[RecordChange]:
    old = dict.fromkeys(fact.text for fact in before.facts if fact.kind is kind)
    new = dict.fromkeys(fact.text for fact in after.facts if fact.kind is kind)
    gone, come = [text for text in old if text not in new], [text for text in new if text not in old]
    why = "words have no direction: read them"
    if len(gone) == len(come) == 1:
        yield RecordChange(
            kind=kind,
            change=ChangeKind.CHANGED,
            before=gone[0],
            after=come[0],
            trend=Trend.UNCLEAR,
            why=why,
        )
        return
    for text in gone:
        yield RecordChange(
            kind=kind, change=ChangeKind.VANISHED, before=text, after=None, trend=Trend.UNCLEAR, why=why
        )
    for text in come:
        yield RecordChange(
            kind=kind, change=ChangeKind.APPEARED, before=None, after=text, trend=Trend.UNCLEAR, why=why
        )


def _same(old: Fact | None, new: Fact | None) -> bool:
    if old is None or new is None:
        return old is new
    if old.value is not None and new.value is not None:
        return (old.value, old.unit) == (new.value, new.unit)
    return (old.text, old.code) == (new.text, new.code)


def _trend(
    kind: FactKind,
    old: Fact | None,
    new: Fact | None,
    before: IntakeRecord,
    after: IntakeRecord,
    screenings: tuple[Screening, Screening] | None,
    version: EsiVersion,
) -> tuple[Trend, str]:
    if new is None:
        return Trend.UNCLEAR, "no longer known: that is not reassuring"
    was, now = (None if old is None else old.value), new.value
    judged = _by_danger_zone(kind, was, now, before, after, version)
    if judged is None and kind is FactKind.SYSTOLIC_BP:
        judged = _by_hypotension(was, now, after)
    if judged is None and screenings is not None:
        judged = _by_points(kind, screenings)
    if judged is None:
        judged = _by_scale(kind, old, new)
    return judged or (Trend.UNCLEAR, "no rule gives this change a direction")


def _by_danger_zone(
    kind: FactKind,
    was: Decimal | None,
    now: Decimal | None,
    before: IntakeRecord,
    after: IntakeRecord,
    version: EsiVersion,
) -> tuple[Trend, str] | None:
    inside = in_danger_zone(kind, now, after.age_days, version)
    danger_before = in_danger_zone(kind, was, before.age_days, version)
    if inside and not danger_before:
        return Trend.WORSE, "now in the danger zone of the age"
    if inside is False and danger_before:
        return Trend.BETTER, "no longer in the danger zone of the age"
    if inside and was is not None and now is not None and after.age_days is not None:
        found = danger_limit(kind, after.age_days, version)
        if found is not None:
            further = abs(now - found[0]) > abs(was - found[0])
            return (
                Trend.WORSE if further else Trend.BETTER
            ), f"still in the danger zone, {'further from' if further else 'nearer to'} its limit"
    return None


def _by_hypotension(
    was: Decimal | None, now: Decimal | None, after: IntakeRecord
) -> tuple[Trend, str] | None:
    if now is None or after.age_days is None:
        return None
    limit, _ = hypotension_limit(after.age_days)
    low, low_before = now < limit, was is not None and was < limit
    if low and (was is None or not low_before or now < was):
        return Trend.WORSE, "below the limit of hypotension for the age"
    if low_before and (not low or (was is not None and now > was)):
        return Trend.BETTER, "below the limit of hypotension before"
    return None


def _by_points(kind: FactKind, screenings: tuple[Screening, Screening]) -> tuple[Trend, str] | None:
    old, new = (points(screening).get(kind) for screening in screenings)
    if new is None or old == new:
        return None
    if old is None:
        return (Trend.WORSE, f"{new} points of NEWS2, not known before") if new else None
    return (Trend.WORSE if new > old else Trend.BETTER), f"NEWS2 points {old} -> {new}"


def _by_scale(kind: FactKind, old: Fact | None, new: Fact) -> tuple[Trend, str] | None:
    if kind is FactKind.AVPU:
        return _by_avpu(None if old is None else old.code, new.code)
    if old is None or old.value is None or new.value is None:
        return None
    if kind in _LOWER_IS_WORSE:
        return (Trend.WORSE if new.value < old.value else Trend.BETTER), "a lower value is worse"
    if kind in _HIGHER_IS_WORSE:
        return (Trend.WORSE if new.value > old.value else Trend.BETTER), "a higher value is worse"
    return None


def _by_avpu(old: str | None, new: str | None) -> tuple[Trend, str] | None:
    if new not in set(AVPU_ORDER):
        return None
    now = AVPU_ORDER.index(str(new))
    if old not in set(AVPU_ORDER):
        return (Trend.WORSE, "not alert, not known before") if now else None
    was = AVPU_ORDER.index(str(old))
    return (Trend.WORSE if now > was else Trend.BETTER), "consciousness from A to U"


def _value(result: ScoreResult | None) -> Decimal | None:
    return result.value if result is not None and result.applicable else None


def _inputs(result: ScoreResult | None) -> frozenset[FactKind]:
    return (
        frozenset()
        if result is None or not result.applicable
        else frozenset(part.kind for part in result.parts)
    )
