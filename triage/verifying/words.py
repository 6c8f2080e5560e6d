"""Facts in a clinician's words, for the sentence that says why a reason was struck."""

from decimal import Decimal

from data_schemas import CANONICAL_UNITS, Fact, FactKind

_NAMES = {
    FactKind.OXYGEN_SATURATION: "SpO2",
    FactKind.SYSTOLIC_BP: "systolic blood pressure",
    FactKind.DIASTOLIC_BP: "diastolic blood pressure",
    FactKind.AVPU: "AVPU",
    FactKind.GCS: "GCS",
    FactKind.PAIN: "pain score",
    FactKind.CONDITION: "medical history",
}
_UNITS = {"Cel": " °C", "mm[Hg]": " mmHg", "{score}": "", "%": " %"}
_LONGEST = 60


def kind_words(kind: FactKind) -> str:
    """``heart rate``, ``SpO2``."""
    return _NAMES.get(kind, kind.value.replace("_", " "))


def number_words(kind: FactKind, value: Decimal) -> str:
    """``94 /min``, ``36.6 °C``; a converted value has one decimal."""
    unit = CANONICAL_UNITS.get(kind, "")
    return f"{plain(value)}{_UNITS.get(unit, f' {unit}' if unit else '')}"


def plain(value: Decimal) -> str:
    """A number without exponent, trailing zeros or more than two decimals."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2:
        value = value.quantize(Decimal("0.01"))
    return f"{value.normalize():f}"


def fact_words(fact: Fact) -> str:
    """The kind and the words of a fact, cut where they are long."""
    words = " ".join(fact.text.split())
    return f"{kind_words(fact.kind)} “{words if len(words) <= _LONGEST else words[: _LONGEST - 1] + '…'}”"
