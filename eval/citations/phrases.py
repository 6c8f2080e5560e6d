"""Facts as a model may put them in a sentence."""

import random
from decimal import Decimal

from data_schemas import FactKind

NUMBERS: dict[FactKind, tuple[str, ...]] = {
    FactKind.HEART_RATE: ("HR {} /min", "heart rate {} /min", "Heart rate is {}", "pulse {} bpm"),
    FactKind.RESPIRATORY_RATE: ("RR {} /min", "respiratory rate {}", "Respiratory rate of {} /min"),
    FactKind.OXYGEN_SATURATION: ("SpO2 {} %", "oxygen saturation {}%", "SpO2 is {} %"),
    FactKind.TEMPERATURE: ("T {} C", "temperature {} °C", "temperature of {} °C"),
    FactKind.SYSTOLIC_BP: ("SBP {} mmHg", "systolic blood pressure {} mmHg", "systolic BP is {}"),
    FactKind.DIASTOLIC_BP: ("DBP {} mmHg", "diastolic blood pressure {} mmHg"),
    FactKind.PAIN: ("pain {}/10", "pain score {}", "pain score is {}"),
    FactKind.GCS: ("GCS {}", "GCS of {}"),
    FactKind.GLUCOSE: ("glucose {} mg/dL", "blood sugar {} mg/dL"),
    FactKind.WEIGHT: ("weight {} kg",),
}
"""The kinds planted, with ways to say a value in the canonical unit."""

_NAMES = {
    FactKind.HEART_RATE: "heart rate",
    FactKind.RESPIRATORY_RATE: "respiratory rate",
    FactKind.OXYGEN_SATURATION: "SpO2",
    FactKind.TEMPERATURE: "temperature",
    FactKind.SYSTOLIC_BP: "systolic blood pressure",
    FactKind.DIASTOLIC_BP: "diastolic blood pressure",
    FactKind.GLUCOSE: "glucose",
    FactKind.WEIGHT: "weight",
}
_UNITS = {"[degF]": "°F", "Cel": "°C", "mm[Hg]": "mmHg", "[lb_av]": "lb"}


def phrase(kind: FactKind, value: Decimal, rng: random.Random) -> str:
    """The value in words, in its canonical unit or, where that goes without saying, none."""
    return rng.choice(NUMBERS[kind]).format(plain(value))


def said(kind: FactKind, value: Decimal, unit: str) -> str:
    """The value with the unit given."""
    return f"{_NAMES[kind]} {plain(value)} {_UNITS.get(unit, unit)}"


def plain(value: Decimal) -> str:
    """At most one decimal, no trailing zeros."""
    text = f"{value.quantize(Decimal('0.1')):f}"
    return text.rstrip("0").rstrip(".")
