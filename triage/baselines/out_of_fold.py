"""Probabilities for every training case from a model that has not seen its hospital: the teacher for distillation."""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from data_schemas import LEVELS, Screening
from triage.baselines.boosting import Boosting, BoostingConfig
from triage.baselines.labels import Probabilities
from triage.training.corpus import LabelledCase


def out_of_fold(
    cases: Sequence[LabelledCase],
    config: BoostingConfig | None = None,
    screenings: Sequence[Screening] | None = None,
    folds: int = 5,
    progress: Callable[[int, Boosting], None] = lambda fold, model: None,
) -> Probabilities:
    """Shape (n, 5): each case's probabilities from a model fitted on the other folds; no group is split.

    ``progress`` is told each fold's number and model.

    Raises:
        ValueError: fewer groups than folds, or as ``Boosting.fit``.
    """
    config = config or BoostingConfig()
    groups = [case.group for case in cases]
    if len(set(groups)) < folds:
        raise ValueError(f"{folds} folds need as many groups; the cases have {len(set(groups))}")
    levels = [case.acuity or 0 for case in cases]
    table = np.full((len(cases), len(LEVELS)), np.nan)
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=config.seed)
    for number, (seen, unseen) in enumerate(split.split(np.zeros(len(cases)), levels, groups), start=1):
        model = Boosting.fit([cases[i] for i in seen], config, _of(screenings, seen))
        table[unseen] = model.predict_proba([cases[i].record for i in unseen], _of(screenings, unseen))
        progress(number, model)
    return table


def _of(screenings: Sequence[Screening] | None, rows: Sequence[int]) -> list[Screening] | None:
    return None if screenings is None else [screenings[i] for i in rows]
