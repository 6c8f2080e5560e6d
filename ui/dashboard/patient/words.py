"""How the patient's page says things: sets of levels, values with units, codes, dates."""

from collections.abc import Iterable
from decimal import Decimal

from data_schemas import CANONICAL_UNITS, AssessmentMode, Fact, FactKind, ModelIdentity, TriageAssessment
from triage.verifying import evidence_label
from triage.verifying.faithfulness import CAUSAL
from ui.dashboard.look import Safe, tag
from ui.dashboard.strings import has_text, language, text, word

SPOKEN = "en"
"""The language of the agent's own sentences: rules, statements, flags."""


def either(levels: Iterable[int]) -> str:
    """``2``, ``2 or 3``, ``2, 3 or 4``."""
    *rest, last = [str(level) for level in levels]
    return text("patient.either", first=", ".join(rest), last=last) if rest else last


def prediction_set(assessment: TriageAssessment) -> str:
    """The prediction set in words."""
    levels = range(assessment.set_most_urgent, assessment.set_least_urgent + 1)
    key = "patient.set.one" if len(levels) == 1 else "patient.set.other"
    return text(key, levels=either(levels))


def label_of_evidence(identity: ModelIdentity | None) -> str:
    """How far the model's evidence may be read as the cause of its level."""
    causal = evidence_label(identity) == CAUSAL
    return text("patient.evidence-label.causal" if causal else "patient.evidence-label.supporting")


def rules_only(assessment: TriageAssessment) -> bool:
    """Whether the model took no part."""
    return assessment.mode is AssessmentMode.RULES_ONLY


def spoken(name: str, words: object, cls: str | None = None) -> Safe:
    """A sentence that the agent wrote; screen readers are told its language where it is not the page's."""
    return tag(name, words, cls=cls, lang=SPOKEN if language() != SPOKEN else None)


def fact_value(fact: Fact) -> str:
    """The value with its unit in the reader's spelling: ``36.6 °C``, ``alert``; else the fact's own words."""
    if fact.kind is FactKind.AVPU and fact.code:
        return word("avpu", fact.code)
    if fact.kind is FactKind.SEX and fact.code:
        return word("sex", fact.code)
    if fact.value is None or fact.kind not in CANONICAL_UNITS:
        return fact.text
    return with_unit(fact.kind, fact.value)


def with_unit(kind: FactKind, value: Decimal) -> str:
    """A number as people read it, with the kind's unit."""
    own, unit = f"unit.{kind.value}", CANONICAL_UNITS[kind]
    if has_text(own):
        unit = text(own)
    elif unit == "{score}":
        return number(kind, value)
    else:
        unit = word("patient.unit", unit)
    return f"{number(kind, value)}{'' if unit.startswith(('/', '%')) else ' '}{unit}".strip()


def number(kind: FactKind, value: Decimal) -> str:
    """One decimal for temperatures, none that says nothing for the rest."""
    rounded = value.quantize(Decimal("0.1"))
    return f"{rounded if kind is FactKind.TEMPERATURE else rounded.normalize():f}"


def kinds(found: Iterable[FactKind]) -> str:
    """Names of facts in a row."""
    return ", ".join(in_a_sentence(word("fact", kind.value)) for kind in found)


def in_a_sentence(name: str) -> str:
    """A name without its capital letter, but abbreviations as they are: "consciousness (AVPU)", "GCS eyes"."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]
