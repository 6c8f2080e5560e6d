"""The training prior."""

from pathlib import Path

import numpy as np
import pytest

from data_schemas import AcuityScale
from triage.baselines import BaselineError, Majority
from triage.training.corpus import LabelledCase


def test_everyone_gets_the_shares_of_the_training_levels(cases: list[LabelledCase]) -> None:
    chosen = [case for case in cases if case.acuity == 3][:3] + [case for case in cases if case.acuity == 2][
        :1
    ]
    prior = Majority.fit(chosen)
    assert prior.probabilities.p == (0, 0.25, 0.75, 0, 0)
    assert (prior.level, prior.cases, prior.scale) == (3, 4, AcuityScale.ESI)
    found = prior.predict_proba([case.record for case in cases[:7]])
    assert found.shape == (7, 5)
    assert np.array_equal(found, np.tile([0, 0.25, 0.75, 0, 0], (7, 1)))
    assert prior.predict_proba([]).shape == (0, 5)


def test_of_equally_frequent_levels_the_more_urgent_is_given(cases: list[LabelledCase]) -> None:
    assert Majority.fit(cases).level == 1


def test_it_comes_back_from_disk(cases: list[LabelledCase], tmp_path: Path) -> None:
    prior = Majority.fit(cases)
    prior.save(tmp_path / "prior.json")
    assert Majority.load(tmp_path / "prior.json") == prior
    (tmp_path / "prior.json").write_text("[]")
    for name in ("prior.json", "absent.json"):
        with pytest.raises(BaselineError, match="fit and save it again"):
            Majority.load(tmp_path / name)
