"""What of a record's free text the model is shown: findings, and nobody's instructions or verdicts.

The rules read every word; the prompt is made of what is left (``triage.text.instructions`` has the rule: what holds a
finding is shown, however suspect, unless it is an unmistakable address). A record in which nothing is kept back gives
the very same prompt with and without the guard, so it changes neither training nor calibration. A text is looked at as
written and as it is read: a slip of the hand must not carry an instruction past the guard and then be put right.
"""

from data_schemas import Fact, FactKind, IntakeRecord
from triage.text.instructions import Suspect, find_instructions, without_instructions
from triage.text.spelling import respelled

FREE_TEXT = frozenset(
    {
        FactKind.CHIEF_COMPLAINT,
        FactKind.TRIAGE_NOTE,
        FactKind.CONDITION,
        FactKind.MEDICATION,
        FactKind.ALLERGY,
    }
)
"""The kinds whose words come from a person as written."""


def suspect_facts(record: IntakeRecord) -> tuple[Fact, ...]:
    """The facts that hold a suspect sentence, shown to the model or not: a person must look at each."""
    return tuple(fact for fact in record.facts if fact.kind in FREE_TEXT and _suspects(fact.text))


def kept_back_facts(record: IntakeRecord) -> tuple[Fact, ...]:
    """Those of them of which the model is not shown every sentence."""
    return tuple(
        fact
        for fact in record.facts
        if fact.kind in FREE_TEXT and any(not suspect.shown for suspect in _suspects(fact.text))
    )


def guard(record: IntakeRecord) -> IntakeRecord:
    """The record as the model may be shown it; a fact of which nothing is left is not there."""
    kept_back = {fact.id for fact in kept_back_facts(record)}
    if not kept_back:
        return record
    facts: list[Fact] = []
    for fact in record.facts:
        text = _kept(fact.text) if fact.id in kept_back else fact.text
        if text.strip(" .,;:-"):
            facts.append(fact if fact.id not in kept_back else fact.model_copy(update={"text": text}))
    return record.model_copy(update={"facts": tuple(facts)})


def _suspects(text: str) -> tuple[Suspect, ...]:
    read = respelled(text)
    return (*find_instructions(text), *(find_instructions(read) if read != text else ()))


def _kept(text: str) -> str:
    """What is left, as it is read where only the reading shows what it is."""
    left = without_instructions(text)
    read = respelled(left)
    return (
        without_instructions(read) if any(not suspect.shown for suspect in find_instructions(read)) else left
    )
