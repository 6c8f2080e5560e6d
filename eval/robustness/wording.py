"""The same facts put differently: their order, and how the complaint is introduced and spelt.

These are changes of the record, so that every row can be asked; how else a row's own prompt can be put is handed to
``run_variants`` by the row.
"""

from data_schemas import FactKind, IntakeRecord
from eval.robustness.texts import WRITTEN, reworded
from eval.robustness.variant import Arm, Change, Variant

_COMPLAINT = frozenset({FactKind.CHIEF_COMPLAINT})
_KINDS = {kind: place for place, kind in enumerate(FactKind)}


def reversed_facts(record: IntakeRecord, _seed: int = 0) -> IntakeRecord | None:
    """The kinds of facts last to first; within a kind the latest stays first, and every fact keeps its number."""
    facts = tuple(sorted(record.facts, key=lambda fact: -_KINDS[fact.kind]))
    return None if facts == record.facts else record.model_copy(update={"facts": facts})


def _introduced(words: str) -> Change:
    return lambda record, _seed: reworded(record, lambda text: f"{words} {text}", _COMPLAINT)


def _upper(record: IntakeRecord, _seed: int) -> IntakeRecord | None:
    return reworded(record, str.upper, WRITTEN)


def _lower(record: IntakeRecord, _seed: int) -> IntakeRecord | None:
    return reworded(record, str.lower, WRITTEN)


WORDINGS = (
    Variant(
        "wording",
        "prompt",
        "same",
        "The same facts put differently: kinds of facts last to first, the complaint introduced, letters in one case.",
        (
            Arm("reversed", reversed_facts),
            Arm("presents with", _introduced("presents with")),
            Arm("c/o", _introduced("c/o")),
            Arm("UPPER CASE", _upper),
            Arm("lower case", _lower),
        ),
        draw=2,
    ),
)
