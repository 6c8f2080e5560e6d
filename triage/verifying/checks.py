"""The checks of what a claim says of its fact, one function each: why the claim is refused, or None."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from data_schemas import (
    AGE_UNITS_IN_DAYS,
    CANONICAL_UNITS,
    Check,
    Claim,
    Direction,
    EsiVersion,
    Fact,
    FactKind,
    IntakeRecord,
    Refusal,
)
from triage.facts import CODE_TEXTS
from triage.verifying.limits import beyond, normal_problem, usual_limit
from triage.verifying.reading import MEASURED_ONCE, Reading, readings
from triage.verifying.units import age_unit, other_units, precision, to_canonical
from triage.verifying.words import fact_words, kind_words, number_words, plain

_SAME_INSTANT = timedelta(minutes=1)


def source(claim: Claim, record: IntakeRecord, fact: Fact) -> Refusal | None:
    """Whether the element it points at is the fact's own, or at least in this patient's record."""
    said = claim.source
    if said is None:
        return None
    if (said.resource_type, said.resource_id) == (fact.source.resource_type, fact.source.resource_id):
        if said.path == fact.source.path:
            return None
        return Refusal(check=Check.FACT, why=f"it points at another element than the {kind_words(fact.kind)}")
    own = {(f.source.resource_type, f.source.resource_id) for f in record.facts}
    if (said.resource_type, said.resource_id) in own:
        return Refusal(check=Check.FACT, why=f"it points at another entry than the {kind_words(fact.kind)}")
    return Refusal(check=Check.PATIENT, why="it points at an entry that is not in this patient's record")


def wrong_fact(claim: Claim, fact: Fact) -> Refusal | None:
    """Whether the fact cited is of the kind said; prose that says it counts."""
    if claim.kind is None or fact.kind is claim.kind or readings(fact, claim.kind):
        return None
    return Refusal(
        check=Check.FACT,
        why=f"it speaks of the {kind_words(claim.kind)} but cites the {fact_words(fact)}",
    )


def value(claim: Claim, fact: Fact) -> Refusal | None:
    """Whether value, unit and code are those of the fact."""
    kind = claim.kind or fact.kind
    if claim.value is None and claim.unit is None and claim.code is None:
        return None
    found = readings(fact, kind)
    if not found:
        return Refusal(
            check=Check.VALUE, why=f"it gives a value of the {kind_words(kind)}; the fact cited has none"
        )
    if claim.code is not None and claim.code not in {reading.code for reading in found}:
        said = CODE_TEXTS.get(kind, {}).get(claim.code, claim.code)
        return Refusal(check=Check.VALUE, why=f"it says {said}; the record says {fact.text}")
    if kind is FactKind.AGE:
        return _age(claim, fact, found)
    if claim.unit is not None and to_canonical(kind, Decimal(1), claim.unit) is None:
        return Refusal(check=Check.UNIT, why=f"{claim.unit} is no unit of the {kind_words(kind)}")
    if claim.value is None:
        return None
    given = to_canonical(kind, claim.value, claim.unit)
    if given is None:
        return None
    known = [reading.value for reading in found if reading.value is not None]
    if any(abs(number - given) <= precision(kind, claim.value, claim.unit) for number in known):
        return None
    recorded = " and ".join(number_words(kind, number) for number in known) or "no number"
    if claim.unit is not None and any(
        abs(number - converted) <= precision(kind, claim.value, unit)
        for unit in other_units(kind, claim.unit)
        for number in known
        if (converted := to_canonical(kind, claim.value, unit)) is not None
    ):
        return Refusal(
            check=Check.UNIT,
            why=f"the {kind_words(kind)} is {recorded}, not {plain(claim.value)} {claim.unit}",
        )
    return Refusal(
        check=Check.VALUE,
        why=f"it says {kind_words(kind)} {number_words(kind, given)}; the record says {recorded}",
    )


def _age(claim: Claim, fact: Fact, found: Sequence[Reading]) -> Refusal | None:
    """Ages are cut, not rounded: 17.96 years is 17. A claim holds from its value to one unit more."""
    if claim.value is None and claim.unit is None:
        return None
    unit = age_unit(claim.unit) if claim.unit is not None else (fact.unit or "a")
    if unit is None:
        return Refusal(check=Check.UNIT, why=f"{claim.unit} is no unit of age")
    if claim.value is None:
        return None
    one = AGE_UNITS_IN_DAYS[unit]
    exponent = claim.value.as_tuple().exponent
    width = one * Decimal(1).scaleb(min(0, exponent if isinstance(exponent, int) else 0))
    for reading in found:
        if reading.days is not None and 0 <= reading.days - claim.value * one < width:
            return None
        if reading.unit == unit and reading.value == claim.value:
            return None
    same_number = any(reading.value == claim.value and reading.unit != unit for reading in found)
    return Refusal(
        check=Check.UNIT if same_number else Check.VALUE,
        why=f"it says an age of {plain(claim.value)} {unit}; the record says {fact.text}",
    )


def direction(claim: Claim, fact: Fact, record: IntakeRecord, version: EsiVersion) -> Refusal | None:
    """Whether the value lies on the side of the limit that is claimed; without a limit that of the age is taken."""
    if claim.direction is None:
        return None
    kind = claim.kind or fact.kind
    known = [reading.value for reading in readings(fact, kind) if reading.value is not None]
    if not known or kind not in CANONICAL_UNITS:
        return Refusal(
            check=Check.DIRECTION,
            why=f"no number is recorded for the {kind_words(kind)}, so it is on no side",
        )
    if claim.direction is Direction.NORMAL:
        problems = [normal_problem(kind, number, record, version) for number in known]
        if None in problems:
            return None
        return Refusal(check=Check.DIRECTION, why=f"it calls the {kind_words(kind)} normal; {problems[0]}")
    if claim.limit is not None:
        limit, band = to_canonical(kind, claim.limit, claim.unit), ""
        if limit is None:
            return Refusal(check=Check.UNIT, why=f"{claim.unit} is no unit of the {kind_words(kind)}")
    else:
        usual = usual_limit(kind, claim.direction, record.age_days, version)
        if usual is None:
            return Refusal(
                check=Check.DIRECTION,
                why=f"it gives no limit for the {kind_words(kind)}, and there is none for this patient's age",
            )
        limit, band = usual
    if any(beyond(number, claim.direction, limit) for number in known):
        return None
    side = claim.direction.value.replace("-", " ")
    return Refusal(
        check=Check.DIRECTION,
        why=f"it says {kind_words(kind)} {side} {number_words(kind, limit)}{f' ({band})' if band else ''}; "
        f"it is {number_words(kind, known[0])}",
    )


def time(claim: Claim, fact: Fact, record: IntakeRecord) -> Refusal | None:
    """Whether it was observed when the claim says, and is the latest of its kind."""
    said = (claim.observed_at, claim.observed_after, claim.observed_before)
    if any(moment is not None for moment in said):
        if fact.observed_at is None:
            return Refusal(
                check=Check.TIME,
                why=f"it says when the {kind_words(fact.kind)} was observed; the record does not",
            )
        at = _aware(fact.observed_at)
        exactly = claim.observed_at is None or abs(_aware(claim.observed_at) - at) <= _SAME_INSTANT
        after = claim.observed_after is None or at > _aware(claim.observed_after)
        before = claim.observed_before is None or at < _aware(claim.observed_before)
        if not (exactly and after and before):
            return Refusal(
                check=Check.TIME,
                why=f"the {kind_words(fact.kind)} was observed at {at.isoformat(timespec='minutes')}, not when it says",
            )
    latest = record.first(fact.kind)
    if (
        fact.kind in MEASURED_ONCE
        and latest is not None
        and latest.id != fact.id
        and claim.observed_at is None
    ):
        return Refusal(
            check=Check.TIME,
            why=f"it cites an older {kind_words(fact.kind)} ({fact.text}); the latest is {latest.text}",
        )
    return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
