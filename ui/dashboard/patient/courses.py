"""The values of a vital sign over time, and the limit that the patient's age sets. Pure.

Limits: the danger zone of the ESI handbook in use (decision point D), and hypotension by age (``triage.esi``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from data_schemas import VITAL_SIGNS, EsiVersion, Fact, FactKind, IntakeRecord, RuleTier, Screening
from triage.esi.vitals import danger_limit, hypotension_limit, vital_limits

SHOWN = (
    *VITAL_SIGNS,
    FactKind.PAIN,
    FactKind.AVPU,
    FactKind.GCS,
    FactKind.GLUCOSE,
    FactKind.OXYGEN_FLOW,
    FactKind.WEIGHT,
)
EXPECTED = frozenset({*VITAL_SIGNS, FactKind.PAIN, FactKind.AVPU})
"""Named as missing where they are not there; the others are shown only where they are."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A danger-zone limit: values strictly above (or below) ``value`` are beyond it. ``source`` names the table."""

    value: Decimal
    above: bool
    source: str
    band: str

    def beyond(self, value: Decimal) -> bool:
        """Whether a value is in the danger zone."""
        return value > self.value if self.above else value < self.value


@dataclass(frozen=True, slots=True)
class Course:
    """A vital sign: its latest fact, its numbers over time oldest first, and the limit for this age.

    ``limit`` is None where no table sets one; ``age_lacking`` says that one would need the age, which is not known.
    """

    kind: FactKind
    latest: Fact | None
    points: tuple[tuple[datetime, Decimal], ...]
    limit: Limit | None
    age_lacking: bool = False

    @property
    def beyond(self) -> bool:
        """Whether the latest value is in the danger zone."""
        fact = self.latest
        return (
            fact is not None
            and fact.value is not None
            and self.limit is not None
            and self.limit.beyond(fact.value)
        )


def courses(
    record: IntakeRecord, earlier: Iterable[IntakeRecord] = (), version: EsiVersion = EsiVersion.V5
) -> tuple[Course, ...]:
    """Every vital sign that is there or should be."""
    records = [*earlier, record]
    found = []
    for kind in SHOWN:
        latest = record.first(kind)
        if latest is None and kind not in EXPECTED:
            continue
        points = {
            (fact.observed_at, fact.value)
            for one in records
            for fact in one.all(kind)
            if fact.observed_at is not None and fact.value is not None
        }
        limit, lacking = limit_of(kind, record.age_days, version)
        found.append(Course(kind, latest, tuple(sorted(points)), limit, lacking))
    return tuple(found)


def limit_of(kind: FactKind, age_days: Decimal | None, version: EsiVersion) -> tuple[Limit | None, bool]:
    """The limit for this age, and whether an unknown age is why there is none."""
    tables = vital_limits()
    if kind is FactKind.OXYGEN_SATURATION:
        return Limit(tables.oxygen_saturation_below, False, tables.danger_zone_source[version], ""), False
    if kind not in {FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.SYSTOLIC_BP}:
        return None, False
    if age_days is None:
        return None, True
    if kind is FactKind.SYSTOLIC_BP:
        value, band = hypotension_limit(age_days)
        return Limit(value, False, tables.hypotension_source, band), False
    danger = danger_limit(kind, age_days, version)
    if danger is None:
        return None, False
    return Limit(danger[0], True, tables.danger_zone_source[version], danger[1]), False


def ruled(screening: Screening) -> dict[str, int]:
    """By fact, the most urgent level that a demand or consider rule asks for because of it."""
    found: dict[str, int] = {}
    for finding in screening.findings:
        if finding.tier is not RuleTier.INFORM:
            for fact_id in finding.fact_ids:
                found[fact_id] = min(finding.level, found.get(fact_id, finding.level))
    return found
