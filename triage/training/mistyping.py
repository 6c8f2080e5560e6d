"""Free text as it is typed in a hurry, so that a slip of the finger is not news about the patient.

Every letter of a complaint or note may be dropped, doubled, changed with the one before it, or be the key beside it.
Digits stay: another number is another patient. The robustness suite has error rules of its own; what is learnt here is
not what is asked there.
"""

import random

from data_schemas import FactKind, IntakeRecord

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _ROWS for at, key in enumerate(row)
}
_TYPED = frozenset({FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE})


def mistype(text: str, rng: random.Random, rate: float) -> str:
    """``text`` with an error in about ``rate`` (0 to 1) of its ASCII letters."""
    typed: list[str] = []
    for letter in text:
        if not (letter.isascii() and letter.isalpha()) or rng.random() >= rate:
            typed.append(letter)
            continue
        match rng.randrange(4):
            case 0:
                continue
            case 1:
                typed += [letter, letter]
            case 2:
                beside = rng.choice(_BESIDE[letter.lower()])
                typed.append(beside.upper() if letter.isupper() else beside)
            case _:
                typed.insert(len(typed) - 1 if typed and typed[-1].isalpha() else len(typed), letter)
    return "".join(typed)


def mistype_record(record: IntakeRecord, rng: random.Random, rate: float = 0.045) -> IntakeRecord:
    """The record with errors in its complaint and notes; a text that would vanish stays as it is."""
    facts = tuple(
        fact.model_copy(update={"text": mistype(fact.text, rng, rate).strip() or fact.text})
        if fact.kind in _TYPED
        else fact
        for fact in record.facts
    )
    return record.model_copy(update={"facts": facts})
