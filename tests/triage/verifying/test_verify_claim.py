"""Every check of a claim, on one patient whose record is in the fixture."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data_schemas import Check, Claim, EsiVersion, FactSource
from triage.guidelines import GuidelineLibrary
from triage.verifying import verify_claim

AT = datetime(2026, 3, 4, 11, 55, tzinfo=UTC)


def source(resource: str) -> FactSource:
    return FactSource(resource_type="Observation", resource_id=resource, path="valueQuantity")


TRUE = [
    {"fact_id": "F4"},
    {"fact_id": "F4", "kind": "heart_rate", "value": 150, "unit": "/min"},
    {"fact_id": "F4", "kind": "heart_rate", "value": 150, "unit": "bpm"},
    {"fact_id": "F4", "direction": "above", "limit": 149},
    {"fact_id": "F4", "direction": "above"},  # the limit of the age: 100
    {"fact_id": "F6", "kind": "temperature", "value": "97.5", "unit": "[degF]"},
    {"fact_id": "F6", "direction": "normal"},
    {"kind": "temperature", "direction": "normal"},
    {"fact_id": "F1", "value": 58, "unit": "a"},
    {"fact_id": "F2", "code": "male"},
    {"fact_id": "F3", "finding": "chest pain", "present": True},
    {"fact_id": "F9", "finding": "fever", "present": False},
    {"fact_id": "F9", "kind": "gcs", "value": 15},  # prose that says it
    {"fact_id": "F4", "observed_at": AT},
    {"fact_id": "F5", "value": 90, "observed_at": AT - timedelta(hours=1)},
    {
        "fact_id": "F4",
        "observed_after": AT - timedelta(minutes=1),
        "observed_before": AT + timedelta(minutes=1),
    },
    {"fact_id": "F4", "encounter_key": "test|Encounter/1", "source": source("hr")},
    {"fact_id": "F4", "statement_id": "esi.d.hr", "scale": "ESI", "esi_version": "5"},
    {"fact_id": "F4", "text": "HR 150 /min, above the limit of 100"},
    {"fact_id": "F4", "text": "Tachycardic"},
    {"fact_id": "F4", "text": "Heart rate is elevated"},
    {"fact_id": "F6", "text": "afebrile at 36.4"},
    {"fact_id": "F7", "text": "BP 152/92 mmHg, not hypotensive"},
    {"fact_id": "F3", "with_facts": ("F9",), "text": "Chest pain for 2 days with sweating, no fever"},
    {"fact_id": "F9", "text": "His mother had a stroke"},
]
FALSE = [
    ({"fact_id": "F4", "text": "a rate of 90"}, Check.VALUE),
    ({"fact_id": "F7", "text": "low blood pressure"}, Check.DIRECTION),
    ({"fact_id": "F3", "text": "The chest pain has resolved"}, Check.NEGATION),
    ({"fact_id": "F4", "text": "racing at 90 on the monitor"}, Check.VALUE),
    ({"fact_id": "F99"}, Check.EXISTENCE),
    ({"fact_id": "F4", "statement_id": "esi.no-such"}, Check.EXISTENCE),
    ({"kind": "oxygen_saturation", "direction": "normal"}, Check.EXISTENCE),
    ({"fact_id": "F4", "text": "SpO2 98 %"}, Check.EXISTENCE),  # never measured
    ({"fact_id": "F4", "text": "T 36.4 C"}, Check.FACT),
    ({"text": "Vital signs are normal"}, Check.EXISTENCE),
    ({"fact_id": "F4", "kind": "temperature", "value": "36.4"}, Check.FACT),
    ({"fact_id": "F7", "text": "DBP 92 mmHg"}, Check.FACT),
    ({"fact_id": "F4", "source": source("t")}, Check.FACT),
    ({"fact_id": "F3", "finding": "headache", "present": True}, Check.FACT),
    ({"fact_id": "F4", "value": 50}, Check.VALUE),
    ({"fact_id": "F4", "text": "HR 105 /min"}, Check.VALUE),
    ({"fact_id": "F7", "text": "BP 152/62"}, Check.VALUE),
    ({"fact_id": "F3", "text": "Chest pain for 7 days"}, Check.VALUE),
    ({"fact_id": "F2", "code": "female"}, Check.VALUE),
    ({"fact_id": "F1", "value": 59, "unit": "a"}, Check.VALUE),
    ({"fact_id": "F6", "value": 37}, Check.VALUE),  # 36.4 is not rounded to 37
    ({"fact_id": "F6", "value": "36.4", "unit": "[degF]"}, Check.UNIT),
    ({"fact_id": "F4", "value": 150, "unit": "mm[Hg]"}, Check.UNIT),
    ({"fact_id": "F1", "value": 58, "unit": "mo"}, Check.UNIT),
    ({"fact_id": "F4", "direction": "below", "limit": 100}, Check.DIRECTION),
    ({"fact_id": "F4", "direction": "normal"}, Check.DIRECTION),
    ({"fact_id": "F4", "text": "Heart rate within normal limits"}, Check.DIRECTION),
    (
        {"fact_id": "F4", "text": "No danger-zone vitals"},
        Check.EXISTENCE,
    ),  # two of the three were never measured
    ({"fact_id": "F7", "text": "hypotensive"}, Check.DIRECTION),
    ({"fact_id": "F3", "text": "Denies chest pain"}, Check.NEGATION),
    ({"fact_id": "F3", "text": "No swelling"}, Check.NEGATION),  # a word that the lexicon does not know
    ({"fact_id": "F9", "finding": "vomiting", "present": True}, Check.NEGATION),
    ({"fact_id": "F9", "finding": "stroke", "present": True}, Check.NEGATION),  # the mother's
    ({"fact_id": "F9", "finding": "chest pain", "present": False}, Check.FACT),
    ({"fact_id": "F4", "observed_at": AT - timedelta(hours=1)}, Check.TIME),
    ({"fact_id": "F4", "observed_before": AT - timedelta(minutes=2)}, Check.TIME),
    ({"fact_id": "F3", "observed_at": AT}, Check.TIME),  # the record does not say when
    ({"fact_id": "F5", "value": 90}, Check.TIME),  # an older reading, given as the patient's now
    ({"fact_id": "F4", "text": "HR 150 yesterday"}, Check.TIME),
    ({"fact_id": "F4", "encounter_key": "test|Encounter/2"}, Check.PATIENT),
    ({"fact_id": "F4", "source": source("somebody-else")}, Check.PATIENT),
    ({"fact_id": "F4", "text": "The wife's HR 150"}, Check.PATIENT),
    ({"fact_id": "F6", "statement_id": "esi5.b.fever-28-days"}, Check.AGE),
    ({"fact_id": "F7", "statement_id": "esi5.b.pregnancy-pressure-high"}, Check.PREGNANCY),
    ({"fact_id": "F4", "statement_id": "esi.d.hr", "scale": "KTAS"}, Check.SCALE),
    ({"fact_id": "F4", "statement_id": "esi.d.hr", "esi_version": "4"}, Check.SCALE),
    ({"fact_id": "F6", "statement_id": "esi.d.hr"}, Check.SUPPORT),
]


@pytest.mark.parametrize("said", TRUE, ids=str)
def test_what_the_record_bears_out_stands(said, patient, library):
    verdict = verify_claim(Claim(**said), patient, library)
    assert verdict.stands, verdict.why


@pytest.mark.parametrize(("said", "check"), FALSE, ids=str)
def test_what_it_does_not_bear_out_is_struck_by_name(said, check, patient, library):
    verdict = verify_claim(Claim(**said), patient, library)
    assert verdict.struck_by is check, verdict.why
    assert verdict.why


def test_a_statement_of_the_other_handbook_is_out_of_scale(patient):
    old = GuidelineLibrary.load(EsiVersion.V4)
    verdict = verify_claim(Claim(fact_id="F4", statement_id="rule5.d.two-vitals-child"), patient, old)
    assert verdict.struck_by is Check.SCALE


def test_missing_is_not_normal_even_where_it_is_said_of_another_fact(patient, library):
    verdict = verify_claim(Claim(fact_id="F4", text="Saturation is normal"), patient, library)
    assert not verdict.stands


def test_why_is_in_a_clinicians_words(patient, library):
    verdict = verify_claim(Claim(fact_id="F4", text="HR 80 /min, below 100"), patient, library)
    assert verdict.why == (
        "it says heart rate 80 /min; the record says 150 /min; it says heart rate below 100 /min; it is 150 /min"
    )


@pytest.mark.parametrize(
    "said",
    [{}, {"kind": "heart_rate"}, {"fact_id": "F1", "limit": 3}, {"fact_id": "F1", "finding": "fever"}],
    ids=str,
)
def test_a_claim_that_says_nothing_is_no_claim(said):
    with pytest.raises(ValidationError):
        Claim(**said)


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(alphabet="HR 0123456789./<>%°CFTno denies fever above below,;-SpO2\n", max_size=80),
    cited=st.sampled_from(["F1", "F3", "F4", "F9"]),
)
def test_no_sentence_makes_it_raise(text, cited, patient, library):
    verify_claim(Claim(fact_id=cited, text=text), patient, library)


@settings(max_examples=100, deadline=None)
@given(number=st.integers(min_value=1, max_value=349))
def test_a_heart_rate_in_a_sentence_stands_only_where_it_is_the_record_s(number, patient, library):
    verdict = verify_claim(Claim(fact_id="F4", text=f"heart rate {number} /min"), patient, library)
    assert verdict.stands == (number == 150)
