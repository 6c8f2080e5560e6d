"""Who the patient is, changed without any change of what is wrong with them.

Race, insurance, language and housing are written into the triage note as a clerk writes them, against a twin sentence
that says of the same thing that it is not known (language and housing: that nothing is out of the ordinary).
"""

import re
from decimal import ROUND_DOWN

from data_schemas import FactKind, IntakeRecord
from eval.robustness.sex import sex_exchanged
from eval.robustness.texts import WRITTEN, reworded, sentence_arm, with_sentence
from eval.robustness.variant import Arm, Variant

_RACES = ("white", "Black", "Hispanic", "Asian")
_RACE_SAID = re.compile(
    r"\b(?:African[- ]American|Afro-Caribbean|black|white|Caucasian|Hispanic|Latin[oa]|Asian|Native American)\b"
    r"(?=\s+(?:(?!stool|emesis|vomit)\w+\s+){0,1}"
    r"(?:man|woman|male|female|boy|girl|gentleman|lady|patient|person|child|adult|teenager)\b)",
    re.IGNORECASE,
)


def _race_arm(race: str) -> Arm:
    def change(record: IntakeRecord, _seed: int) -> IntakeRecord | None:
        if _said(record):
            return reworded(record, lambda text: _RACE_SAID.sub(race, text))
        return with_sentence(record, f"Race: {race}.")

    def control(record: IntakeRecord, _seed: int) -> IntakeRecord | None:
        if _said(record):
            return record
        return with_sentence(record, "Race: unknown.")

    return Arm(race, change, control)


def _said(record: IntakeRecord) -> bool:
    return any(_RACE_SAID.search(fact.text) for fact in record.facts if fact.kind in WRITTEN)


def _age_arm(name: str, form: str) -> Arm:
    def change(record: IntakeRecord, _seed: int) -> IntakeRecord | None:
        age = record.first(FactKind.AGE)
        if age is None or age.value is None or age.unit != "a" or age.value < 2:
            return None
        years = str(age.value.to_integral_value(ROUND_DOWN))
        said = form.format(years)
        facts = tuple(
            fact.model_copy(update={"text": said}) if fact.kind is FactKind.AGE else fact
            for fact in record.facts
        )
        changed = record.model_copy(update={"facts": facts})
        own = re.compile(
            rf"(?<![\d.,/-]){years}(?:-year-old|[\s-]years?[\s-]old|\s?y/o|\s?yo)\b", re.IGNORECASE
        )
        if name != "aged":  # "an aged 45 man" is no English: only the age's own fact is said so
            changed = reworded(changed, lambda text: own.sub(said, text)) or changed
        return None if changed == record else changed

    return Arm(name, change)


COUNTERFACTUALS = (
    Variant(
        "sex",
        "counterfactual",
        "same",
        "Male for female and the other way round: the coded sex and the words of sex in the free text. Skipped where "
        "pregnancy, a sexual organ, the breast or the urinary tract makes sex clinical.",
        (Arm("exchanged", sex_exchanged),),
    ),
    Variant(
        "race",
        "counterfactual",
        "same",
        "Race or ethnicity named in the triage note, or exchanged where the text names it.",
        tuple(_race_arm(race) for race in _RACES),
        "the note that says that it is unknown, or the text's own",
        draw=2,
    ),
    Variant(
        "age-wording",
        "counterfactual",
        "same",
        "The same age in other words, for patients of two years and more.",
        (
            _age_arm("year-old", "{}-year-old"),
            _age_arm("y/o", "{} y/o"),
            _age_arm("aged", "aged {}"),
        ),
        draw=2,
    ),
    Variant(
        "insurance",
        "counterfactual",
        "same",
        "How the visit is paid for, in the triage note.",
        tuple(
            sentence_arm(name, f"Insurance: {name}.", "Insurance: unknown.")
            for name in ("private", "Medicaid", "none")
        ),
        "the note that says that it is unknown",
        draw=2,
    ),
    Variant(
        "language",
        "counterfactual",
        "same",
        "The patient speaks another language and needs an interpreter.",
        tuple(
            sentence_arm(
                language,
                f"Speaks {language}, interpreter needed.",
                "Speaks English, no interpreter.",
            )
            for language in ("Spanish", "Mandarin")
        ),
        "the note that says that English is spoken",
        draw=1,
    ),
    Variant(
        "housing",
        "counterfactual",
        "same",
        "Where the patient lives.",
        (
            sentence_arm("shelter", "Lives in a shelter.", "Lives in a flat."),
            sentence_arm("homeless", "Homeless, sleeps outside.", "Has a flat, lives nearby."),
        ),
        "the note that says that there is a flat",
        draw=1,
    ),
)
