"""The ESI algorithm on an intake record: decision points A, B, C and D, as a pure function."""

from functools import lru_cache

from data_schemas.acuity import EsiVersion
from data_schemas.intake import IntakeRecord
from data_schemas.screening import DecisionPoint, ResourceEstimate, RuleTier, Screening
from triage.esi.resources import estimate_resources
from triage.guidelines import GuidelineLibrary, Match
from triage.scores import all_scores

_WORDS = {0: "no resource", 1: "one type of resource", 2: "two or more types of resources"}


def screen(
    record: IntakeRecord,
    version: EsiVersion = EsiVersion.V5,
    library: GuidelineLibrary | None = None,
) -> Screening:
    """Everything the rules say about ``record``, with the level of the rules alone. Pure; no record makes it raise.

    Demand statements set the level at A (1) or B (2). Else a consider statement marked as escalating, or the
    expected resources, give it. In v4 the danger zone (D) is judged only for patients who need two or more
    resources, in v5 for all (ESI v4, AHRQ 2012; v5, ENA 2023; algorithm). A missing vital sign never reassures.
    ``library`` must be of ``version``; without one the shipped statements are used.

    Raises:
        ValueError: ``library`` was loaded for another version.
    """
    library = library or _library(version)
    if library.version is not version:
        raise ValueError(
            f"the library holds ESI v{library.version.value}, but v{version.value} was asked for: "
            f"load it with GuidelineLibrary.load(EsiVersion.V{version.value})"
        )
    matches = sorted(library.applicable(record), key=_urgency)
    resources = estimate_resources(record, matches)
    level, point, rationale = _decide(matches, resources)
    return Screening(
        esi_version=version,
        findings=tuple(match.finding(_tier(match, version, resources)) for match in matches),
        scores=all_scores(record),
        resources=resources,
        level=level,
        decision_point=point,
        rationale=rationale,
    )


@lru_cache(maxsize=len(EsiVersion))
def _library(version: EsiVersion) -> GuidelineLibrary:
    return GuidelineLibrary.load(version)


def _urgency(match: Match) -> tuple[int, int, str]:
    tier = list(RuleTier).index(match.statement.tier)
    return tier, match.statement.level, match.statement.decision_point.value


def _tier(match: Match, version: EsiVersion, resources: ResourceEstimate) -> RuleTier:
    """A danger-zone finding only informs in v4 where fewer than two resources are expected."""
    statement = match.statement
    skipped = (
        version is EsiVersion.V4
        and statement.decision_point is DecisionPoint.D
        and not statement.escalates
        and resources.count < 2
    )
    return RuleTier.INFORM if skipped else statement.tier


def _decide(matches: list[Match], resources: ResourceEstimate) -> tuple[int, DecisionPoint, str]:
    demanded = [match for match in matches if match.statement.tier is RuleTier.DEMAND]
    escalated = [match for match in matches if match.statement.escalates]
    decisive = [*demanded, *escalated]
    if decisive:
        best = min(decisive, key=lambda match: match.statement.level)  # of equals a demand
        if best.statement.level < 5 - resources.count:
            return best.statement.level, best.statement.decision_point, _because(best)
    named = f" ({', '.join(resources.kinds)})" if resources.kinds else ""
    return (
        5 - resources.count,
        DecisionPoint.C,
        f"Decision point C: {_WORDS[resources.count]} expected{named}. {resources.source}.",
    )


def _because(match: Match) -> str:
    statement = match.statement
    return (
        f"Decision point {statement.decision_point.value}: {statement.short} "
        f"[{match.explanation}]. {statement.source}."
    )
