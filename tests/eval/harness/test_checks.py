"""What is wrong with a file is said before anything is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cases import Task
from eval.harness.case_set import CaseChoice, case_set
from eval.harness.checks import leaks_answer
from eval.harness.errors import HarnessError
from eval.harness.sampling import digest, smallest, stratified
from eval.predictors import UnreadableCase
from triage.training.corpus import CorpusError


def choice(path, task=Task.KTAS, **more):
    return CaseChoice(task, path, **more)


def test_a_missing_column_is_named(write):
    with pytest.raises((HarnessError, CorpusError), match=r"bad\.csv: missing column.* chief_complaint"):
        case_set(choice(write([{"case_id": "a", "acuity": "2"}], "bad.csv")))


def test_a_missing_label_column_is_named(write):
    with pytest.raises((HarnessError, CorpusError), match=r"missing column acuity"):
        case_set(choice(write([{"case_id": "a", "vignette": "x"}], "bad.csv"), Task.ESI))


@pytest.mark.parametrize("level", ["6", "0", "two", "2.5"])
def test_a_level_outside_one_to_five_is_counted_and_placed(ktas_file, level):
    with pytest.raises(HarnessError, match=r"acuity is no level 1-5 in 3 rows \(case 1, 2, 3\)"):
        case_set(choice(ktas_file(3, acuity=level)))


def test_a_blank_level_is_not_scored(ktas_file, write):
    path = ktas_file(5)
    lines = path.read_text().splitlines()
    header = lines[0].split(",")
    cells = lines[2].split(",")
    cells[header.index("acuity")] = ""
    path.write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]) + "\n")
    assert case_set(choice(path)).labels.case_ids == ("k-0", "k-2", "k-3", "k-4")


def test_the_same_id_twice_is_refused(ktas_file):
    with pytest.raises(HarnessError, match="cases 1 and 2 have the same case_id"):
        case_set(choice(ktas_file(2, case_id="same")))


def test_another_scale_is_refused(ktas_file):
    with pytest.raises(HarnessError, match="on the scale ESI, and ktas is scored on KTAS"):
        case_set(choice(ktas_file(3, scale="ESI")))


@pytest.mark.parametrize(
    "column",
    ["post_diagnosis", "nurse_acuity", "acuity", "design_HOSPCODE", "esi_level", "Disposition", "icd10"],
)
def test_a_column_that_gives_the_answer_away_is_no_input(ktas_file, column):
    assert leaks_answer(column)
    with pytest.raises(HarnessError, match="never an input"):
        case_set(choice(ktas_file(3), inputs=(column,)))


@pytest.mark.parametrize("column", ["arrival_time", "residence", "seen_72h", "language", "age_years"])
def test_what_is_known_at_triage_may_be_an_input(column):
    assert not leaks_answer(column)


def test_a_further_input_is_shown_as_a_note(ktas_file):
    found = case_set(choice(ktas_file(3, language="Korean"), inputs=("language",)))
    assert all(any(fact.text == "language: Korean" for fact in case.record.facts) for case in found.readable)


def test_a_case_of_which_nothing_is_known_is_kept_as_unreadable(write):
    rows = [
        {"case_id": "e-1", "vignette": "A 30-year-old man twisted his ankle. HR 78.", "acuity": "4"},
        {"case_id": "e-2", "vignette": " ", "acuity": "2"},
    ]
    found = case_set(choice(write(rows, "esi.csv"), Task.ESI))
    assert isinstance(found.cases[1], UnreadableCase)
    assert len(found.labels) == 2


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), st.integers(1, 5), min_size=1, max_size=60),
    st.integers(1, 60),
)
def test_a_stratified_sample_keeps_the_shares_and_is_chosen_by_hash(levels, size):
    chosen = stratified(levels, size)
    assert len(chosen) == min(size, len(levels))
    assert list(chosen) == [case_id for case_id in levels if case_id in set(chosen)]
    assert set(stratified(dict(reversed(levels.items())), size)) == set(chosen)
    for level in set(levels.values()):
        own = [case_id for case_id in levels if levels[case_id] == level]
        taken = [case_id for case_id in chosen if levels[case_id] == level]
        if size < len(levels):
            assert abs(len(taken) - size * len(own) / len(levels)) < 1
        assert set(taken) == set(sorted(own, key=digest)[: len(taken)])


def test_the_smallest_hashes_stay_in_order():
    ids = [f"c-{number}" for number in range(20)]
    chosen = smallest(ids, 5)
    assert list(chosen) == [case_id for case_id in ids if case_id in chosen]
    assert max(map(digest, chosen)) < min(digest(case_id) for case_id in ids if case_id not in chosen)
