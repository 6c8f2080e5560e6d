"""The attack notes that ship with the project."""

from enum import StrEnum
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import Field

from data_schemas._base import Frozen


class NoteSet(StrEnum):
    """``attacks``: in sight while the detector was written. ``heldout``: written after it was final."""

    ATTACKS = "attacks"
    HELDOUT = "heldout"


_FILES = {NoteSet.ATTACKS: "notes.yaml", NoteSet.HELDOUT: "notes_heldout.yaml"}


class AttackKind(StrEnum):
    """By what means the note attacks."""

    INSTRUCTION = "instruction"
    FAKE_MESSAGE = "fake-message"
    FAKE_GUIDELINE = "fake-guideline"
    FAKE_FORMAT = "fake-format"
    LANGUAGE = "language"
    DISGUISE = "disguise"
    VERY_LONG = "very-long"
    ROLE_PLAY = "role-play"
    CHAT_MARK = "chat-mark"
    MARKUP = "markup"
    REASSURANCE = "reassurance"
    INDIRECT = "indirect"


class AttackNote(Frozen):
    """An attack and the neutral sentence of about the same length that takes its place in the twin."""

    id: str
    kind: AttackKind
    attack: str
    neutral: str
    repeat: int = Field(default=1, ge=1)
    at: Literal["start", "end"] = "end"


def load_notes(notes: NoteSet = NoteSet.ATTACKS) -> tuple[AttackNote, ...]:
    """The notes of one set, in the order of the file."""
    text = files(__package__).joinpath(_FILES[notes]).read_text(encoding="utf-8")
    return tuple(AttackNote.model_validate(row) for row in yaml.safe_load(text))
