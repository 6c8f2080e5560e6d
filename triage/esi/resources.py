"""How many types of resources a visit is expected to need (ESI decision point C)."""

from collections.abc import Iterable

from data_schemas.intake import FactKind, IntakeRecord
from data_schemas.screening import DecisionPoint, ResourceEstimate
from triage.guidelines import Match, ResourceKind

_SOURCE = "ESI v5 (ENA 2023), decision point C; ESI v4 (AHRQ 2012), chapter 4"
_COMPLAINT_KINDS = frozenset({FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE, FactKind.INJURY})
_MOST = 2


def estimate_resources(record: IntakeRecord, matches: Iterable[Match]) -> ResourceEstimate:
    """The expected resources from the statements of decision point C that hold.

    Types are counted once, a complex procedure as two. A complaint that no statement knows counts as two or
    more with no kind named: not knowing what a patient needs is no reason to expect that they need little.
    """
    needed = [match for match in matches if match.statement.decision_point is DecisionPoint.C]
    kinds: set[ResourceKind] = {kind for match in needed for kind in match.statement.resources}
    facts = tuple(dict.fromkeys(fact for match in needed for fact in match.fact_ids))
    about = {fact.kind for fact in record.facts if fact.id in facts}
    count = min(_MOST, sum(kind.weight for kind in kinds))
    if not about & _COMPLAINT_KINDS:
        return ResourceEstimate(
            count=_MOST,
            kinds=tuple(kind.value for kind in ResourceKind if kind in kinds),
            fact_ids=facts,
            source=f"{_SOURCE}; no statement knows this complaint, so two or more are assumed",
        )
    return ResourceEstimate(
        count=count,
        kinds=tuple(kind.value for kind in ResourceKind if kind in kinds),
        fact_ids=facts,
        source=_SOURCE,
    )
