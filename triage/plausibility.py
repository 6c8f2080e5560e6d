"""Values that no living patient, and no working device, can have: typing errors, lost decimals, wrong units.

The limits are wide on purpose. A value inside them may be alarming and must reach the rules; only what cannot
be a measurement of a person is kept out, and then by name, never silently.

A pulse, breathing rate or pressure of 0 is kept: it is what is recorded in cardiac arrest.
"""

from decimal import Decimal

from data_schemas.intake import CANONICAL_UNITS, FactKind

LIMITS: dict[FactKind, tuple[Decimal, Decimal]] = {
    FactKind.HEART_RATE: (Decimal(0), Decimal(350)),
    FactKind.RESPIRATORY_RATE: (Decimal(0), Decimal(150)),
    FactKind.OXYGEN_SATURATION: (Decimal(0), Decimal(100)),
    FactKind.OXYGEN_FLOW: (Decimal(0), Decimal(100)),
    FactKind.INSPIRED_OXYGEN: (Decimal(15), Decimal(100)),
    FactKind.TEMPERATURE: (Decimal(10), Decimal(47)),
    FactKind.SYSTOLIC_BP: (Decimal(0), Decimal(350)),
    FactKind.DIASTOLIC_BP: (Decimal(0), Decimal(300)),
    FactKind.PAIN: (Decimal(0), Decimal(10)),
    FactKind.GCS: (Decimal(3), Decimal(15)),
    FactKind.GCS_EYE: (Decimal(1), Decimal(4)),
    FactKind.GCS_VERBAL: (Decimal(1), Decimal(5)),
    FactKind.GCS_MOTOR: (Decimal(1), Decimal(6)),
    FactKind.GLUCOSE: (Decimal(0), Decimal(3000)),
    FactKind.WEIGHT: (Decimal("0.2"), Decimal(650)),
}
"""Closed intervals in the units of ``CANONICAL_UNITS``. The scores are bounded by their definition; the other
limits are this project's own and lie beyond what devices display, so that no true extreme is thrown away."""

MAX_AGE_YEARS = Decimal(125)
"""Just above the longest documented life (122 years)."""


def implausible(kind: FactKind, value: Decimal) -> str | None:
    """Why ``value``, in the kind's canonical unit, cannot be a measurement; None where it can.

    The words name the kind and its limits, never the patient. Ages are checked by ``implausible_age``.
    """
    limits = LIMITS.get(kind)
    if limits is None:
        return None
    low, high = limits
    if value.is_finite() and low <= value <= high:
        return None
    return f"{kind.value} of {value} {CANONICAL_UNITS[kind]} is outside {low} to {high}; measure again"


def implausible_age(years: Decimal) -> str | None:
    """Why ``years`` cannot be an age; None where it can."""
    if years.is_finite() and 0 <= years <= MAX_AGE_YEARS:
        return None
    return f"age of {years} years is outside 0 to {MAX_AGE_YEARS}; check the date of birth"


def contradictory_pressures(systolic: Decimal, diastolic: Decimal) -> str | None:
    """Why the two pressures cannot belong together; None where they can (0/0 is no measurable pressure)."""
    if diastolic < systolic or systolic == diastolic == 0:
        return None
    return f"diastolic pressure {diastolic} is not below systolic {systolic} mm[Hg]; measure again"
