"""What the model answered, and the assessment that is shown to the clinician."""

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityLevel, AcuityScale
from data_schemas.claim import Check, Claim
from data_schemas.intake import FactKind
from data_schemas.screening import DecisionPoint, Screening, StatementRef
from data_schemas.second_look import SecondLook


class LevelProbabilities(Frozen):
    """Probabilities of levels 1 to 5, in that order; they sum to 1 within 1e-6."""

    p: tuple[float, float, float, float, float]

    @model_validator(mode="after")
    def _is_distribution(self) -> Self:
        if any(not 0.0 <= value <= 1.0 for value in self.p) or abs(sum(self.p) - 1.0) > 1e-6:
            raise ValueError(f"level probabilities must lie in [0, 1] and sum to 1, got {self.p}")
        return self

    def of(self, level: int) -> float:
        """The probability of ``level`` (1 to 5)."""
        return self.p[level - 1]

    @property
    def most_likely(self) -> int:
        """The level with the greatest probability; the more urgent one of equals."""
        return max(range(1, 6), key=lambda level: (self.p[level - 1], -level))


class DecisionPath(Frozen):
    """The ESI decision points as the model answered them."""

    life_saving: bool = Field(description="A: needs an immediate life-saving intervention")
    high_risk: bool = Field(description="B: high risk, altered mentation, severe pain or distress")
    resources: int = Field(ge=0, le=2, description="C: types of resources, 2 means two or more")
    danger_zone: bool = Field(description="D: a vital sign in the danger zone")


class ModelIdentity(Frozen):
    """What answered: enough to ask the same model the same question again."""

    engine: str
    model: str
    weights_sha256: str
    adapter: str | None = None
    adapter_sha256: str | None = None
    prompt_version: str
    calibration: str | None = None


class Citation(Frozen):
    """One piece of evidence the model pointed at: a fact of the record or a guideline statement."""

    fact_id: str | None = None
    statement_id: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.fact_id is None) == (self.statement_id is None):
            raise ValueError("a citation names either a fact or a statement")
        return self


class ModelAnswer(Frozen):
    """The model's answer, parsed. ``probabilities`` come from the logits at the level, before calibration.

    ``claims`` are what a model that says more than bare citations asserts of the record.
    """

    level: AcuityLevel
    probabilities: LevelProbabilities
    path: DecisionPath
    citations: tuple[Citation, ...]
    # Left out where there are none: answers stored before there were claims keep their digest.
    claims: tuple[Claim, ...] = Field(default=(), exclude_if=lambda claims: not claims)
    identity: ModelIdentity
    prompt_tokens: int
    answer_tokens: int
    seconds: float


class ReasonOrigin(StrEnum):
    """Who gave a reason."""

    MODEL = "model"
    RULES = "rules"


class Reason(Frozen):
    """One sentence of evidence: facts, the statement they support, and what it argues for.

    ``struck`` says why the verifier refused it; a struck reason is counted and shown as refused, never as evidence.
    ``struck_by`` is the check that it failed. ``claims`` is what it asserts of the facts, where more than that they
    are there. The two are left out of the JSON where they say nothing, so that what was stored before they existed
    keeps its digest.
    """

    origin: ReasonOrigin
    text: str
    fact_ids: tuple[str, ...]
    statement: StatementRef | None = None
    level: AcuityLevel | None = None
    struck: str | None = None
    struck_by: Check | None = Field(default=None, exclude_if=lambda check: check is None)
    claims: tuple[Claim, ...] = Field(default=(), exclude_if=lambda claims: not claims)

    def argues_for(self, screening: Screening) -> int | None:
        """The level that this reason argues for; None where it argues for none.

        A struck reason and an observation that no statement took up argue for nothing. Statements about resources
        (decision point C) argue together: two that expect one type each mean level 3, neither alone means level 4,
        and one that expects none says nothing beside one that expects some.
        """
        if self.struck is not None or self.statement is None:
            return None
        counted = {f.statement.id for f in screening.findings if f.decision_point is DecisionPoint.C}
        if self.statement.id not in counted:
            return self.level
        together = 5 - screening.resources.count
        return None if self.level == 5 and together < 5 else together


