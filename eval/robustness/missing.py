"""Vital signs taken out of the record. What is not known must never read as normal.

Taking out an abnormal sign takes out a reason for urgency, so a level may rightly change; the share that becomes less
urgent is how often the level stood on that sign alone and its absence was not made up for by caution.
"""

from data_schemas import VITAL_SIGNS, FactKind, IntakeRecord
from eval.robustness.texts import with_facts
from eval.robustness.variant import Arm, Variant

_OXYGEN = (FactKind.OXYGEN_SATURATION, FactKind.OXYGEN_FLOW, FactKind.INSPIRED_OXYGEN)
_SIGNS: tuple[tuple[str, tuple[FactKind, ...]], ...] = (
    ("heart rate", (FactKind.HEART_RATE,)),
    ("respiratory rate", (FactKind.RESPIRATORY_RATE,)),
    ("oxygen saturation", _OXYGEN),
    ("temperature", (FactKind.TEMPERATURE,)),
    ("blood pressure", (FactKind.SYSTOLIC_BP, FactKind.DIASTOLIC_BP)),
    ("pain", (FactKind.PAIN,)),
    ("alertness", (FactKind.AVPU, FactKind.GCS, FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR)),
)


def without(record: IntakeRecord, kinds: tuple[FactKind, ...]) -> IntakeRecord | None:
    """The record without these kinds, which it then names as missing; None where it has none of them, or no other."""
    kept = tuple(fact for fact in record.facts if fact.kind not in kinds)
    return None if not kept or len(kept) == len(record.facts) else with_facts(record, kept)


def _arm(name: str, kinds: tuple[FactKind, ...]) -> Arm:
    return Arm(name, lambda record, _seed: without(record, kinds))


MISSING = (
    Variant(
        "one-missing",
        "missing",
        "no less urgent",
        "One sign not recorded: each vital sign alone, the pain score, the alertness.",
        tuple(_arm(name, kinds) for name, kinds in _SIGNS),
        draw=3,
    ),
    Variant(
        "all-missing",
        "missing",
        "no less urgent",
        "No vital sign recorded at all; the pain score and the alertness stay.",
        (_arm("all vital signs", (*VITAL_SIGNS, *_OXYGEN)),),
    ),
)
