"""What the rules say about an intake record, before any model is asked."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel, EsiVersion
from data_schemas.intake import FactKind


class RuleTier(StrEnum):
    """How far a rule may go.

    ``demand`` sets a floor under the suggestion. ``consider`` adds its level to the prediction set and asks
    the clinician; it never moves the level alone. ``inform`` is shown as evidence only.
    """

    DEMAND = "demand"
    CONSIDER = "consider"
    INFORM = "inform"


class DecisionPoint(StrEnum):
    """The step of the ESI algorithm a rule belongs to."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class StatementRef(Frozen):
    """A guideline statement as quoted in an assessment: our wording, with the source of the fact."""

    id: str
    text: str
    source: str


class RuleFinding(Frozen):
    """One rule that holds for this record, with the facts that make it hold."""

    statement: StatementRef
    tier: RuleTier
    decision_point: DecisionPoint
    level: AcuityLevel
    fact_ids: tuple[str, ...]
    explanation: str
    """The values behind it, in words: "heart rate 128 /min, above 100 (12 years and over)"."""


class ScorePart(Frozen):
    """What one parameter contributed to a score."""

    kind: FactKind
    points: int
    fact_ids: tuple[str, ...]


class ScoreResult(Frozen):
    """A clinical score.

    ``value`` is None where the score does not apply or nothing could be computed; where inputs are missing,
    ``value`` is the least it can be, ``complete`` is False and ``missing`` names them: never read as normal.
    """

    name: str
    applicable: bool
    why_not: str | None = None
    value: Decimal | None = None
    complete: bool = False
    missing: tuple[FactKind, ...] = ()
    parts: tuple[ScorePart, ...] = ()
    band: str | None = None
    source: str


class ResourceEstimate(Frozen):
    """How many different types of ESI resources the visit is expected to need (2 means two or more)."""

    count: int = Field(ge=0, le=2)
    kinds: tuple[str, ...] = ()
    fact_ids: tuple[str, ...] = ()
    source: str


class Screening(Frozen):
    """Everything the rules found. Pure function of an ``IntakeRecord`` and the ESI version."""

    esi_version: EsiVersion
    findings: tuple[RuleFinding, ...]
    scores: tuple[ScoreResult, ...]
    resources: ResourceEstimate
    level: AcuityLevel
    """The level of the rules alone, by the ESI algorithm."""
    decision_point: DecisionPoint
    """Where the algorithm stopped."""
    rationale: str
    """One sentence: the decision point, why, and the table or chapter."""

    @property
    def floor(self) -> int | None:
        """The least urgent level the demand rules allow, or None where none holds."""
        levels = [f.level for f in self.findings if f.tier is RuleTier.DEMAND]
        return min(levels) if levels else None

    @property
    def considered(self) -> tuple[int, ...]:
        """Levels that consider rules put into the prediction set, most urgent first."""
        return tuple(sorted({f.level for f in self.findings if f.tier is RuleTier.CONSIDER}))
