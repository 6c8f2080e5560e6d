"""How a record's words are changed: facts keep their numbers, numbers in the text stay as they are."""

from collections.abc import Callable

from data_schemas import Fact, FactKind, FactSource, IntakeRecord
from eval.robustness.variant import Arm
from triage.facts import missing_kinds, number_facts
from triage.slm.prompt import MAX_NOTE

WRITTEN = frozenset({FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE})
"""The facts whose words a nurse types."""

_SOURCE = FactSource(resource_type="robustness", path="note")


def with_facts(record: IntakeRecord, facts: tuple[Fact, ...]) -> IntakeRecord:
    """The record with these facts, numbered anew, and what is missing named anew."""
    numbered = number_facts(facts)
    return record.model_copy(update={"facts": numbered, "missing": missing_kinds(numbered)})


def reworded(
    record: IntakeRecord, change: Callable[[str], str], kinds: frozenset[FactKind] = WRITTEN
) -> IntakeRecord | None:
    """The record with ``change`` made to the words of every fact of ``kinds``; None where nothing changes."""
    facts = tuple(
        fact.model_copy(update={"text": change(fact.text)}) if fact.kind in kinds else fact
        for fact in record.facts
    )
    return None if facts == record.facts else record.model_copy(update={"facts": facts})


def with_sentence(record: IntakeRecord, sentence: str, *, first: bool = True) -> IntakeRecord:
    """The record with ``sentence`` in its triage note, which is made where there is none.

    It stands at the note's beginning, so that no model that reads only so much of a note can miss it; at its end with
    ``first`` False where the note is short enough.
    """
    note = record.first(FactKind.TRIAGE_NOTE)
    if note is None:
        added = Fact(id=f"F{len(record.facts) + 1}", kind=FactKind.TRIAGE_NOTE, text=sentence, source=_SOURCE)
        return with_facts(record, (*record.facts, added))
    ends = not first and len(note.text) + len(sentence) < MAX_NOTE
    text = f"{note.text} {sentence}" if ends else f"{sentence} {note.text}"
    changed = note.model_copy(update={"text": text})
    return record.model_copy(
        update={"facts": tuple(changed if fact is note else fact for fact in record.facts)}
    )


def sentence_arm(name: str, said: str, neutral: str) -> Arm:
    """An arm that writes ``said`` into the note, against ``neutral`` in its place."""
    return Arm(
        name,
        lambda record, _seed: with_sentence(record, said),
        lambda record, _seed: with_sentence(record, neutral),
    )
