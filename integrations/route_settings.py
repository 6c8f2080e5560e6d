"""The routing table: which adapter answers for which scale, site and age."""

from typing import Self

from pydantic import Field, model_validator

from data_schemas import AcuityScale, IntakeRecord
from data_schemas._base import Frozen

DEFAULT_SLOT = "default"


class Route(Frozen):
    """One row. What is not given matches everybody; the first row that matches is taken.

    ``adapter``: what answers, and the name that ``triage model adapters switch --for`` changes it under: a loaded
    adapter, a shipped one, or a folder. ``age_from`` and ``age_below`` are in years; a patient whose age is not known
    matches no row with an age.
    """

    adapter: str = Field(min_length=1, max_length=200)
    scale: AcuityScale | None = None
    site: str | None = None
    age_from: int | None = Field(default=None, ge=0, le=130)
    age_below: int | None = Field(default=None, ge=1, le=130)

    @model_validator(mode="after")
    def _some_age(self) -> Self:
        if self.age_from is not None and self.age_below is not None and self.age_from >= self.age_below:
            raise ValueError("age_from must be below age_below")
        return self

    def matches(self, record: IntakeRecord, scale: AcuityScale, site: str | None) -> bool:
        """Whether this row is for this patient, asked on this scale at this site."""
        if self.scale not in (None, scale) or self.site not in (None, site):
            return False
        if self.age_from is None and self.age_below is None:
            return True
        age = record.age_years
        return (
            age is not None
            and (self.age_from is None or age >= self.age_from)
            and (self.age_below is None or age < self.age_below)
        )


def slot_of(routes: tuple[Route, ...], record: IntakeRecord, scale: AcuityScale, site: str | None) -> str:
    """The adapter of the first row that matches, or ``DEFAULT_SLOT`` for the configured one."""
    return next((row.adapter for row in routes if row.matches(record, scale, site)), DEFAULT_SLOT)
