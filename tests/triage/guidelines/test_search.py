"""Looking statements up: what holds comes first, what is about others is left out, and the order is always the same."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas import EsiVersion
from triage.guidelines import GuidelineLibrary, record_from
from triage.text.terms import default_matcher

LIBRARIES = {version: GuidelineLibrary.load(version) for version in EsiVersion}
LIBRARY = LIBRARIES[EsiVersion.V5]
WORDS = st.lists(
    st.sampled_from(
        [word for item in LIBRARY for word in item.text.split()]
        + ["SOB", "CP", "baby", "zzz", "39", "-", "of the", "nausea/vomiting"]
    ),
    max_size=6,
).map(" ".join)
PATIENTS = st.fixed_dictionaries(
    {},
    optional={
        "age": st.sampled_from(["5 d", "40 d", "8 mo", "2 a", "11 a", "25 a", "54 a", "70 a"]),
        "sex": st.sampled_from(["male", "female", "other", "unknown"]),
        "pregnancy": st.sampled_from(["pregnant", "postpartum", "not-pregnant"]),
        "complaint": st.sampled_from(
            ["chest pain", "abdominal pain", "fever", "headache", "vaginal bleeding"]
        ),
        "hr": st.integers(30, 230),
        "temp": st.decimals(34, 41, places=1),
        "spo2": st.integers(60, 100),
        "sbp": st.integers(60, 220),
    },
)
EVERYTHING = 10_000


@settings(deadline=None, max_examples=60)
@given(text=WORDS, patient=PATIENTS, version=st.sampled_from(list(EsiVersion)), limit=st.integers(1, 20))
def test_the_order_and_the_scope_hold_whatever_is_asked(text, patient, version, limit):
    library, record = LIBRARIES[version], record_from(patient)
    found = library.search(text, record, limit=EVERYTHING)
    holding = {match.statement.id for match in library.applicable(record)}
    assert {hit.statement.id for hit in found if hit.match is not None} == holding
    assert all(hit.match is not None for hit in found[: len(holding)])
    for part in (found[: len(holding)], found[len(holding) :]):
        keys = [(-hit.score, hit.statement.level, hit.statement.id) for hit in part]
        assert keys == sorted(keys)
    for hit in found:
        assert version in hit.statement.scope.esi
        assert not hit.statement.scope.excludes(record)
        assert hit.match is not None or hit.score > 0
        assert hit.open_scope == hit.statement.scope.refusal(record, version)
    assert library.search(text, record, limit=limit) == found[:limit]
    assert GuidelineLibrary(reversed(list(library)), version).search(text, record, limit=EVERYTHING) == found


@settings(deadline=None, max_examples=60)
@given(patient=PATIENTS, known=PATIENTS)
def test_who_is_excluded_by_little_is_excluded_by_more(patient, known):
    """And an exclusion is always a refusal of the rules: the search never hides what a rule would use."""
    for item in LIBRARY:
        record = record_from(patient)
        if item.scope.excludes(record):
            assert item.scope.refusal(record, LIBRARY.version) is not None
            assert item.scope.excludes(record_from(known | patient))


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=60))
def test_any_text_is_searched_and_none_makes_it_raise(text):
    for hit in LIBRARY.search(text):
        assert hit.score > 0
        assert hit.match is None


def test_every_statement_is_found_by_its_own_words():
    places = []
    for item in LIBRARY:
        found = [hit.statement.id for hit in LIBRARY.search(item.text, limit=EVERYTHING)]
        places.append(found.index(item.id))
    assert max(places) < 5
    assert sum(place == 0 for place in places) / len(places) > 0.95


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SOB", "esi.b.dyspnoea"),
        ("heart attack", "esi5.b.acs"),
        ("can't breathe", "esi.b.respiratory-distress"),
        ("fever chemo", "esi5.b.chemo-fever"),
        ("ectopic", "esi.b.ectopic"),
        ("wants to kill himself", "esi.b.suicidal"),
    ],
)
def test_the_words_of_a_triage_desk_find_it_among_the_first_five(text, wanted):
    assert wanted in [hit.statement.id for hit in LIBRARY.search(text, limit=5)]


def test_what_is_only_excluded_is_not_what_a_statement_is_about():
    ectopic = LIBRARY.by_id("esi.b.ectopic")
    assert "labour" in default_matcher().concepts
    assert ectopic.id not in [hit.statement.id for hit in LIBRARY.search("in labour", limit=EVERYTHING)]


def test_what_is_not_known_is_left_in_and_said():
    ectopic = LIBRARY.by_id("esi.b.ectopic")
    own = ectopic.model_copy(update={"scope": ectopic.scope.model_copy(update={"pregnancy": ("pregnant",)})})
    library = GuidelineLibrary([own], EsiVersion.V5)
    (hit,) = library.search("ectopic", record_from({"age": "25 a", "sex": "female"}))
    assert hit.open_scope == "it is about patients who are pregnant"
    (hit,) = library.search("ectopic", record_from({"sex": "female", "pregnancy": "pregnant"}))
    assert "age is not known" in hit.open_scope
    for other in ({"pregnancy": "postpartum"}, {"sex": "male"}, {"age": "60 a"}):
        assert library.search("ectopic", record_from(other)) == ()


def test_an_empty_library_finds_nothing_and_a_limit_of_none_is_refused(caplog):
    with caplog.at_level(logging.DEBUG):
        assert GuidelineLibrary([], EsiVersion.V5).search("chest pain") == ()
        LIBRARY.search("chest pain")
    assert "chest" not in caplog.text
    with pytest.raises(ValueError, match="limit"):
        LIBRARY.search("chest pain", limit=0)
