"""Ages as guidelines write them: "28 d", "3 mo", "65 a", in half-open bands."""

import re
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from data_schemas.intake import AGE_UNITS_IN_DAYS

_AGE = re.compile(r"^(\d+(?:\.\d+)?) (d|wk|mo|a)$")
_WORDS = {"d": "days", "wk": "weeks", "mo": "months", "a": "years"}


class Age(BaseModel):
    """An age with its unit: d, wk, mo or a (UCUM)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Decimal
    unit: str

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, data: Any) -> Any:
        if not isinstance(data, str):
            return data
        found = _AGE.match(data)
        if found is None:
            raise ValueError(f"an age is written like '28 d', '3 mo' or '65 a', not {data!r}")
        return {"value": Decimal(found.group(1)), "unit": found.group(2)}

    @property
    def days(self) -> Decimal:
        """The age in days."""
        return self.value * AGE_UNITS_IN_DAYS[self.unit]

    @staticmethod
    def days_in(unit: str) -> Decimal:
        """How many days one ``unit`` has."""
        return AGE_UNITS_IN_DAYS[unit]

    def __str__(self) -> str:
        return f"{self.value.normalize():f} {_WORDS[self.unit]}"


class AgeBand(BaseModel):
    """Ages from ``min`` (included) to ``max`` (excluded); either may be open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Age | None = None
    max: Age | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "AgeBand":
        if self.min is not None and self.max is not None and self.min.days >= self.max.days:
            raise ValueError(f"an age band must not be empty: {self.min} to {self.max}")
        return self

    def holds(self, age_days: Decimal) -> bool:
        """Whether an age in days lies in the band."""
        return not (
            (self.min is not None and age_days < self.min.days)
            or (self.max is not None and age_days >= self.max.days)
        )

    def __str__(self) -> str:
        if self.min is not None and self.max is not None:
            return f"{self.min} to under {self.max}"
        if self.min is not None:
            return f"{self.min} and over"
        return f"under {self.max}" if self.max is not None else "any age"
