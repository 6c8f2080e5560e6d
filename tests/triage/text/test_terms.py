"""What a note says, denies, remembers and only imagines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.text.context import Assertion
from triage.text.normal_form import normalise
from triage.text.terms import default_matcher, find_terms
from triage.text.tokens import tokenise


def assertions(text: str, concept: str) -> set[Assertion]:
    return {match.assertion for match in find_terms(text) if match.concept == concept}


@pytest.mark.parametrize(
    ("text", "concept", "expected"),
    [
        ("chest pain", "chest_pain", Assertion.PRESENT),
        ("Chest pain x 2 hours, denies SOB", "chest_pain", Assertion.PRESENT),
        ("denies chest pain", "chest_pain", Assertion.NEGATED),
        ("Denied any chest pain or SOB", "dyspnoea", Assertion.NEGATED),
        ("no fever", "fever", Assertion.NEGATED),
        ("without LOC", "loss_of_consciousness", Assertion.NEGATED),
        ("w/o LOC", "loss_of_consciousness", Assertion.NEGATED),
        ("negative for chest pain, dyspnea, fever", "fever", Assertion.NEGATED),
        ("denies fever, chills or chest pain but has dyspnoea", "chest_pain", Assertion.NEGATED),
        ("denies fever, chills or chest pain but has dyspnoea", "dyspnoea", Assertion.PRESENT),
        ("denies fever, has chest pain", "chest_pain", Assertion.PRESENT),
        ("denies LOC, headache 8/10", "headache", Assertion.PRESENT),
        ("no fever, chest pain x 2h", "chest_pain", Assertion.PRESENT),
        ("no fever, vomiting, or chest pain", "chest_pain", Assertion.NEGATED),
        ("no fever. Chest pain since noon", "chest_pain", Assertion.PRESENT),
        ("no nausea or vomiting due to chest pain", "chest_pain", Assertion.PRESENT),
        ("chest pain denied", "chest_pain", Assertion.NEGATED),
        ("fever: no", "fever", Assertion.NEGATED),
        ("LOC (-)", "loss_of_consciousness", Assertion.NEGATED),
        ("no longer has chest pain", "chest_pain", Assertion.NEGATED),
        ("chest pain has resolved", "chest_pain", Assertion.RESOLVED),
        ("chest pain, now resolved", "chest_pain", Assertion.PRESENT),
        ("no sign of septic shock", "shock_named", Assertion.NEGATED),
        ("no evidence of stroke", "stroke_words", Assertion.NEGATED),
        ("does not deny chest pain", "chest_pain", Assertion.PRESENT),
        ("cannot deny chest pain", "chest_pain", Assertion.PRESENT),
        ("denies having no chest pain", "chest_pain", Assertion.PRESENT),
        ("not able to walk because of chest pain", "chest_pain", Assertion.PRESENT),
        ("no relief of chest pain with nitroglycerin", "chest_pain", Assertion.PRESENT),
        ("no change in chest pain", "chest_pain", Assertion.PRESENT),
        ("not breathing", "apnoea", Assertion.PRESENT),
        ("not breathing, seizing", "seizure_active", Assertion.PRESENT),
        ("mother had a stroke", "stroke_words", Assertion.FAMILY),
        ("FHx MI", "acs_named", Assertion.FAMILY),
        ("family history of heart attack", "acs_named", Assertion.FAMILY),
        ("mother states he has chest pain", "chest_pain", Assertion.PRESENT),
        ("mother has noticed seizures", "seizure", Assertion.PRESENT),
        ("history of stroke 2010", "stroke_words", Assertion.HISTORICAL),
        ("hx of seizure", "seizure", Assertion.HISTORICAL),
        ("stroke 3 years ago", "stroke_words", Assertion.HISTORICAL),
        ("2 day history of chest pain", "chest_pain", Assertion.PRESENT),
        ("history of COPD, diabetes, now with chest pain", "chest_pain", Assertion.PRESENT),
        ("history of COPD, chest pain since noon", "chest_pain", Assertion.PRESENT),
        ("6-year-old male fell from a tree", "fall", Assertion.PRESENT),
        ("return if chest pain recurs", "chest_pain", Assertion.HYPOTHETICAL),
        ("r/o MI", "acs_named", Assertion.POSSIBLE),
        ("possible stroke", "stroke_words", Assertion.POSSIBLE),
        ("MI ruled out", "acs_named", Assertion.NEGATED),
        ("Lt. side weakness", "focal_weakness", Assertion.PRESENT),
        ("ant. chest pain", "chest_pain", Assertion.PRESENT),
        ("pain, chest", "chest_pain", Assertion.PRESENT),
        ("epigastric pain", "epigastric_pain", Assertion.PRESENT),
        ("mental change", "altered_mental", Assertion.PRESENT),
        ("haematemesis", "haematemesis", Assertion.PRESENT),
        ("Dyspnoea", "dyspnoea", Assertion.PRESENT),
        ("c/o abd pain", "abdominal_pain", Assertion.PRESENT),
        ("Labored or difficult breathing (dyspnea)", "dyspnoea", Assertion.PRESENT),
        ("cp", "chest_pain", Assertion.PRESENT),
        ("sent by PCP to rule out stroke", "stroke_words", Assertion.POSSIBLE),
        ("non-radiating chest pain", "chest_pain", Assertion.PRESENT),
        ("chest pain - no radiation", "chest_pain", Assertion.PRESENT),
        ("abdominal pain neg UPT", "abdominal_pain", Assertion.PRESENT),
        ("never had chest pain like this before", "chest_pain", Assertion.PRESENT),
        ("no energy chest pain", "chest_pain", Assertion.PRESENT),
        ("no hx, chest pain radiating to jaw", "chest_pain", Assertion.PRESENT),
        ("no history of seizure", "seizure", Assertion.NEGATED),
        ("worse if coughing, chest pain", "chest_pain", Assertion.PRESENT),
        ("return if fever, vomiting or rash", "fever", Assertion.HYPOTHETICAL),
        ("told to come in for chest pain", "chest_pain", Assertion.PRESENT),
        ("here with daughter with chest pain", "chest_pain", Assertion.PRESENT),
        ("s/p fall", "fall", Assertion.PRESENT),
        ("Neuro: no weakness", "weakness", Assertion.NEGATED),
        ("usual self - no palpitations", "palpitations", Assertion.NEGATED),
        ("fever: no cough", "fever", Assertion.PRESENT),
        ("cardiac arrest in 2019", "cardiac_arrest", Assertion.HISTORICAL),
        ("stroke in 2015 and again today", "stroke_words", Assertion.PRESENT),
        ("headache like his stroke in 2018", "headache", Assertion.PRESENT),
    ],
)
def test_assertion(text: str, concept: str, expected: Assertion) -> None:
    assert assertions(text, concept) == {expected}


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("sleep apnea", "apnoea"),
        ("right ear pain", "abdominal_pain"),
        ("police arrested by officers", "cardiac_arrest"),
        ("cold hands", "cold_symptoms"),
        ("painting a chest of drawers", "chest_pain"),
        ("he is a stroker", "stroke_words"),
        ("seizure medication refill", "seizure"),
    ],
)
def test_look_alikes_are_not_found(text: str, concept: str) -> None:
    assert assertions(text, concept) == set()


def test_offsets_point_into_the_original_text() -> None:
    text = "Pt. c/o  Chest\tPAIN, haematemesis; hx of  STROKE."
    for match in find_terms(text):
        assert text[match.start : match.end] == match.text
    assert {match.text for match in find_terms(text)} >= {"Chest\tPAIN", "haematemesis", "STROKE"}


_PLAIN = (
    "fever",
    "chest pain",
    "vomiting",
    "headache",
    "dyspnoea",
    "hematemesis",
    "stridor",
    "seizure",
    "melena",
)
_DENIALS = (
    "denies {}",
    "no {}",
    "without {}",
    "negative for {}",
    "patient denied {}",
    "{} denied",
    "no sign of {}",
)


@given(st.sampled_from(_PLAIN), st.sampled_from(_DENIALS), st.sampled_from(("", "Alert. ", "BP normal, ")))
def test_a_denied_term_never_counts(term: str, frame: str, before: str) -> None:
    text = before + frame.format(term)
    found = [match for match in find_terms(text) if term.startswith(match.text)]
    assert found
    assert all(match.assertion is Assertion.NEGATED for match in found)


@given(st.lists(st.sampled_from(_PLAIN), min_size=2, max_size=4, unique=True))
def test_a_denied_list_is_denied_to_its_end(terms: list[str]) -> None:
    text = f"denies {', '.join(terms[:-1])} or {terms[-1]}"
    assert {match.assertion for match in find_terms(text)} == {Assertion.NEGATED}


@given(st.text(max_size=300))
def test_any_text_is_read_without_error_and_with_true_offsets(text: str) -> None:
    for match in find_terms(text):
        assert text[match.start : match.end] == match.text
    end = 0
    for token in tokenise(text):
        assert end <= token.start < token.end <= len(text)
        assert text[token.start : token.end] == token.raw or not text.isascii()
        end = token.end if text.isascii() else token.start  # a ligature's letters stand in one place


@pytest.mark.parametrize(
    ("first", "second"),
    [("dyspnoea", "dyspnea"), ("haemorrhage", "hemorrhage"), ("seizures", "seizure"), ("allergies", "allergy"),
     ("oedema", "edema"), ("tumour", "tumor"), ("diarrhoea", "diarrhea"), ("paralysed", "paralyzed")],
)  # fmt: skip
def test_spellings_meet(first: str, second: str) -> None:
    assert normalise(first) == normalise(second)


def test_every_pattern_of_the_lexicon_can_be_found() -> None:
    """A concept none of whose patterns can match by its own words would be dead."""
    matcher = default_matcher()
    dead = []
    for concept in matcher.concepts.values():
        words = " ".join(
            part.removesuffix("?").split("|")[0].replace("*", "")
            for part in concept.patterns[0].split()
            if not part.startswith("..") and not part.endswith("?")
        )
        if not concept.name.startswith("_ignored") and concept.name not in {
            m.concept for m in matcher.find(words)
        }:
            dead.append((concept.name, words))
    assert dead == []
