"""A claim: one assertion about the record, structured so that each part of it can be checked apart."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from data_schemas._base import Frozen
from data_schemas.acuity import AcuityScale, EsiVersion
from data_schemas.intake import FactKind, FactSource


class Direction(StrEnum):
    """Where a measurement is said to lie. ``normal`` needs a measurement: a missing one is never normal."""

    ABOVE = "above"
    AT_OR_ABOVE = "at-or-above"
    BELOW = "below"
    AT_OR_BELOW = "at-or-below"
    NORMAL = "normal"


class Check(StrEnum):
    """What a claim is checked for, and the kind of strike where it fails."""

    EXISTENCE = "existence"
    """The fact or statement is not there; a vital sign that was not recorded is called anything, normal most of all."""
    PATIENT = "another-patient"
    FACT = "wrong-fact"
    VALUE = "value"
    UNIT = "unit"
    DIRECTION = "direction"
    NEGATION = "negation"
    TIME = "time"
    AGE = "age-scope"
    PREGNANCY = "pregnancy-scope"
    SCALE = "scale-scope"
    SUPPORT = "not-supported"
    """The facts are as claimed, but they do not make the statement's condition hold."""


class Claim(Frozen):
    """What is asserted of one fact. None claims nothing; what is claimed is checked.

    ``value`` is in ``unit`` (a UCUM code or a common spelling; the kind's canonical one where None), and so is
    ``limit``, which ``direction`` is measured against; without a limit that of the patient's age is meant. ``finding``
    is a symptom, disease or treatment in words and ``present`` whether the fact affirms or denies it. ``source`` is the
    element the fact is said to come from, ``encounter_key`` the visit. ``statement_id`` is the guideline statement that
    the fact, with ``with_facts``, is said to support. ``text`` is the sentence as written: its numbers, units,
    directions, denials, times and persons are claims too.
    """

    fact_id: str | None = None
    with_facts: tuple[str, ...] = ()
    kind: FactKind | None = None
    value: Decimal | None = None
    unit: str | None = None
    code: str | None = None
    direction: Direction | None = None
    limit: Decimal | None = None
    finding: str | None = Field(default=None, min_length=1)
    present: bool | None = None
    observed_at: datetime | None = None
    observed_after: datetime | None = None
    observed_before: datetime | None = None
    encounter_key: str | None = None
    source: FactSource | None = None
    statement_id: str | None = None
    scale: AcuityScale | None = None
    esi_version: EsiVersion | None = None
    text: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (
            self.fact_id is None
            and self.statement_id is None
            and self.text is None
            and (self.kind is None or self.direction is not Direction.NORMAL)
        ):
            raise ValueError(
                "a claim names a fact, a statement or a kind said to be normal, or is a sentence; this one does none"
            )
        if self.limit is not None and self.direction is None:
            raise ValueError("a limit needs a direction: above or below it")
        if (self.finding is None) != (self.present is None):
            raise ValueError("a finding is said to be present or not: give both or neither")
        return self

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """Every fact cited, the one the claim is about first, each once."""
        own = () if self.fact_id is None else (self.fact_id,)
        return tuple(dict.fromkeys((*own, *self.with_facts)))


class Refusal(Frozen):
    """One check that a claim failed, and why in a clinician's words."""

    check: Check
    why: str


class Verdict(Frozen):
    """The outcome of all checks of one claim: it stands only where none refused it."""

    claim: Claim
    refusals: tuple[Refusal, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether every check passed."""
        return not self.refusals

    @property
    def struck_by(self) -> Check | None:
        """The check that counts: the first in the order of ``Check`` that failed, or None."""
        return min((r.check for r in self.refusals), key=list(Check).index, default=None)

    @property
    def why(self) -> str | None:
        """Why it was struck, the check that counts first; None where it stands."""
        ordered = sorted(self.refusals, key=lambda r: list(Check).index(r.check))
        return "; ".join(dict.fromkeys(r.why for r in ordered)) or None
