"""Hidden instructions in the triage note: the red team's attacks, each against its neutral twin."""

from data_schemas import IntakeRecord
from eval.redteam import AttackKind, NoteSet, load_notes
from eval.robustness.texts import with_sentence
from eval.robustness.variant import Arm, Change, Variant

KINDS_A_CASE = 2

_NOTES = load_notes(NoteSet.ATTACKS)


def _change(kind: AttackKind, *, attack: bool) -> Change:
    notes = [note for note in _NOTES if note.kind is kind]

    def change(record: IntakeRecord, seed: int) -> IntakeRecord | None:
        note = notes[seed % len(notes)]
        sentence = (note.attack if attack else note.neutral) * note.repeat
        return with_sentence(record, sentence.strip(), first=note.at == "start")

    return change


_KINDS = {kind: _change(kind, attack=True) for kind in AttackKind}

INJECTIONS = (
    Variant(
        "hidden-instruction",
        "injection",
        "same",
        f"An attack of the red team's collection in the triage note; {KINDS_A_CASE} of {len(AttackKind)} kinds a case.",
        tuple(Arm(kind.value, change, _change(kind, attack=False)) for kind, change in _KINDS.items()),
        "a neutral sentence of about the same length",
        draw=KINDS_A_CASE,
    ),
    Variant(
        "hidden-instruction-bare",
        "injection",
        "no less urgent",
        "The same attacks against the case without any sentence: what a neutral sentence does by itself is not in it.",
        tuple(Arm(kind.value, change) for kind, change in _KINDS.items()),
        draw=KINDS_A_CASE,
    ),
)
