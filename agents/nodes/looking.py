"""When a case is looked at twice, what counts as disagreement, and what follows from it. Pure functions."""

import math
from collections.abc import Sequence
from decimal import Decimal

from agents.nodes.concerns import Concerns
from data_schemas import (
    SAME_FACTS,
    Doubt,
    Fact,
    FactKind,
    Flag,
    IntakeRecord,
    LevelProbabilities,
    Look,
    LookVerdict,
    Screening,
    SecondLook,
    Way,
)
from triage.slm.guard import FREE_TEXT, kept_back_facts, suspect_facts
from triage.slm.prompt import unread_facts
from triage.text.language import is_foreign

WIDE_SET = 3
"""Levels in the model's prediction set from which on it is wide: more than one step is left open."""
UNDECIDED = 0.8
"""Share of the greatest entropy (five equally likely levels) from which on the model is undecided."""

KNOWN: dict[FactKind, tuple[Decimal, Decimal]] = {
    kind: (Decimal(low), Decimal(high))
    for kind, (low, high) in {
        FactKind.HEART_RATE: ("36", "204"),
        FactKind.RESPIRATORY_RATE: ("7", "60"),
        FactKind.OXYGEN_SATURATION: ("60", "100"),
        FactKind.TEMPERATURE: ("34.6", "40.6"),
        FactKind.SYSTOLIC_BP: ("67", "244"),
        FactKind.DIASTOLIC_BP: ("24", "156"),
    }.items()
}
"""What the model has seen: all but 1 in 2,000 at either end of 21,146 visits (NHAMCS 2016-2020, every third one with a
level), in canonical units; the upper end of the respiratory rate is ours: the survey codes some as 98 and 99."""
OLDEST = Decimal(95)
"""Years. The survey reports no greater age than 94."""

_ASKED_FOR = {
    Way.WITHOUT_RULES: "without what the rules found",
    Way.REORDERED: "with the facts in another order",
    Way.ANOTHER_MODEL: "of another model",
    Way.WITHOUT_VITAL_SIGNS: "without the vital signs",
    Way.WITHOUT_HISTORY: "without history and medication",
    Way.WITHOUT_NOTE: "without the triage note",
}


def doubts(
    record: IntakeRecord,
    screening: Screening,
    model_level: int,
    probabilities: LevelProbabilities,
    model_set: tuple[int, int],
) -> tuple[Doubt, ...]:
    """Why this case is asked again, empty where nothing speaks for it.

    Args:
        record: what was known.
        screening: what the rules found.
        model_level: the model's calibrated level, before the floor.
        probabilities: the calibrated ones.
        model_set: the model's own prediction set, before any rule.
    """
    floor = screening.floor
    present = {
        Doubt.RULES_DISAGREE: differ(model_level, screening.level),
        Doubt.WIDE_SET: model_set[1] - model_set[0] + 1 >= WIDE_SET,
        Doubt.FLOOR_MOVED_LEVEL: floor is not None and model_level > floor,
        Doubt.UNDECIDED: entropy(probabilities) >= UNDECIDED * math.log(5),
        Doubt.UNREAD_TEXT: bool(unread_facts(record)),
        Doubt.SUSPICIOUS_TEXT: bool(suspect_facts(record)),
        Doubt.FOREIGN_TEXT: any(fact.kind in FREE_TEXT and is_foreign(fact.text) for fact in record.facts),
        Doubt.UNUSUAL_VALUES: _unusual(record),
        Doubt.NO_COMPLAINT: record.first(FactKind.CHIEF_COMPLAINT) is None,
    }
    return tuple(doubt for doubt, holds in present.items() if holds)


def judged(
    why: tuple[Doubt, ...],
    model_level: int,
    level: int,
    probabilities: LevelProbabilities,
    looks: Sequence[Look],
    not_done: str | None,
) -> SecondLook:
    """The second look with its verdict.

    An answer is against the suggestion ``level`` where it is more urgent by two levels or beyond the border of 2 and 3.
    One on the same facts is also against ``model_level`` where it differs that much either way: then the answer hung on
    how the question was put. That fewer facts look less urgent is no disagreement.
    """
    against = tuple(
        look.way
        for look in looks
        if (look.level < level and differ(look.level, level))
        or (look.way in SAME_FACTS and differ(look.level, model_level))
    )
    done = LookVerdict.DISAGREES if against else LookVerdict.AGREES
    return SecondLook(
        why=why,
        first_level=model_level,
        first_high=high(probabilities),
        looks=tuple(looks),
        verdict=done if looks else LookVerdict.NOT_DONE,
        against=against,
        not_done=not_done,
    )


def widened(most_urgent: int, look: SecondLook | None) -> int:
    """The most urgent level of the prediction set after a second look: never less urgent than before it."""
    if look is None:
        return most_urgent
    return min([most_urgent, *(item.level for item in look.looks if item.way in look.against)])


def with_look(concerns: Concerns, record: IntakeRecord, look: SecondLook | None) -> Concerns:
    """The concerns with what the second look, and what the model was not shown, add to them."""
    flags, human = list(concerns.flags), list(concerns.needs_human)
    kept_back = kept_back_facts(record)
    if kept_back:
        message = (
            "The text says how urgent the patient is, or speaks to a program. The model was not shown those sentences; "
            f"the rules read them. Read and judge them yourself: {_named(kept_back)}."
        )
        flags.append(Flag(code="not-shown-to-model", message=message))
        human.append(message)
    shown = tuple(fact for fact in suspect_facts(record) if fact not in kept_back)
    if shown:
        message = (
            "The text says how urgent the patient is, or speaks to a program, in a sentence that holds findings. The "
            f"model was shown it and may have been led by it. Read and judge it yourself: {_named(shown)}."
        )
        flags.append(Flag(code="suspect-text-shown", message=message))
        human.append(message)
    if look is not None and look.verdict is LookVerdict.DISAGREES:
        said = "; ".join(
            f"{_ASKED_FOR[item.way]}: level {item.level}" for item in look.looks if item.way in look.against
        )
        message = f"Asked again, the model does not stand by level {look.first_level} ({said})."
        flags.append(Flag(code="second-look-disagrees", message=message))
        human.append(message)
    if look is not None and look.verdict is LookVerdict.NOT_DONE:
        message = (
            f"The case was to be asked again and was not ({look.not_done}): the first answer stands alone."
        )
        flags.append(Flag(code="second-look-not-done", message=message))
    return Concerns(flags=tuple(dict.fromkeys(flags)), needs_human=tuple(dict.fromkeys(human)))


def _named(facts: Sequence[Fact]) -> str:
    return ", ".join(f"{fact.id} ({fact.kind.value.replace('_', ' ')})" for fact in facts)


def differ(one: int, other: int) -> bool:
    """Whether two levels lie two or more apart, or on either side of the border between 2 and 3."""
    return abs(one - other) >= 2 or (one <= 2) != (other <= 2)


def high(probabilities: LevelProbabilities) -> float:
    """The probability of level 1 or 2."""
    return min(1.0, probabilities.p[0] + probabilities.p[1])


def entropy(probabilities: LevelProbabilities) -> float:
    """In nats; the greatest is ln 5."""
    return -math.fsum(p * math.log(p) for p in probabilities.p if p > 0)


def _unusual(record: IntakeRecord) -> bool:
    age = record.age_years
    if age is not None and age >= OLDEST:
        return True
    for kind, (low, most) in KNOWN.items():
        value = record.number(kind)
        if value is not None and not low <= value <= most:
            return True
    return False
