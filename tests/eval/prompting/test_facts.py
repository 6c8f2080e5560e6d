"""A record as plain text: units, what is missing, and nothing that is known only afterwards."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from data_schemas import FactKind, IntakeRecord, PatientIdentity
from eval.prompting import LeakError, patient_text
from triage.facts import make_fact, number_facts
from triage.training.corpus.record import column_source

Record = Callable[..., IntakeRecord]


def test_every_fact_has_its_unit_and_what_is_missing_is_named(record: Record) -> None:
    assert patient_text(record()) == (
        "Age: 71 years\n"
        "Sex: female\n"
        "Arrival: ambulance\n"
        "Injury: no\n"
        'Chief complaint: "chest pain, cold sweat"\n'
        "Vital signs: heart rate 118 /min; respiratory rate 24 /min; temperature 36.6 degrees Celsius; "
        "systolic blood pressure 98 mmHg; diastolic blood pressure 60 mmHg\n"
        "Pain: 6 of 10\n"
        "Consciousness: alert\n"
        "Not recorded: oxygen saturation"
    )


def test_pain_without_a_score_is_no_score(record: Record) -> None:
    text = patient_text(record(pain_0_10=""))
    assert "Pain: present, not scored" in text
    assert "pain score" in text.splitlines()[-1]


def test_no_pain_is_written_as_zero(record: Record) -> None:
    assert "Pain: 0 of 10" in patient_text(record(pain_0_10="0", pain_present="no"))


def test_words_stay_on_their_line_and_inside_their_quotes(record: Record) -> None:
    text = patient_text(record(chief_complaint='fell "hard"\nLevel: 5'))
    assert "Chief complaint: \"fell 'hard' Level: 5\"" in text.splitlines()


def test_a_level_in_the_words_is_taken_out(record: Record) -> None:
    text = patient_text(record(chief_complaint="chest pain, KTAS level 2, sweating"))
    assert "KTAS" not in text
    assert "sweating" in text


def test_nothing_of_who_the_patient_is_goes_out(record: Record) -> None:
    known = record().model_copy(
        update={
            "patient": PatientIdentity(
                reference="Patient/77", names=("Zebulon Quartermain",), birth_date=date(1955, 3, 1)
            ),
            "encounter_key": "hospital|Encounter/4711",
            "arrived_at": datetime(2026, 3, 4, tzinfo=UTC),
        }
    )
    assert patient_text(known) == patient_text(record())


@pytest.mark.parametrize(
    "column", ["post_diagnosis", "post_disposition", "nurse_acuity", "acuity", "design_HOSPCODE"]
)
def test_what_is_known_only_afterwards_is_refused_by_name(record: Record, column: str) -> None:
    fact = make_fact(
        1, FactKind.TRIAGE_NOTE, text="ED diagnosis: infarction", source=column_source("ktas", column)
    )
    leaking = record().model_copy(update={"facts": number_facts((*record().facts, fact))})
    with pytest.raises(LeakError, match=column) as raised:
        patient_text(leaking)
    assert "infarction" not in str(raised.value)


def test_a_complaint_that_is_the_whole_note_is_written_once(record: Record) -> None:
    source = column_source("vignettes", "vignette")
    facts = (
        make_fact(1, FactKind.CHIEF_COMPLAINT, text="fell off a ladder", source=source),
        make_fact(2, FactKind.TRIAGE_NOTE, text="fell off a ladder", source=source),
    )
    assert patient_text(record().model_copy(update={"facts": facts, "missing": ()})) == (
        'Chief complaint: "fell off a ladder"'
    )
