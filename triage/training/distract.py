"""Sentences that must not matter: written into a case's note, so that the model learns to leave them alone.

A model trained on bare complaints takes any further sentence for news about the patient: one about the weather makes
it calmer. The label of the case stays, and so does what the rules found.
"""

import random
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from data_schemas import Fact, FactKind, FactSource, IntakeRecord
from data_schemas._base import Frozen

_SENTENCE_GAP = ". "


class Sentences(Frozen):
    """``neutral``: said at any desk. ``aimed``: written to move a program. Words in braces come from ``slots``."""

    slots: Mapping[str, tuple[str, ...]]
    neutral: tuple[str, ...] = Field(min_length=1)
    aimed: tuple[str, ...] = Field(min_length=1)


@cache
def load_sentences() -> Sentences:
    """The sentences that ship with the project."""
    source = files(__package__).joinpath("corpus", "distractors", "sentences.yaml")
    return Sentences.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))


def distract(
    record: IntakeRecord, rng: random.Random, *, aimed: float = 0.35, in_complaint: float = 0.15
) -> IntakeRecord:
    """The record with one to four sentences in its triage note (or complaint) that say nothing of the patient's state.

    Args:
        record: a note is added where there is none. All facts keep their ids.
        rng: makes the choice repeatable.
        aimed: the share of insertions that try to move a program instead of being idle talk.
        in_complaint: the share of insertions at the end of the chief complaint.
    """
    added = _passage(rng, aimed)
    complaint = record.first(FactKind.CHIEF_COMPLAINT)
    if complaint is not None and rng.random() < in_complaint:
        return _with(record, complaint, _join([complaint.text, added]))
    note = record.first(FactKind.TRIAGE_NOTE)
    if note is None:
        return record.model_copy(update={"facts": (*record.facts, _note(record.facts, added))})
    parts = note.text.split(_SENTENCE_GAP)
    at = rng.choice((0, len(parts), len(parts), rng.randint(0, len(parts))))
    return _with(record, note, _join([*parts[:at], added, *parts[at:]]))


def _with(record: IntakeRecord, told: Fact, text: str) -> IntakeRecord:
    changed = told.model_copy(update={"text": text})
    return record.model_copy(
        update={"facts": tuple(changed if fact is told else fact for fact in record.facts)}
    )


def _passage(rng: random.Random, aimed: float) -> str:
    sentences = load_sentences()
    pool = sentences.aimed if rng.random() < aimed else sentences.neutral
    count = rng.choices((1, 2, 3, 4), (6, 2, 1, 1))[0]
    passage = " ".join(_fill(rng.choice(pool), sentences.slots, rng) for _ in range(count))
    return " ".join([passage] * rng.choices((1, rng.randint(2, 6)), (12, 1))[0])


def _fill(sentence: str, slots: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    filled = sentence
    for name, words in slots.items():
        while "{" + name + "}" in filled:
            filled = filled.replace("{" + name + "}", rng.choice(words), 1)
    filled = filled.replace("{{", "{").replace("}}", "}")
    return filled[:1].upper() + filled[1:] if rng.random() < 0.8 else filled


def _join(parts: Sequence[str]) -> str:
    whole = ""
    for part in parts:
        gap = "" if not whole else (" " if whole.endswith((".", "?", "!")) else _SENTENCE_GAP)
        whole += gap + part
    return whole


def _note(facts: Sequence[Fact], text: str) -> Fact:
    numbers = [int(fact.id[1:]) for fact in facts if fact.id[1:].isdigit()]
    return Fact(
        id=f"F{max(numbers, default=0) + 1}",
        kind=FactKind.TRIAGE_NOTE,
        text=text,
        source=FactSource(resource_type="Training", path="distractor"),
    )