class AssessmentMode(StrEnum):
    """Whether the model took part."""

    MODEL = "model"
    RULES_ONLY = "rules-only"


class Flag(Frozen):
    """Something the clinician must look at. ``code`` is stable, ``message`` is for people."""

    code: str
    message: str


class TriageAssessment(Frozen):
    """The suggestion of one run of the agent. A clinician decides; this never does.

    ``level`` is the suggestion after the rules had their say. ``set_most_urgent`` to ``set_least_urgent`` is the
    prediction set. ``model_level`` is the model's, before any rule moved it; None in rules-only mode. ``probabilities``
    are the model's too: calibrated as ``identity.calibration`` says, before the floor.
    """

    id: str
    scale: AcuityScale
    mode: AssessmentMode
    mode_reason: str | None = None
    level: AcuityLevel
    model_level: AcuityLevel | None
    floor: AcuityLevel | None
    floor_statement_ids: tuple[str, ...] = ()
    probabilities: LevelProbabilities | None
    set_most_urgent: AcuityLevel
    set_least_urgent: AcuityLevel
    path: DecisionPath | None
    reasons: tuple[Reason, ...]
    flags: tuple[Flag, ...]
    needs_human: tuple[str, ...]
    """Why a clinician has to look closely; every suggestion needs a decision, these need a deliberate one."""
    ask_for: tuple[FactKind, ...] = Field(default=(), exclude_if=lambda kinds: not kinds)
    """What is not known and could make the suggestion more urgent. Left out of the JSON where empty."""
    screening: Screening
    identity: ModelIdentity | None
    created_at: datetime
    seconds: dict[str, float] = Field(default_factory=dict)
    # Left out where there was no doubt: assessments stored before there were second looks keep their digest.
    second_look: SecondLook | None = Field(default=None, exclude_if=lambda look: look is None)

    @property
    def raised_by(self) -> tuple[str, ...]:
        """The statements for which the suggestion is more urgent than the model's level; empty where it is not."""
        if self.model_level is None or self.model_level <= self.level:
            return ()
        if self.level == self.floor:
            return self.floor_statement_ids
        moved = (
            f for f in self.screening.findings if f.level <= self.level or f.decision_point is DecisionPoint.C
        )
        return tuple(dict.fromkeys(f.statement.id for f in moved))

    @property
    def raised_words(self) -> str:
        """What raised the suggestion above the model's level, for a sentence; empty where nothing did.

        No statement did where the rules assume two resources for a complaint that they do not know.
        """
        if self.model_level is None or self.model_level <= self.level:
            return ""
        return ", ".join(self.raised_by) or "the rules, which assume two or more resources"

    @property
    def evidence(self) -> tuple[Reason, ...]:
        """The checked reasons that argue for the suggested level."""
        return tuple(r for r in self.reasons if r.argues_for(self.screening) == self.level)

    @property
    def other_levels(self) -> tuple[Reason, ...]:
        """The checked reasons that argue for another level than the suggested one."""
        return tuple(r for r in self.reasons if r.argues_for(self.screening) not in {None, self.level})

    @property
    def observations(self) -> tuple[Reason, ...]:
        """What was looked at and is evidence for no level: facts that no checked statement took up, most of all."""
        return tuple(r for r in self.reasons if r.struck is None and r.argues_for(self.screening) is None)

    @property
    def struck_counts(self) -> dict[str, int]:
        """How many reasons were refused, by the check they failed (``unnamed`` for old assessments), most first."""
        counts = Counter(
            "unnamed" if r.struck_by is None else r.struck_by.value
            for r in self.reasons
            if r.struck is not None
        )
        return dict(counts.most_common())

    @model_validator(mode="after")
    def _set_holds_level(self) -> Self:
        if not self.set_most_urgent <= self.level <= self.set_least_urgent:
            raise ValueError("the suggested level must lie in its own prediction set")
        if self.floor is not None and self.level > self.floor:
            raise ValueError("the suggestion may not be less urgent than the safety floor")
        if (self.mode is AssessmentMode.MODEL) != (self.probabilities is not None):
            raise ValueError("probabilities exist exactly when the model took part")
        return self
