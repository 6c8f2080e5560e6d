"""The boosting comparator: learns, repeats itself, comes back from disk the same, and sees no held-out hospital."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_schemas import AcuityScale
from triage.baselines import BaselineError, Boosting, BoostingConfig, FeatureConfig, Majority, out_of_fold
from triage.baselines.boosting import COLUMNS_FILE, MODEL_FILE
from triage.esi import screen
from triage.guidelines import record_from
from triage.training.corpus import LabelledCase


@pytest.fixture(scope="module")
def model(cases: list[LabelledCase], small: BoostingConfig) -> Boosting:
    return Boosting.fit(cases, small)


def truth(cases: list[LabelledCase]) -> np.ndarray:
    return np.array([case.acuity for case in cases])


def test_probabilities_are_distributions_and_find_the_level(
    model: Boosting, cases: list[LabelledCase]
) -> None:
    found = model.predict_proba([case.record for case in cases])
    assert found.shape == (len(cases), 5)
    assert np.all(found >= 0)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.mean(found.argmax(axis=1) + 1 == truth(cases)) > 0.95
    assert model.predict_proba([]).shape == (0, 5)


def test_an_unseen_patient_is_judged_by_words_and_vital_signs(model: Boosting) -> None:
    ill = record_from({"age": "61 a", "complaint": "sweating with chest pain", "hr": 120})
    well = record_from({"age": "61 a", "complaint": "refill of prescription", "hr": 64})
    high = model.predict_proba([ill, well])[:, :2].sum(axis=1)
    assert high[0] > 0.5 > high[1]


def test_equal_input_gives_equal_trees(
    model: Boosting, cases: list[LabelledCase], small: BoostingConfig
) -> None:
    again = Boosting.fit(cases, small, [screen(case.record) for case in cases])
    records = [case.record for case in cases]
    assert again.rounds == model.rounds
    assert np.array_equal(again.predict_proba(records), model.predict_proba(records))


def test_another_seed_gives_other_trees(
    model: Boosting, cases: list[LabelledCase], small: BoostingConfig
) -> None:
    other = Boosting.fit(cases, small.model_copy(update={"seed": 8}))
    records = [case.record for case in cases]
    assert not np.array_equal(other.predict_proba(records), model.predict_proba(records))


def test_neighbours_do_not_change_an_answer(model: Boosting, cases: list[LabelledCase]) -> None:
    records = [case.record for case in cases[:20]]
    together = model.predict_proba(records)
    assert np.array_equal(together, np.vstack([model.predict_proba([record]) for record in records]))


def test_a_saved_model_gives_equal_probabilities(
    model: Boosting, cases: list[LabelledCase], tmp_path: Path
) -> None:
    model.save(tmp_path / "model")
    loaded = Boosting.load(tmp_path / "model")
    records = [*(case.record for case in cases), record_from({"complaint": "something else"})]
    assert np.array_equal(loaded.predict_proba(records), model.predict_proba(records))
    assert (loaded.rounds, loaded.config, loaded.columns) == (model.rounds, model.config, model.columns)
    loaded.save(tmp_path / "again")
    for name in (MODEL_FILE, COLUMNS_FILE):
        assert (tmp_path / "model" / name).read_text() == (tmp_path / "again" / name).read_text()


def _swapped(columns: str) -> str:
    return columns.replace('"age_years"', '"?"').replace('"pain"', '"age_years"').replace('"?"', '"pain"')


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (MODEL_FILE, lambda trees: trees.replace("leaf_value=", "leaf_value=9", 1)),
        (COLUMNS_FILE, lambda columns: columns.replace('"age_years",', "", 1)),
        (COLUMNS_FILE, _swapped),
        (COLUMNS_FILE, lambda columns: columns.replace('"rules": true', '"rules": false')),
    ],
)
def test_trees_or_columns_that_are_not_as_saved_are_refused(
    model: Boosting, tmp_path: Path, name: str, damage: Callable[[str], str]
) -> None:
    model.save(tmp_path)
    saved = (tmp_path / name).read_text()
    assert damage(saved) != saved
    (tmp_path / name).write_text(damage(saved))
    with pytest.raises(BaselineError, match="are not as saved"):
        Boosting.load(tmp_path)


def test_a_folder_that_holds_no_model_is_named(model: Boosting, tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"nowhere: is not a saved boosting model"):
        Boosting.load(tmp_path / "nowhere")
    model.save(tmp_path)
    (tmp_path / COLUMNS_FILE).write_text("{}")
    with pytest.raises(BaselineError, match="is not a saved boosting model"):
        Boosting.load(tmp_path)


def test_a_level_that_was_never_seen_gets_almost_nothing(
    cases: list[LabelledCase], small: BoostingConfig
) -> None:
    model = Boosting.fit([case for case in cases if case.acuity != 1], small)
    found = model.predict_proba([case.record for case in cases])
    assert np.allclose(found.sum(axis=1), 1)
    assert found[:, 0].max() < 1e-6


def test_without_patience_all_rounds_are_grown(cases: list[LabelledCase], small: BoostingConfig) -> None:
    plain = small.model_copy(update={"patience": None, "rounds": 4})
    one_site = [case for case in cases if case.group == "hospital-0"]
    assert Boosting.fit(one_site, plain).rounds == 4
    with pytest.raises(ValueError, match="holds whole groups out"):
        Boosting.fit(one_site, small)


def test_cases_that_cannot_be_fitted_are_named(cases: list[LabelledCase]) -> None:
    unlabelled = cases[0].model_copy(update={"acuity": None})
    other_scale = cases[0].model_copy(update={"scale": AcuityScale.KTAS})
    for fit in (Boosting.fit, Majority.fit):
        with pytest.raises(ValueError, match="no case to fit"):
            fit([])
        with pytest.raises(ValueError, match="1 of 2 cases have no level"):
            fit([cases[1], unlabelled])
        with pytest.raises(ValueError, match="ESI, KTAS"):
            fit([cases[1], other_scale])


def test_out_of_fold_models_never_saw_the_hospital_that_they_judge(cases: list[LabelledCase]) -> None:
    """Each hospital's complaints hold a word of its own: it shows in the columns of every model that saw them."""
    hospitals = {case.group: case.group.replace("-", "") + "word" for case in cases}
    features = FeatureConfig(words=400, parts=0, history=0, min_count=1)
    config = BoostingConfig(features=features, rounds=10, patience=None, min_leaf=5, learning_rate=0.3)
    unseen: list[str] = []

    def note(_: int, model: Boosting) -> None:
        unseen.extend(word for word in hospitals.values() if word not in model.columns.words)

    found = out_of_fold(cases, config, folds=4, progress=note)
    assert sorted(unseen) == sorted(hospitals.values())  # every hospital judged once, by a model without it
    assert np.allclose(found.sum(axis=1), 1)
    assert np.mean(found.argmax(axis=1) + 1 == truth(cases)) > 0.9


def test_out_of_fold_rows_stay_with_their_cases(cases: list[LabelledCase], small: BoostingConfig) -> None:
    screenings = [screen(case.record) for case in cases]
    given = out_of_fold(cases, small, screenings, folds=2)
    assert np.array_equal(given, out_of_fold(cases, small, folds=2))
    assert np.mean(given.argmax(axis=1) + 1 == truth(cases)) > 0.9


def test_more_folds_than_hospitals_is_an_error(cases: list[LabelledCase]) -> None:
    with pytest.raises(ValueError, match="9 folds"):
        out_of_fold(cases, folds=9)
