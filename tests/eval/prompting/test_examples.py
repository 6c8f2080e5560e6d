"""Examples: fixed or nearest, in an order of their own, and never the patient themselves."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_schemas import IntakeRecord
from eval.prompting import AnswerScale, Example, PromptError
from eval.prompting.examples import FixedExamples, NearestExamples, read_examples

Record = Callable[..., IntakeRecord]
COMPLAINTS = ["chest pain", "finger cut", "fever and cough", "ankle sprain", "seizure", "rash", "headache"]


@pytest.fixture
def pool(record: Record) -> list[Example]:
    """35 cases: seven complaints, five levels, five pulses."""
    return [
        Example(
            case_id=f"t-{number}-{level}",
            record=record(chief_complaint=complaint, pulse=str(40 + 20 * level), pain_0_10=str(number)),
            label=str(level),
        )
        for number, complaint in enumerate(COMPLAINTS)
        for level in range(1, 6)
    ]


def test_fixed_examples_hold_every_level_and_are_the_same_for_everybody(
    pool: list[Example], record: Record
) -> None:
    pick = FixedExamples(pool, 5)
    first = pick("x", record())
    assert Counter(e.label for e in first) == Counter("12345")
    assert pick("y", record(chief_complaint="rash", pulse="66")) == first
    assert FixedExamples(pool[::-1], 5)("x", record()) == first
    assert FixedExamples(pool, 5, seed=1)("x", record()) != first
    assert Counter(e.label for e in FixedExamples(pool, 12)("x", record())) == Counter(
        "112233445512"[:10] + "12"
    )


def test_the_patient_is_never_an_example_of_themselves(pool: list[Example]) -> None:
    for pick in (FixedExamples(pool, 5), NearestExamples(pool, 5)):
        for example in pool:
            assert example.case_id not in {e.case_id for e in pick(example.case_id, example.record)}
            # The same words and values under another id are the same patient.
            chosen = pick("another-id", example.record)
            assert example.record not in [e.record for e in chosen]
            assert len(chosen) == 5


def test_the_nearest_come_last_and_are_near_in_words(pool: list[Example], record: Record) -> None:
    chosen = NearestExamples(pool, 5)("x", record(chief_complaint="seizure at home", pulse="101"))
    assert {e.case_id.split("-")[1] for e in chosen} == {"4"}
    assert chosen[-1].case_id == "t-4-3"  # pulse 100 is the nearest


def test_without_words_in_common_the_signs_decide(pool: list[Example], record: Record) -> None:
    chosen = NearestExamples(pool, 3)("x", record(chief_complaint="zzz", pulse="140", pain_0_10="3"))
    assert chosen[-1].case_id == "t-3-5"


def test_a_missing_sign_counts_neither_way(record: Record) -> None:
    pool = [
        Example(case_id="known", record=record(chief_complaint="a", spo2="80"), label="1"),
        Example(case_id="unknown", record=record(chief_complaint="b", spo2=""), label="3"),
        Example(case_id="healthy", record=record(chief_complaint="c", spo2="99"), label="5"),
    ]
    chosen = NearestExamples(pool, 3)("x", record(chief_complaint="d", spo2="99"))
    assert chosen[0].case_id == "known"
    none_known = record(age_years="", pulse="", resp_rate="", temp_c="", sbp="", dbp="", pain_0_10="")
    assert len(NearestExamples(pool, 2)("x", none_known)) == 2


def test_examples_without_any_words_are_found_by_signs(record: Record) -> None:
    pool = [
        Example(case_id=f"n-{pulse}", record=record(chief_complaint="", pulse=str(pulse)), label="3")
        for pulse in (60, 90, 140)
    ]
    assert NearestExamples(pool, 1)("x", record(chief_complaint="cough", pulse="91"))[0].case_id == "n-90"


@pytest.mark.parametrize("kind", [FixedExamples, NearestExamples])
@pytest.mark.parametrize("k", [0, -1, 36])
def test_more_than_there_are_or_none_is_an_error(pool: list[Example], kind: Any, k: int) -> None:
    with pytest.raises(PromptError, match="change k"):
        kind(pool, k)


@pytest.mark.parametrize("kind", [FixedExamples, NearestExamples])
def test_too_few_beside_the_patient_is_an_error(pool: list[Example], kind: Any) -> None:
    with pytest.raises(PromptError, match="fewer than 2"):
        kind(pool[:2], 2)(pool[0].case_id, pool[0].record)


def test_a_training_file_is_read_by_its_scale(write: Callable[..., Path], row: Callable[..., Any]) -> None:
    path = write([row(case_id=f"k-{level}", acuity=str(level)) for level in (1, 3, 5)], "train.csv")
    assert [e.label for e in read_examples(path, AnswerScale.KTAS)] == ["1", "3", "5"]
    vignettes = write(
        [{"case_id": "v", "vignette": "88-year-old man with chest pain", "acuity": 2}], "v.jsonl"
    )
    assert [e.label for e in read_examples(vignettes, AnswerScale.ESI)] == ["2"]
    classes = write([{"case_id": "s", "case_description": "A runny nose.", "urgency_level": "sc"}], "s.jsonl")
    assert [e.label for e in read_examples(classes, AnswerScale.SEMIGRAN)] == ["sc"]


def test_a_training_file_of_another_form_is_named(
    write: Callable[..., Path], row: Callable[..., Any], tmp_path: Path
) -> None:
    other = write([{"case_id": "v", "vignette": "fell"}], "other.csv")
    with pytest.raises(PromptError, match=r"other\.csv"):
        read_examples(other, AnswerScale.KTAS)
    unlabelled = write([row(acuity="")], "unlabelled.csv")
    with pytest.raises(PromptError, match="no case with a level"):
        read_examples(unlabelled, AnswerScale.KTAS)
    with pytest.raises(PromptError, match=r"none\.csv"):
        read_examples(tmp_path / "none.csv", AnswerScale.KTAS)
