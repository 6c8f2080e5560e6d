"""Findings: what is wrong with a record, by name, and how readings are judged against each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from data_schemas import DataQualityFinding, FactKind, FactSource, QualityIssue
from integrations.fhir._times import When

MAX_FINDINGS = 200

TOLERANCES: dict[FactKind, Decimal] = {
    FactKind.HEART_RATE: Decimal(30),
    FactKind.RESPIRATORY_RATE: Decimal(10),
    FactKind.OXYGEN_SATURATION: Decimal(8),
    FactKind.TEMPERATURE: Decimal("1.0"),
    FactKind.SYSTOLIC_BP: Decimal(40),
    FactKind.DIASTOLIC_BP: Decimal(30),
    FactKind.GLUCOSE: Decimal(54),
    FactKind.WEIGHT: Decimal(5),
}
"""How far two readings of one kind may lie apart within the contradiction window, in canonical units. This
project's own choice: beyond what a resting patient and a working device vary by in five minutes."""

MAX_COMPARED = 200
"""Most readings of one kind that are compared with each other; of a monitor's stream the latest."""

SIMULTANEOUS = timedelta(minutes=1)
"""Pain, AVPU, GCS and oxygen do change within minutes (a fit, a mask put on): for them only readings of the
same minute can contradict each other; of others the latest counts."""


@dataclass
class Findings:
    """Collects findings in the order met, each once."""

    _found: list[DataQualityFinding] = field(default_factory=list)
    _seen: set[tuple[object, ...]] = field(default_factory=set)
    _later: dict[tuple[FactKind, str], tuple[FactSource, int]] = field(default_factory=dict)

    def add(
        self,
        issue: QualityIssue,
        message: str,
        *,
        kind: FactKind | None = None,
        source: FactSource | None = None,
    ) -> None:
        """Name a defect. ``message``: what, where, what to do; no free text of the record, no name."""
        key = (issue, kind, message, source)
        if key in self._seen or len(self._found) > MAX_FINDINGS:
            return
        self._seen.add(key)
        if len(self._found) == MAX_FINDINGS:
            self._found.append(
                DataQualityFinding(
                    issue=QualityIssue.TRUNCATED,
                    message=f"More than {MAX_FINDINGS} defects; the rest is not listed. Look in the record.",
                )
            )
        else:
            self._found.append(DataQualityFinding(issue=issue, kind=kind, message=message, source=source))

    def left_out(self, kind: FactKind, why: str, source: FactSource) -> None:
        """Count something that was not known at triage; one finding for each kind and reason, at the first source."""
        first, count = self._later.get((kind, why), (source, 0))
        self._later[kind, why] = (first, count + 1)

    def all(self) -> tuple[DataQualityFinding, ...]:
        """Everything named so far."""
        later = (
            DataQualityFinding(
                issue=QualityIssue.LATER_STRIPPED,
                kind=kind,
                message=f"{kind.value}: {count} {why}; left out.",
                source=source,
            )
            for (kind, why), (source, count) in self._later.items()
        )
        return (*self._found, *later)


@dataclass(frozen=True)
class Reading:
    """One usable measurement before it becomes a fact: canonical value or code, and when."""

    kind: FactKind
    source: FactSource
    when: When | None
    value: Decimal | None = None
    code: str | None = None
    as_received: str | None = None


def settle(readings: Sequence[Reading], findings: Findings, window: timedelta) -> list[Reading]:
    """The readings that stand, latest first, once duplicates and contradictions are named and left out.

    Of contradicting readings none stands: to take one would be a guess. All are of one kind.
    """
    ordered = sorted(
        readings, key=lambda r: r.when.start.timestamp() if r.when else float("-inf"), reverse=True
    )
    distinct: list[Reading] = []
    if len(ordered) > MAX_COMPARED:
        ordered = ordered[:MAX_COMPARED]
        findings.add(
            QualityIssue.TRUNCATED,
            f"{ordered[0].kind.value}: more than {MAX_COMPARED} readings; only the latest are looked at.",
            kind=ordered[0].kind,
            source=ordered[0].source,
        )
    for reading in ordered:
        twin = next((r for r in distinct if _same(r, reading)), None)
        if twin is None:
            distinct.append(reading)
        else:
            findings.add(
                QualityIssue.DUPLICATE,
                f"{reading.kind.value}: the same reading is recorded twice; used once.",
                kind=reading.kind,
                source=reading.source,
            )
    against: set[int] = set()
    for i, later in enumerate(distinct):
        for j in range(i + 1, len(distinct)):
            earlier = distinct[j]
            if not _close(later, earlier, window):
                break
            if _contradicts(later, earlier):
                against |= {i, j}
                findings.add(
                    QualityIssue.CONTRADICTORY,
                    f"{later.kind.value}: {_shown(earlier)} and {_shown(later)} within "
                    f"{window_minutes(later.kind, window)} minutes; neither is used. "
                    "Check the patient and measure again.",
                    kind=later.kind,
                    source=later.source,
                )
    return [reading for i, reading in enumerate(distinct) if i not in against]


def window_minutes(kind: FactKind, window: timedelta) -> int:
    """How close in time two readings of a kind have to be to contradict each other."""
    return int((window if kind in TOLERANCES else min(window, SIMULTANEOUS)).total_seconds() // 60)


def _shown(reading: Reading) -> str:
    return reading.code or f"{reading.value:f}"


def _same(a: Reading, b: Reading) -> bool:
    return a.when == b.when and a.value == b.value and a.code == b.code


def _close(later: Reading, earlier: Reading, window: timedelta) -> bool:
    if later.when is None or earlier.when is None:
        return later.when is earlier.when
    limit = window if later.kind in TOLERANCES else min(window, SIMULTANEOUS)
    return later.when.start - earlier.when.start <= limit


def _contradicts(a: Reading, b: Reading) -> bool:
    if a.value is None or b.value is None:
        return a.code != b.code
    return abs(a.value - b.value) > TOLERANCES.get(a.kind, Decimal(0))
