"""Marks in a text, limits of an age, courses: without a screen."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import EsiVersion, FactKind, FactSource, IntakeRecord, PatientIdentity, Reason, ReasonOrigin
from integrations.intake import FORM_SYSTEM
from triage.facts import make_fact
from triage.verifying import Pointer
from ui.dashboard.patient.courses import courses, limit_of
from ui.dashboard.patient.exhibits import Exhibit, marked, resting_on
from ui.dashboard.patient.identity import identifiers
from ui.dashboard.patient.suggestion import percent
from ui.dashboard.patient.words import in_a_sentence

NOTE = "Pulled from car. Blue lips, pinpoint pupils."
SOURCE = FactSource(
    resource_type="DocumentReference", resource_id="1", path="content", start=100, end=100 + len(NOTE)
)


def note(text=NOTE, source=SOURCE):
    return make_fact(4, FactKind.TRIAGE_NOTE, source=source, text=text)


def exhibit(number, *spans, fact="F4", source=SOURCE, text=NOTE):
    places = tuple(
        Pointer(
            fact_id=fact,
            resource_type=source.resource_type,
            resource_id=source.resource_id,
            path=source.path,
            start=(source.start or 0) + start,
            end=(source.start or 0) + end,
            quote=text[start:end],
        )
        for start, end in spans
    )
    reason = Reason(origin=ReasonOrigin.RULES, text="x", fact_ids=(fact,))
    return Exhibit(number, reason, None, places)


def test_the_very_characters_are_marked():
    pieces = marked(note(), [exhibit(1, (17, 26)), exhibit(2, (28, 43))])
    assert [(p.words, p.numbers) for p in pieces if p.numbers] == [
        ("Blue lips", (1,)),
        ("pinpoint pupils", (2,)),
    ]
    assert "".join(piece.words for piece in pieces) == NOTE


def test_overlapping_evidence_is_told_apart():
    pieces = marked(note(), [exhibit(1, (0, 10)), exhibit(2, (7, 15))])
    assert [(p.words, p.numbers) for p in pieces[:3]] == [("Pulled ", (1,)), ("fro", (1, 2)), ("m car", (2,))]


def test_a_fact_read_out_of_the_note_is_marked_in_the_note():
    found = [exhibit(3, (17, 26), fact="F9")]
    assert [p.numbers for p in marked(note(), found) if p.numbers] == [(3,)]


def test_another_resource_marks_nothing():
    other = FactSource(resource_type="DocumentReference", resource_id="2", path="content", start=100, end=140)
    found = [exhibit(3, (17, 26), fact="F9", source=other)]
    assert [p.numbers for p in marked(note(), found)] == [()]
    assert resting_on(note(), found) == ()


@given(
    st.text(min_size=1, max_size=60),
    st.lists(
        st.tuples(st.integers(0, 70), st.integers(0, 70)).filter(lambda span: span[0] < span[1]), max_size=6
    ),
)
def test_marks_lose_no_character_and_never_leave_the_text(text, spans):
    source = FactSource(resource_type="Encounter", path="reasonCode")
    found = [exhibit(n, span, source=source, text=text) for n, span in enumerate(spans, start=1)]
    pieces = marked(note(text, source), found)
    assert "".join(piece.words for piece in pieces) == text
    at = 0
    for piece in pieces:
        for number in piece.numbers:
            start, end = spans[number - 1]
            assert start <= at
            assert at + len(piece.words) <= max(end, 0)
        at += len(piece.words)


@pytest.mark.parametrize(
    ("kind", "days", "value", "above"),
    [
        (FactKind.HEART_RATE, 10, 190, True),
        (FactKind.HEART_RATE, 40 * 365.25, 100, True),
        (FactKind.RESPIRATORY_RATE, 4 * 365.25, 35, True),
        (FactKind.OXYGEN_SATURATION, 4 * 365.25, 92, False),
        (FactKind.SYSTOLIC_BP, 40 * 365.25, 90, False),
    ],
)
def test_limits_are_those_of_the_age(kind, days, value, above):
    limit, lacking = limit_of(kind, Decimal(days), EsiVersion.V5)
    assert (limit.value, limit.above, lacking) == (Decimal(value), above, False)
    assert not limit.beyond(limit.value)
    assert limit.beyond(limit.value + (1 if above else -1))


@pytest.mark.parametrize("kind", [FactKind.HEART_RATE, FactKind.RESPIRATORY_RATE, FactKind.SYSTOLIC_BP])
def test_without_an_age_there_is_no_limit_and_it_is_said(kind):
    assert limit_of(kind, None, EsiVersion.V5) == (None, True)


def test_a_course_joins_the_runs_and_counts_a_value_once():
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def record(*points):
        facts = tuple(
            make_fact(
                n,
                FactKind.HEART_RATE,
                source=FactSource(resource_type="Observation", path="value"),
                value=v,
                observed_at=t,
            )
            for n, (t, v) in enumerate(points, start=1)
        )
        return IntakeRecord(
            encounter_key="t|Encounter/1",
            patient=PatientIdentity(reference="Patient/1"),
            read_at=at,
            facts=facts,
        )

    later = at + timedelta(minutes=10)
    found = courses(record((later, 120), (at, 80)), [record((at, 80))])
    heart = next(course for course in found if course.kind is FactKind.HEART_RATE)
    assert [int(value) for _, value in heart.points] == [80, 120]
    assert heart.age_lacking


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0 %"), (0.001, "< 1 %"), (0.31, "31 %"), (0.999, "> 99 %"), (1.0, "100 %")]
)
def test_shares_never_say_certain_where_it_is_not(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ((f"{FORM_SYSTEM}|3f2b.1", "|MRN-2"), ("Ada Example", "MRN-2", "born 1984-05-17")),
        ((f"{FORM_SYSTEM}|3f2b.1",), ("Ada Example", "born 1984-05-17")),
        (("urn:hospital|81-7|x", f"{FORM_SYSTEM}|3f2b.1"), ("Ada Example", "x", "born 1984-05-17")),
    ],
)
def test_the_id_of_our_own_form_is_on_no_wristband(known, shown):
    record = IntakeRecord(
        encounter_key="t|Encounter/1",
        patient=PatientIdentity(
            reference="Patient/1",
            names=("Ada Example",),
            identifiers=known,
            birth_date=date(1984, 5, 17),
        ),
        read_at=datetime(2026, 3, 5, tzinfo=UTC),
        facts=(),
    )
    assert identifiers(record) == shown


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Consciousness (AVPU)", "consciousness (AVPU)"),
        ("GCS eyes", "GCS eyes"),
        ("Oxygen saturation", "oxygen saturation"),
        ("", ""),
    ],
)
def test_abbreviations_keep_their_capitals_in_a_sentence(name, inside):
    assert in_a_sentence(name) == inside
