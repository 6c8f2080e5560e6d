"""A guideline statement: what it says, where it comes from, whom it is about and when it holds."""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data_schemas.acuity import AcuityLevel, EsiVersion
from data_schemas.intake import FactKind, IntakeRecord
from data_schemas.screening import DecisionPoint, RuleFinding, RuleTier, StatementRef
from triage.guidelines.ages import AgeBand
from triage.guidelines.condition import Condition
from triage.guidelines.truth import Span

_MAX_SHORT_WORDS = 12


class ResourceKind(StrEnum):
    """A type of ESI resource; two of one type count once (ESI v5, decision point C; v4, chapter 4)."""

    LABORATORY = "laboratory"
    ECG_RADIOGRAPH = "ECG or radiograph"
    ADVANCED_IMAGING = "CT, MRI, ultrasound or angiography"
    IV_FLUIDS = "IV fluids"
    PARENTERAL_DRUG = "IV, IM or nebulised drug"
    CONSULTATION = "specialty consultation"
    SIMPLE_PROCEDURE = "simple procedure"
    COMPLEX_PROCEDURE = "complex procedure"

    @property
    def weight(self) -> int:
        """How many resources it counts as: a complex procedure two, everything else one."""
        return 2 if self is ResourceKind.COMPLEX_PROCEDURE else 1


class Scope(BaseModel):
    """Whom a statement is about. An empty scope is everybody; what it names must be known to be so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: AgeBand | None = None
    sex: Literal["male", "female"] | None = None
    pregnancy: tuple[Literal["pregnant", "postpartum", "not-pregnant"], ...] = ()
    esi: tuple[EsiVersion, ...] = (EsiVersion.V4, EsiVersion.V5)

    @field_validator("esi", mode="before")
    @classmethod
    def _numbers_too(cls, value: Any) -> Any:
        return [str(item) for item in value] if isinstance(value, list) else value

    def refusal(self, record: IntakeRecord, version: EsiVersion) -> str | None:
        """Why the statement is not about this patient, or None where it is.

        What is unknown is not in scope, except a sex that is not recorded: a statement for one sex then still
        counts, because leaving it out would hide a risk.
        """
        if version not in self.esi:
            return f"it is not part of ESI v{version.value}"
        if self.age is not None:
            age = record.age_days
            if age is None:
                return f"it is about {self.age} and the age is not known"
            if not self.age.holds(age):
                return f"it is about {self.age}"
        if self.sex is not None and record.code(FactKind.SEX) in {"male", "female"} - {self.sex}:
            return f"it is about {self.sex} patients"
        if self.pregnancy and record.code(FactKind.PREGNANCY) not in self.pregnancy:
            return f"it is about patients who are {' or '.join(self.pregnancy)}"
        return None

    def excludes(self, record: IntakeRecord) -> bool:
        """Whether the patient is known to be somebody else: another age, sex, or not so pregnant.

        Other than ``refusal`` it leaves in what is not known: who looks something up should not miss it for that.
        """
        age, pregnancy = record.age_days, record.code(FactKind.PREGNANCY)
        return (
            (self.age is not None and age is not None and not self.age.holds(age))
            or (self.sex is not None and record.code(FactKind.SEX) in {"male", "female"} - {self.sex})
            or (bool(self.pregnancy) and pregnancy is not None and pregnancy not in self.pregnancy)
        )


class Examples(BaseModel):
    """Compact records on which a statement must and must not hold; see ``triage.guidelines.examples``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holds: tuple[dict[str, Any], ...] = Field(min_length=1)
    fails: tuple[dict[str, Any], ...] = Field(min_length=1)


class Statement(BaseModel):
    """One guideline statement with a condition that a machine can check.

    ``text`` is our own sentence, ``short`` its form for the model's prompt. ``escalates`` marks a consider
    statement on which the rules alone go to its level. ``resources`` are those a statement of decision point C
    expects the visit to need.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9]+(\.[a-z0-9-]+)+$")
    text: str = Field(min_length=10)
    short: str = Field(min_length=3)
    tier: RuleTier
    decision_point: DecisionPoint
    level: AcuityLevel
    scope: Scope = Scope()
    condition: Condition
    source: str = Field(min_length=5)
    examples: Examples
    escalates: bool = False
    resources: tuple[ResourceKind, ...] = ()

    @field_validator("short")
    @classmethod
    def _is_short(cls, value: str) -> str:
        if len(value.split()) > _MAX_SHORT_WORDS:
            raise ValueError(f"has {len(value.split())} words, at most {_MAX_SHORT_WORDS} are allowed")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.tier is RuleTier.DEMAND and self.decision_point not in {DecisionPoint.A, DecisionPoint.B}:
            raise ValueError("only decision points A and B may demand a level")
        if self.escalates and self.tier is not RuleTier.CONSIDER:
            raise ValueError("only a consider statement can escalate the rules' own level")
        if (self.decision_point is DecisionPoint.C) != (self.tier is RuleTier.INFORM):
            raise ValueError("statements of decision point C, and only they, inform")
        if self.resources and self.decision_point is not DecisionPoint.C:
            raise ValueError("resources belong to decision point C")
        if self.decision_point is DecisionPoint.C and self.level != 5 - min(2, self.resource_count):
            raise ValueError(f"{self.resource_count} resources mean level {5 - min(2, self.resource_count)}")
        return self

    @property
    def resource_count(self) -> int:
        """How many resources the statement expects."""
        return sum(kind.weight for kind in set(self.resources))

    @property
    def ref(self) -> StatementRef:
        """The statement as quoted in an assessment."""
        return StatementRef(id=self.id, text=self.text, source=self.source)


class Match(BaseModel):
    """A statement that is about this patient and whose condition holds, with the facts that make it hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    statement: Statement
    fact_ids: tuple[str, ...]
    explanation: str
    spans: tuple[Span, ...] = ()

    def finding(self, tier: RuleTier | None = None) -> RuleFinding:
        """The match as a finding of a screening; ``tier`` replaces the statement's own."""
        return RuleFinding(
            statement=self.statement.ref,
            tier=tier or self.statement.tier,
            decision_point=self.statement.decision_point,
            level=self.statement.level,
            fact_ids=self.fact_ids,
            explanation=self.explanation,
        )


class Support(BaseModel):
    """Whether cited facts support a statement, and why or why not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    why: str
