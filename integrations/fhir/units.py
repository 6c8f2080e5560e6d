"""From the unit received to the canonical one, by UCUM code only.

The common codes go through exact decimal factors, so that 100.4 [degF] is 38.0 Cel and not 37.99999. Every other
code goes through ``ucumvert`` (UCUM on pint), whose registry takes most of a second to build: it is built on
first need and each factor is kept. A test holds the table to the library.
"""

from decimal import Decimal
from functools import cache
from threading import Lock
from typing import Any

from data_schemas import CANONICAL_UNITS, FactKind

GLUCOSE_MG_PER_MMOL = Decimal("18.0156")
"""Molar mass of glucose 180.156 g/mol, in mg/dL per mmol/L."""

ONE, ZERO = Decimal(1), Decimal(0)
Affine = tuple[Decimal, Decimal, Decimal]
"""(offset subtracted first, multiplied by, divided by): the division last keeps 5/9 exact where it can be."""

_RATE: dict[str, Affine] = {
    "/min": (ZERO, ONE, ONE),
    "1/min": (ZERO, ONE, ONE),
    "/s": (ZERO, Decimal(60), ONE),
}
_PRESSURE: dict[str, Affine] = {
    "mm[Hg]": (ZERO, ONE, ONE),
    "kPa": (ZERO, Decimal(1000), Decimal("133.322387415")),
}
_FRACTION: dict[str, Affine] = {"%": (ZERO, ONE, ONE), "1": (ZERO, Decimal(100), ONE)}

EXACT: dict[str, dict[str, Affine]] = {
    "/min": _RATE,
    "mm[Hg]": _PRESSURE,
    "%": _FRACTION,
    "Cel": {
        "Cel": (ZERO, ONE, ONE),
        "[degF]": (Decimal(32), Decimal(5), Decimal(9)),
        "K": (Decimal("273.15"), ONE, ONE),
    },
    "kg": {
        "kg": (ZERO, ONE, ONE),
        "g": (ZERO, ONE, Decimal(1000)),
        "[lb_av]": (ZERO, Decimal("0.45359237"), ONE),
        "[oz_av]": (ZERO, Decimal("0.45359237"), Decimal(16)),
    },
    "L/min": {
        "L/min": (ZERO, ONE, ONE),
        "l/min": (ZERO, ONE, ONE),
        "mL/min": (ZERO, ONE, Decimal(1000)),
    },
    "mg/dL": {
        "mg/dL": (ZERO, ONE, ONE),
        "mg/dl": (ZERO, ONE, ONE),
        "mmol/L": (ZERO, GLUCOSE_MG_PER_MMOL, ONE),
        "mmol/l": (ZERO, GLUCOSE_MG_PER_MMOL, ONE),
    },
    "{score}": {"{score}": (ZERO, ONE, ONE), "1": (ZERO, ONE, ONE)},
}
"""Canonical unit -> UCUM code -> how to get there."""

DECIMALS: dict[str, int] = {"Cel": 2, "kg": 3, "L/min": 3}
"""Decimals kept of a converted value; 1 elsewhere. A value already in its canonical unit keeps its own."""

_MAX_CODE = 40
_LIMIT = Decimal("1e9")
_lock = Lock()


class UnknownUnitError(ValueError):
    """The code is no UCUM code, or it does not measure this kind of thing."""


def to_canonical(kind: FactKind, value: Decimal, ucum: str) -> Decimal:
    """``value`` in ``CANONICAL_UNITS[kind]``, from the UCUM code ``ucum``.

    Exact where the code is in ``EXACT``; rounded to ``DECIMALS`` only where a conversion took place.

    Raises:
        UnknownUnitError: ``ucum`` is not a UCUM code or has another dimension.
        OverflowError: the number is beyond any measurement.
    """
    if not value.is_finite() or abs(value) > _LIMIT:
        raise OverflowError("the number is beyond any measurement")
    target = CANONICAL_UNITS[kind]
    bare = _without_annotation(ucum) if target != "{score}" else ucum
    known = EXACT[target].get(bare)
    if known is None:
        if target == "{score}" and ucum.startswith("{") and ucum.endswith("}"):
            return value  # UCUM 6: an annotation alone is the unit one
        known = _affine(bare, target)
    offset, factor, divisor = known
    if offset == ZERO and factor == ONE and divisor == ONE:
        return value
    converted = (value - offset) * factor / divisor
    return round(converted, DECIMALS.get(target, 1))


def _without_annotation(code: str) -> str:
    """``{beats}/min`` means ``/min`` (UCUM 6: annotations do not change the meaning)."""
    if "{" not in code:
        return code
    head, _, rest = code.partition("{")
    _, closed, tail = rest.partition("}")
    return head + tail if closed and "{" not in tail else code


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry  # noqa: PLC0415  0.7 s and 30 MB: only where a rare unit needs it

    return PintUcumRegistry()


@cache
def _affine(code: str, target: str) -> Affine:
    """The factors from ``code`` to ``target``, found by converting 0 and 1 with the library.

    Raises:
        UnknownUnitError: not UCUM, or another dimension.
    """
    if not code or len(code) > _MAX_CODE:
        raise UnknownUnitError(code[:_MAX_CODE])
    with _lock:
        registry = _registry()
        try:
            unit = registry.from_ucum(code).units
            goal = registry.from_ucum(target).units
            at_zero = float(registry.Quantity(0.0, unit).to(goal).magnitude)
            at_one = float(registry.Quantity(1.0, unit).to(goal).magnitude)
        except Exception as error:  # the parser, pint and lark raise unrelated types for what is not a unit
            raise UnknownUnitError(code) from error
    slope = Decimal(repr(at_one - at_zero))
    if not slope.is_finite() or slope == 0:
        raise UnknownUnitError(code)
    return -Decimal(repr(at_zero)) / slope, slope, ONE
