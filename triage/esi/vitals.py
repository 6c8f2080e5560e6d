"""Danger-zone vital signs by age band, for both handbooks (the tables are data in ``triage.guidelines``)."""

from decimal import Decimal

from data_schemas.acuity import EsiVersion
from data_schemas.intake import FactKind
from triage.guidelines.vital_limits import danger_limit, hypotension_limit, vital_limits

__all__ = ["danger_limit", "hypotension_limit", "in_danger_zone", "vital_limits"]


def in_danger_zone(
    kind: FactKind, value: Decimal | None, age_days: Decimal | None, version: EsiVersion = EsiVersion.V5
) -> bool | None:
    """Whether a vital sign lies in the danger zone (ESI v4 and v5, decision point D).

    Heart and respiratory rate per minute, strictly above the limit of the age; oxygen saturation in per cent,
    strictly below 92 at any age. None where the value, or an age that the limit needs, is not known.
    """
    if value is None or (age_days is None and kind is not FactKind.OXYGEN_SATURATION):
        return None
    found = danger_limit(kind, age_days or Decimal(0), version)
    if found is None:
        return None
    return value < found[0] if kind is FactKind.OXYGEN_SATURATION else value > found[0]
