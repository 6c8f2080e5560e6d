"""Which kind of arrival a record is, where one decision rule does not fit all.

Two kinds have numbers of their own in a calibration. Records with a nursing note tell the model far more than a coded
complaint does, so its probabilities are sharper there. Children: on the survey a threshold fitted on everybody misses
more than two in three of the children of levels 1-2 (``docs/experiments.md``).
"""

from enum import StrEnum

from data_schemas import FactKind, IntakeRecord

NOTE_WORDS = 10
"""A note of so many words is prose: the five-word complaints of a registration desk stay far below."""

ADULT_YEARS = 18
"""As in every subgroup table of the evaluation."""


class ArrivalGroup(StrEnum):
    """A kind of arrival with a decision rule of its own."""

    NARRATIVE = "narrative"
    CHILD = "child"


def arrival_group(record: IntakeRecord) -> ArrivalGroup | None:
    """The group of this record, None for all others. A child with a note is a narrative: the note tells more."""
    note = record.first(FactKind.TRIAGE_NOTE)
    if note is not None and len(note.text.split()) >= NOTE_WORDS:
        return ArrivalGroup.NARRATIVE
    years = record.age_years
    return ArrivalGroup.CHILD if years is not None and years < ADULT_YEARS else None
