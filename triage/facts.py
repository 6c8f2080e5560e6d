"""How a fact is built, worded, numbered and missed: one way for every reader.

The words made here go into the model's prompt, so a FHIR record and a data set row that say the same must
read the same. Rounding is for the words only; ``Fact.value`` keeps what was received.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from data_schemas.intake import AGE_UNITS_IN_DAYS, CANONICAL_UNITS, EXPECTED_FACTS, Fact, FactKind, FactSource

CODE_TEXTS: dict[FactKind, dict[str, str]] = {
    FactKind.SEX: {code: code for code in ("male", "female", "other", "unknown")},
    FactKind.PREGNANCY: {"pregnant": "pregnant", "postpartum": "postpartum", "not-pregnant": "not pregnant"},
    FactKind.ARRIVAL_MODE: {
        "ambulance": "ambulance",
        "walk-in": "walk-in",
        "wheelchair": "wheelchair",
        "public": "public transport",
        "private": "private vehicle",
        "police": "police",
        "helicopter": "helicopter",
        "other": "other means of arrival",
    },
    FactKind.INJURY: {"yes": "injury", "no": "no injury", "incomplete": "injury incompletely recorded"},
    FactKind.PAIN: {"present": "pain present, not scored"},
    FactKind.AVPU: {
        "A": "AVPU alert",
        "C": "AVPU new confusion",
        "V": "AVPU verbal",
        "P": "AVPU pain",
        "U": "AVPU unresponsive",
    },
    FactKind.IMMUNISATION: {
        "yes": "immunised",
        "no": "not immunised",
        "incomplete": "immunisation incomplete",
    },
}
"""The codes that each coded kind allows (see ``Fact.code``), with the words for each."""

_AGE_WORDS = {"d": "d", "wk": "wk", "mo": "mo", "a": "y"}

_NUMBER_TEXTS: dict[FactKind, tuple[str, int, str]] = {
    FactKind.HEART_RATE: ("HR ", 1, " /min"),
    FactKind.RESPIRATORY_RATE: ("RR ", 1, " /min"),
    FactKind.OXYGEN_SATURATION: ("SpO2 ", 1, " %"),
    FactKind.OXYGEN_FLOW: ("O2 ", 2, " L/min"),
    FactKind.INSPIRED_OXYGEN: ("FiO2 ", 1, " %"),
    FactKind.TEMPERATURE: ("T ", 1, " C"),
    FactKind.SYSTOLIC_BP: ("SBP ", 1, " mmHg"),
    FactKind.DIASTOLIC_BP: ("DBP ", 1, " mmHg"),
    FactKind.PAIN: ("pain ", 1, "/10"),
    FactKind.GCS: ("GCS ", 1, ""),
    FactKind.GCS_EYE: ("GCS eye ", 1, ""),
    FactKind.GCS_VERBAL: ("GCS verbal ", 1, ""),
    FactKind.GCS_MOTOR: ("GCS motor ", 1, ""),
    FactKind.GLUCOSE: ("glucose ", 1, " mg/dL"),
    FactKind.WEIGHT: ("weight ", 2, " kg"),
}
"""Prefix, most decimals shown, suffix."""


def make_fact(
    index: int,
    kind: FactKind,
    *,
    source: FactSource,
    value: Decimal | int | None = None,
    unit: str | None = None,
    code: str | None = None,
    text: str | None = None,
    observed_at: datetime | None = None,
    as_received: str | None = None,
) -> Fact:
    """Build fact ``F<index>`` with its canonical words.

    ``index`` is 1 or more; ``number_facts`` gives the final one. ``value`` is in ``unit``, which must be the
    kind's unit in ``CANONICAL_UNITS`` (taken when ``unit`` is None) or, for an age, one of d, wk, mo, a.
    ``text`` replaces the canonical words; complaints, notes, conditions, drugs and allergies need it.

    Raises:
        ValueError: the unit is not canonical, the code is not of the kind's list, or there is nothing to say.
    """
    number = None if value is None else Decimal(value)
    if number is not None:
        unit = _checked_unit(kind, unit)
    allowed = CODE_TEXTS.get(kind)
    if code is not None and allowed is not None and code not in allowed:
        raise ValueError(f"{kind.value}: code {code!r} is not one of {', '.join(allowed)}")
    words = text if text is not None else fact_text(kind, value=number, unit=unit, code=code)
    return Fact(
        id=f"F{index}",
        kind=kind,
        text=words,
        value=number,
        unit=unit,
        code=code,
        observed_at=observed_at,
        source=source,
        as_received=as_received,
    )


def fact_text(
    kind: FactKind, *, value: Decimal | None = None, unit: str | None = None, code: str | None = None
) -> str:
    """The canonical words of a number or a code: ``71 y``, ``HR 104 /min``, ``T 36.6 C``, ``AVPU verbal``.

    Ages are cut, never rounded up: 17.96 years read ``17.9 y``. Ages given in days read as days up to 91, then as
    full months (``8 mo``), from two years as full years. Temperatures always show one decimal.

    Raises:
        ValueError: neither a value nor a code that has words was given.
    """
    if value is not None and kind is FactKind.AGE:
        return _age_text(value, _checked_unit(kind, unit))
    if value is not None and kind in _NUMBER_TEXTS:
        prefix, decimals, suffix = _NUMBER_TEXTS[kind]
        if kind is FactKind.TEMPERATURE:
            return f"{prefix}{value.quantize(Decimal('0.1'), ROUND_HALF_EVEN)}{suffix}"
        return f"{prefix}{_plain(value, decimals, ROUND_HALF_EVEN)}{suffix}"
    words = CODE_TEXTS.get(kind, {}).get(code or "")
    if words is None:
        raise ValueError(f"{kind.value}: give the fact's own words in text=; it has no canonical ones")
    return words


def number_facts(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Order by ``FactKind``, latest first within a kind (untimed last, else as given), and number F1, F2, ...

    The numbers that the facts came with are replaced. A time without a zone is read as UTC for the ordering.
    """
    ordered = sorted(facts, key=lambda fact: (_KIND_ORDER[fact.kind], -_instant(fact.observed_at)))
    return tuple(
        fact if fact.id == f"F{index}" else fact.model_copy(update={"id": f"F{index}"})
        for index, fact in enumerate(ordered, start=1)
    )


