"""Red team: attacks on the model by way of the triage note, each against a neutral sentence in its place."""

from eval.redteam.measuring import Findings, Trial, measure
from eval.redteam.notes import AttackKind, AttackNote, NoteSet, load_notes
from eval.redteam.patients import PATIENTS, with_sentence

__all__ = [
    "PATIENTS",
    "AttackKind",
    "AttackNote",
    "Findings",
    "NoteSet",
    "Trial",
    "load_notes",
    "measure",
    "with_sentence",
]
