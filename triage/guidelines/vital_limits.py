"""Vital-sign limits that depend on age: the ESI danger zone of both handbooks, and hypotension."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from data_schemas.acuity import EsiVersion
from data_schemas.intake import FactKind
from triage.guidelines.ages import Age, AgeBand


class DangerBand(BaseModel):
    """The limits of one age band: a rate strictly above its limit (per minute) is in the danger zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: AgeBand
    heart_rate: Decimal
    respiratory_rate: Decimal


class HypotensionBand(BaseModel):
    """A systolic pressure strictly below ``below + per_year * age in years`` (mmHg) is hypotension."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: AgeBand
    below: Decimal
    per_year: Decimal = Decimal(0)


class VitalLimits(BaseModel):
    """Everything in ``tables/vital_limits.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    danger_zone: Mapping[EsiVersion, tuple[DangerBand, ...]]
    oxygen_saturation_below: Decimal
    hypotension: tuple[HypotensionBand, ...]
    danger_zone_source: Mapping[EsiVersion, str]
    hypotension_source: str


@lru_cache(maxsize=1)
def vital_limits() -> VitalLimits:
    """The shipped limits."""
    text = (files("triage.guidelines") / "tables" / "vital_limits.yaml").read_text("utf-8")
    return VitalLimits.model_validate(yaml.safe_load(text))


def danger_limit(kind: FactKind, age_days: Decimal, version: EsiVersion) -> tuple[Decimal, str] | None:
    """The danger-zone limit of ``kind`` at this age, with the age band in words; None where none is set.

    A heart or respiratory rate is dangerous strictly above it, an oxygen saturation strictly below it.
    """
    limits = vital_limits()
    if kind is FactKind.OXYGEN_SATURATION:
        return limits.oxygen_saturation_below, "any age"
    for band in limits.danger_zone[version]:
        if band.age.holds(age_days):
            if kind is FactKind.HEART_RATE:
                return band.heart_rate, str(band.age)
            if kind is FactKind.RESPIRATORY_RATE:
                return band.respiratory_rate, str(band.age)
    return None


def hypotension_limit(age_days: Decimal) -> tuple[Decimal, str]:
    """The systolic pressure (mmHg) below which a patient of this age is hypotensive, with the band in words."""
    years = age_days / Age.days_in("a")
    for band in vital_limits().hypotension:
        if band.age.holds(age_days):
            return band.below + band.per_year * int(years), str(band.age)
    raise ValueError(f"tables/vital_limits.yaml has no hypotension band for {age_days} days")
