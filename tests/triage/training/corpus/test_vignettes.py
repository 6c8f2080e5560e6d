"""The vignette reader: the note whole, the facts pointing into it, the rationale out."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.acuity import AcuityScale
from data_schemas.intake import FactKind
from triage.training.corpus import CorpusError, read_vignettes
from triage.training.corpus.vignettes import SHORT, complaint_span

Row = dict[str, object]
Write = Callable[[list[Row], str], Path]

SHORT_TEXT = "A 52-year-old man with a cough, HR 96, T 100.4\u00b0F."
LONG_TEXT = (
    "The overhead page rings twice in the afternoon. Paramedics arrive with a 62-year-old male who is complaining of "
    "chest pressure that started an hour ago. He takes no medicine. His heart rate is 106, RR 28, BP 72/53, "
    "SpO2 is 95% on room air. Pain 9/10."
)


def row(text: object = SHORT_TEXT, **more: object) -> Row:
    return {
        "case_id": "v-1",
        "vignette": text,
        "acuity": 3,
        "rationale": "ESI level 3: two resources",
        **more,
    }


def test_a_vignette_is_note_complaint_and_facts(write: Write) -> None:
    (case,) = read_vignettes(write([row(LONG_TEXT)], "v.jsonl"))
    record = case.record
    assert [
        fact.text
        for fact in record.facts
        if fact.kind not in {FactKind.TRIAGE_NOTE, FactKind.CHIEF_COMPLAINT}
    ] == [
        "62 y",
        "male",
        "ambulance",
        "HR 106 /min",
        "RR 28 /min",
        "SpO2 95 %",
        "FiO2 21 %",
        "SBP 72 mmHg",
        "DBP 53 mmHg",
        "pain 9/10",
    ]
    note, complaint = record.first(FactKind.TRIAGE_NOTE), record.first(FactKind.CHIEF_COMPLAINT)
    assert note is not None
    assert complaint is not None
    assert note.text == LONG_TEXT
    assert complaint.text == (
        "Paramedics arrive with a 62-year-old male who is complaining of chest pressure that started an hour ago."
    )
    assert LONG_TEXT[complaint.source.start : complaint.source.end] == complaint.text
    assert record.missing == (FactKind.TEMPERATURE, FactKind.AVPU)
    assert (case.acuity, case.scale, case.group) == (3, AcuityScale.ESI, "v-1")


def test_a_short_vignette_is_its_own_complaint(write: Write) -> None:
    (case,) = read_vignettes(write([row()], "v.jsonl"))
    complaint = case.record.first(FactKind.CHIEF_COMPLAINT)
    assert complaint is not None
    assert complaint.text == SHORT_TEXT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(rationale=st.text(), acuity=st.integers(1, 5), hidden=st.booleans())
def test_rationale_and_level_never_reach_the_record(
    write: Write, rationale: str, acuity: int, hidden: bool
) -> None:
    changed = row(rationale=rationale, acuity=acuity, has_gpt_answers=hidden, post_diagnosis=rationale)
    (plain,) = read_vignettes(write([row()], "v.jsonl"))
    (other,) = read_vignettes(write([changed], "v.jsonl"))
    assert other.record == plain.record


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "\u201cI ran out of medicine. Can someone write me a prescription?\u201d requests a 56-year-old male. "
            + "Vital signs: BP 128/84. " * 9,
            "\u201cI ran out of medicine. Can someone write me a prescription?\u201d requests a 56-year-old male.",
        ),
        (
            "Quiet night. A 40-year-old presents with fever. " + "He is well. " * 20,
            "A 40-year-old presents with fever.",
        ),
        ("Nothing to see here. " * 12, "Nothing to see here."),
    ],
)
def test_the_main_sentence(text: str, complaint: str) -> None:
    start, end = complaint_span(text)
    assert text[start:end] == complaint


def test_an_empty_vignette_misses_everything(write: Write) -> None:
    (case,) = read_vignettes(write([row("  ")], "v.jsonl"))
    assert case.record.facts == ()
    assert FactKind.CHIEF_COMPLAINT in case.record.missing


def test_labels_may_be_absent(write: Write) -> None:
    path = write([{"case_id": "v-1", "vignette": SHORT_TEXT}], "v.csv")
    assert [case.acuity for case in read_vignettes(path)] == [None]
    path = write([row(acuity=None), row(acuity=2)], "v.jsonl")
    assert [case.acuity for case in read_vignettes(path)] == [2]
    assert [case.acuity for case in read_vignettes(path, labelled_only=False)] == [None, 2]


def test_a_missing_column_is_named_with_its_file(write: Write) -> None:
    with pytest.raises(CorpusError, match=r"v\.jsonl, line 1: missing column vignette"):
        list(read_vignettes(write([{"case_id": "1"}], "v.jsonl")))


@given(st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_a_complaint_is_always_some_of_the_text(text: str) -> None:
    start, end = complaint_span(text)
    assert text[start:end].strip()
    if len(text.strip()) <= SHORT:
        assert text[start:end] == text.strip()


@given(
    st.lists(st.sampled_from(["He fell.", "Well?", "\n", "a" * 90, "BP 120/70.", " "]), min_size=3).map(
        " ".join
    )
)
def test_long_complaints_too(text: str) -> None:
    if text.strip():
        start, end = complaint_span(text)
        assert text[start:end].strip()