def missing_kinds(facts: Iterable[Fact]) -> tuple[FactKind, ...]:
    """Which of ``EXPECTED_FACTS`` are not known, in that order.

    A kind that is measured in numbers is known only by a number (pain that is present but not scored is
    missing); an AVPU or a sex only by a code, and the sex ``unknown`` is not known.
    """
    known = {fact.kind for fact in facts if _is_known(fact)}
    return tuple(kind for kind in EXPECTED_FACTS if kind not in known)


_KIND_ORDER = {kind: position for position, kind in enumerate(FactKind)}
_NO_TIME = float("-inf")
_LAST_AGE_SHOWN_IN_DAYS = 91
"""The ESI fever rules for infants turn on days up to 90; from 92 on, three months are full."""


def _is_known(fact: Fact) -> bool:
    if fact.kind in CANONICAL_UNITS or fact.kind is FactKind.AGE:
        return fact.value is not None
    if fact.kind is FactKind.AVPU:
        return fact.code is not None
    if fact.kind is FactKind.SEX:
        return fact.code not in {None, "unknown"}
    return True


def _instant(observed_at: datetime | None) -> float:
    if observed_at is None:
        return _NO_TIME
    return (observed_at if observed_at.tzinfo else observed_at.replace(tzinfo=UTC)).timestamp()


def _age_text(value: Decimal, unit: str) -> str:
    if unit == "d" and value > _LAST_AGE_SHOWN_IN_DAYS:
        months = int(value / AGE_UNITS_IN_DAYS["mo"])
        return f"{months} mo" if months < 24 else f"{int(value / AGE_UNITS_IN_DAYS['a'])} y"
    return f"{_plain(value, 1, ROUND_DOWN)} {_AGE_WORDS[unit]}"


def _checked_unit(kind: FactKind, unit: str | None) -> str:
    if kind is FactKind.AGE:
        if unit not in AGE_UNITS_IN_DAYS:
            raise ValueError(f"age: unit {unit!r} is not one of {', '.join(AGE_UNITS_IN_DAYS)}")
        return unit
    canonical = CANONICAL_UNITS.get(kind)
    if canonical is None:
        raise ValueError(f"{kind.value}: takes no number; give a code or text")
    if unit not in {None, canonical}:
        raise ValueError(f"{kind.value}: unit {unit!r} is not {canonical!r}; convert the value first")
    return canonical


def _plain(value: Decimal, decimals: int, rounding: str) -> str:
    """``value`` with at most ``decimals`` decimals, no trailing zeros, no exponent."""
    rounded = f"{value.quantize(Decimal(1).scaleb(-decimals), rounding):f}"
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded
