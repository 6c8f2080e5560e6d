"""Units as claims write them, brought to the canonical one of the kind: UCUM codes and what people write instead."""

from decimal import Decimal

from data_schemas import AGE_UNITS_IN_DAYS, CANONICAL_UNITS, FactKind

_ONE = (Decimal(0), Decimal(1), Decimal(1))
Affine = tuple[Decimal, Decimal, Decimal]
"""Offset subtracted first, multiplied by, divided by."""

_MMOL = (Decimal(0), Decimal("18.0156"), Decimal(1))  # molar mass of glucose 180.156 g/mol
_POUND = (Decimal(0), Decimal("0.45359237"), Decimal(1))
_FAHRENHEIT = (Decimal(32), Decimal(5), Decimal(9))
_KPA = (Decimal(0), Decimal(1000), Decimal("133.322387415"))

_KNOWN: dict[str, dict[str, Affine]] = {
    "/min": dict.fromkeys(
        ("/min", "1/min", "{beats}/min", "{breaths}/min", "bpm", "beats/min", "breaths/min", "per minute"),
        _ONE,
    ),
    "mm[Hg]": {"mm[hg]": _ONE, "mmhg": _ONE, "mm hg": _ONE, "kpa": _KPA},
    "%": {"%": _ONE, "percent": _ONE},
    "Cel": {
        **dict.fromkeys(("cel", "c", "°c", "celsius", "centigrade"), _ONE),
        **dict.fromkeys(("[degf]", "f", "°f", "fahrenheit"), _FAHRENHEIT),
        "k": (Decimal("273.15"), Decimal(1), Decimal(1)),
    },
    "kg": {
        **dict.fromkeys(("kg", "kilo", "kilos", "kilogram", "kilograms"), _ONE),
        **dict.fromkeys(("[lb_av]", "lb", "lbs", "pound", "pounds"), _POUND),
        "g": (Decimal(0), Decimal(1), Decimal(1000)),
    },
    "L/min": {"l/min": _ONE},
    "mg/dL": {"mg/dl": _ONE, "mmol/l": _MMOL},
}
_SCORES: dict[FactKind, frozenset[str]] = {
    FactKind.PAIN: frozenset({"{score}", "1", "/10", "of 10", "out of 10"}),
    FactKind.GCS: frozenset({"{score}", "1", "/15", "of 15", "out of 15"}),
}
_AGES = {
    **{unit: unit for unit in AGE_UNITS_IN_DAYS},
    **dict.fromkeys(("y", "yr", "year", "years", "yo"), "a"),
    **dict.fromkeys(("month", "months"), "mo"),
    **dict.fromkeys(("w", "week", "weeks"), "wk"),
    **dict.fromkeys(("day", "days"), "d"),
}


def age_unit(unit: str | None) -> str | None:
    """The canonical unit of an age (d, wk, mo, a); None where it is none."""
    return None if unit is None else _AGES.get(unit.strip().lower())


def affine(kind: FactKind, unit: str) -> Affine | None:
    """How a value in ``unit`` becomes one in the canonical unit of ``kind``; None where it does not measure it.

    An age is not converted here: see ``age_unit``.
    """
    canonical = CANONICAL_UNITS.get(kind)
    if canonical is None:
        return None
    written = " ".join(unit.split())
    if written == canonical:
        return _ONE
    if canonical == "{score}":
        return _ONE if written.lower() in _SCORES.get(kind, frozenset({"{score}", "1"})) else None
    return _KNOWN[canonical].get(written.lower())


def other_units(kind: FactKind, unit: str) -> tuple[str, ...]:
    """One unit of each other meaning that a number of ``kind`` may have been in, the canonical one among them."""
    canonical, own = CANONICAL_UNITS.get(kind, ""), affine(kind, unit)
    meanings = {found: name for name, found in _KNOWN.get(canonical, {}).items() if found != own}
    return tuple(meanings.values())


def to_canonical(kind: FactKind, value: Decimal, unit: str | None) -> Decimal | None:
    """``value`` in the canonical unit of ``kind``, None where ``unit`` does not measure it. No unit: as it stands."""
    if unit is None:
        return value
    found = affine(kind, unit)
    if found is None:
        return None
    offset, factor, divisor = found
    return (value - offset) * factor / divisor


def precision(kind: FactKind, value: Decimal, unit: str | None) -> Decimal:
    """How far a value in the record may lie from ``value``, as rounded as that is written, in the canonical unit.

    Half of the last place written. A temperature counts as written to a tenth, since 37.6 is not 38; a converted one
    may be off by another half tenth, as readers convert to one decimal.
    """
    exponent = value.as_tuple().exponent
    half = Decimal(5).scaleb(min(0, exponent if isinstance(exponent, int) else 0) - 1)
    if kind is FactKind.TEMPERATURE:
        half = min(half, Decimal("0.05"))
    found = affine(kind, unit) if unit is not None else _ONE
    if found is None or found == _ONE:
        return half
    return half * found[1] / found[2] + Decimal("0.05")
