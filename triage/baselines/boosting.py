"""Gradient boosting on the facts and words of the intake record: the comparator that the language model must beat."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from sklearn.model_selection import GroupShuffleSplit

from data_schemas import LEVELS, IntakeRecord, Screening
from data_schemas._base import Frozen
from triage.baselines.features import FeatureConfig, FeatureSpace
from triage.baselines.labels import BaselineError, Probabilities, labels_of
from triage.esi import screen
from triage.training.corpus import LabelledCase

MODEL_FILE = "model.txt"
COLUMNS_FILE = "columns.json"


class BoostingConfig(Frozen):
    """How the trees are grown.

    ``rounds``: the most boosting rounds, each of five trees. ``patience``: stop after so many rounds without a
    better log loss on a ``held`` share of the groups (hospitals are never split); None grows all rounds on all cases.
    """

    features: FeatureConfig = FeatureConfig()
    rounds: int = Field(default=400, ge=1)
    patience: int | None = Field(default=20, ge=1)
    held: float = Field(default=0.1, gt=0.0, lt=1.0)
    learning_rate: float = Field(default=0.08, gt=0.0)
    leaves: int = Field(default=31, ge=2)
    min_leaf: int = Field(default=40, ge=1)
    column_share: float = Field(default=0.3, gt=0.0, le=1.0)
    ridge: float = Field(default=5.0, ge=0.0)
    seed: int = 7


class _Saved(Frozen):
    """What lies beside the trees: nothing in it is executed on loading."""

    format: Literal[1] = 1
    sha256: str
    """Of the trees, the settings and the columns together: columns in another order would be read as others."""
    config: BoostingConfig
    columns: FeatureSpace


class Boosting:
    """A fitted model. Make one with ``fit`` or ``load``. One thread, so that equal input gives equal trees."""

    def __init__(self, config: BoostingConfig, columns: FeatureSpace, booster: lightgbm.Booster) -> None:
        self.config = config
        self.columns = columns
        self._booster = booster

    @classmethod
    def fit(
        cls,
        cases: Sequence[LabelledCase],
        config: BoostingConfig | None = None,
        screenings: Sequence[Screening] | None = None,
    ) -> Self:
        """Fit on the records of ``cases``; label and group are used as such and never as input.

        ``screenings``, one a case, saves screening again where the rules are features.

        Raises:
            ValueError: no cases, a case without a level, cases of several scales, or too few groups to hold some out.
        """
        config = config or BoostingConfig()
        labels = labels_of(cases)
        records = [case.record for case in cases]
        found = _screenings(config, records, screenings)
        columns = FeatureSpace.fit(config.features, records, found)
        matrix = columns.transform(records, found)
        if config.patience is None:
            booster = lightgbm.train(_parameters(config), _dataset(matrix, labels), config.rounds)
            return cls(config, columns, booster)
        groups = [case.group for case in cases]
        if len(set(groups)) < 2:
            raise ValueError("early stopping holds whole groups out: give two or more, or patience=None")
        split = GroupShuffleSplit(1, test_size=config.held, random_state=config.seed)
        grown, watched = next(split.split(matrix, labels, groups))
        training = _dataset(matrix[grown], labels[grown])
        booster = lightgbm.train(
            _parameters(config),
            training,
            config.rounds,
            valid_sets=[training.create_valid(matrix[watched], labels[watched])],
            callbacks=[lightgbm.early_stopping(config.patience, verbose=False)],
        )
        return cls(config, columns, booster)

    @property
    def rounds(self) -> int:
        """How many boosting rounds are used."""
        best = int(self._booster.best_iteration)  # 0 or less where nothing stopped early
        return best if best > 0 else int(self._booster.current_iteration())

    def predict_proba(
        self, records: Sequence[IntakeRecord], screenings: Sequence[Screening] | None = None
    ) -> Probabilities:
        """Probabilities of levels 1-5, shape (n, 5). A level that no training case had gets almost none."""
        if not records:
            return np.zeros((0, len(LEVELS)))
        found = _screenings(self.config, records, screenings)
        matrix = self.columns.transform(records, found)
        return np.asarray(
            self._booster.predict(matrix, num_iteration=self.rounds, num_threads=1), dtype=np.float64
        )

    def save(self, folder: Path) -> None:
        """Write ``model.txt`` (LightGBM's text form) and ``columns.json`` (columns, settings, hash of all).

        The vocabulary is made of words of the training texts: treat it like them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        text = self._booster.model_to_string(num_iteration=self.rounds)
        (folder / MODEL_FILE).write_text(text, encoding="utf-8")
        digest = _digest(text, self.config, self.columns)
        saved = _Saved(sha256=digest, config=self.config, columns=self.columns)
        (folder / COLUMNS_FILE).write_text(saved.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote. Nothing is unpickled.

        Raises:
            BaselineError: a file is missing or damaged, or trees and columns are not of one model.
        """
        try:
            text = (folder / MODEL_FILE).read_text(encoding="utf-8")
            saved = _Saved.model_validate_json((folder / COLUMNS_FILE).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise BaselineError(
                f"{folder.name}: is not a saved boosting model; fit and save it again"
            ) from error
        if _digest(text, saved.config, saved.columns) != saved.sha256:
            raise BaselineError(f"{folder.name}: trees and columns are not as saved; fit and save it again")
        return cls(saved.config, saved.columns, lightgbm.Booster(model_str=text))


def _screenings(
    config: BoostingConfig, records: Sequence[IntakeRecord], given: Sequence[Screening] | None
) -> Sequence[Screening] | None:
    if not config.features.rules or given is not None:
        return given
    return [screen(record) for record in records]


def _dataset(matrix: Any, labels: NDArray[np.int64]) -> lightgbm.Dataset:
    return lightgbm.Dataset(matrix, labels, free_raw_data=False, params={"verbosity": -1, "num_threads": 1})


def _parameters(config: BoostingConfig) -> dict[str, Any]:
    return {
        "objective": "multiclass",
        "num_class": len(LEVELS),
        "metric": "multi_logloss",
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_leaf,
        "feature_fraction": config.column_share,
        "lambda_l2": config.ridge,
        "max_bin": 127,
        "seed": config.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def _digest(trees: str, config: BoostingConfig, columns: FeatureSpace) -> str:
    parts = (trees, config.model_dump_json(), columns.model_dump_json())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
