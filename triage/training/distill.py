"""Make a teacher's file: out-of-fold probabilities of gradient boosting for the cases a recipe trains on."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from triage.baselines import Boosting, BoostingConfig, FeatureConfig, out_of_fold
from triage.training.config import RecipeError
from triage.training.corpus import LabelledCase
from triage.training.files import write_safely
from triage.training.teacher import COLUMNS

TEACHER = BoostingConfig(features=FeatureConfig(rules=True), learning_rate=0.1, rounds=300, patience=15)
"""With what the rules found among its features, as the language model has it in its prompt."""


def write_teacher(
    cases: Iterable[LabelledCase],
    path: Path,
    config: BoostingConfig = TEACHER,
    folds: int = 5,
    progress: Callable[[int, Boosting], None] = lambda fold, model: None,
) -> int:
    """Write ``case_id``, ``p1`` to ``p5`` as parquet, each case by a model that has not seen its hospital.

    Returns:
        How many cases there are.

    Raises:
        RecipeError: a case id is there twice, or there are fewer groups than folds.
    """
    labelled = [case for case in cases if case.acuity is not None]
    ids = [case.case_id for case in labelled]
    if len(set(ids)) != len(ids):
        raise RecipeError("a case id is there twice: the teacher's file would be ambiguous")
    groups = len({case.group for case in labelled})
    if groups < folds:
        raise RecipeError(f"{folds} folds need as many hospitals or years; the cases have {groups}")
    table = out_of_fold(labelled, config, folds=folds, progress=progress)
    columns = {"case_id": ids, **{name: table[:, k] for k, name in enumerate(COLUMNS[1:])}}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_safely(path, partial(parquet.write_table, pa.table(columns)))
    return len(ids)
