"""A small text encoder, frozen, and a logistic regression on it: the comparator between boosting and language model.

It reads the patient's words as sentences, which boosting does not, and has a sixth of the language model's weights.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.special import softmax  # type: ignore[import-untyped, unused-ignore]
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold

from data_schemas import LEVELS, FactKind, IntakeRecord
from data_schemas._base import Frozen
from triage.baselines.fact_bins import FactBins
from triage.baselines.labels import BaselineError, Probabilities, labels_of
from triage.baselines.minilm import DIMENSIONS, WEIGHTS_SHA256, SentenceEncoder
from triage.training.corpus import LabelledCase

WEIGHTS_FILE = "weights.safetensors"
SETTINGS_FILE = "encoder.json"

_TEXTS: tuple[tuple[FactKind, ...], ...] = (
    (FactKind.CHIEF_COMPLAINT, FactKind.TRIAGE_NOTE),
    (FactKind.CONDITION, FactKind.MEDICATION, FactKind.ALLERGY),
)
"""What was said and what was known before: each the mean of the embeddings of its facts."""

_UNSEEN = 1e-9  # probability of a level that no training case had


class EncoderConfig(Frozen):
    """How the regression is fitted.

    ``strengths``: inverses of the L2 penalty; the one with the best log loss in ``folds``-fold cross-validation over
    whole groups is taken. ``folds`` None takes the first without looking.
    """

    strengths: tuple[float, ...] = Field(default=(0.0003, 0.001, 0.003, 0.01, 0.03), min_length=1)
    folds: int | None = Field(default=3, ge=2)
    iterations: int = Field(default=500, ge=1)
    seed: int = 7


class _Saved(Frozen):
    """What lies beside the weights: nothing in it is executed on loading."""

    format: Literal[1] = 1
    sha256: str
    """Of the weights and everything here together."""
    sentence_model_sha256: str
    """Other embeddings than the fitted ones would be read as those."""
    config: EncoderConfig
    strength: float
    bins: FactBins


class Encoder:
    """A fitted model. Make one with ``fit`` or ``load``; both need the sentence model (``triage.baselines.minilm``).

    Args:
        config: how it was fitted.
        strength: the one that was taken.
        bins: the columns of the facts.
        weights: shape (5, 2 * 384 + facts); ``intercepts``: shape (5,), minus infinity for a level never seen.
        sentences: the sentence model.
    """

    def __init__(
        self,
        config: EncoderConfig,
        strength: float,
        bins: FactBins,
        weights: NDArray[np.float64],
        intercepts: NDArray[np.float64],
        sentences: SentenceEncoder,
    ) -> None:
        self.config = config
        self.strength = strength
        self.bins = bins
        self._weights = weights
        self._intercepts = intercepts
        self._sentences = sentences

    @classmethod
    def fit(
        cls,
        cases: Sequence[LabelledCase],
        config: EncoderConfig | None = None,
        sentences: SentenceEncoder | None = None,
    ) -> Self:
        """Fit on the records of ``cases``; label and group are used as such and never as input.

        Raises:
            BaselineError: the sentence model is not installed.
            ValueError: no cases, a case without a level, cases of several scales or of one level, or fewer groups
                than folds.
        """
        config = config or EncoderConfig()
        labels = labels_of(cases)
        if len(np.unique(labels)) < 2:
            raise ValueError("all cases have one level: there is nothing to tell apart")
        groups = [case.group for case in cases]
        if config.folds is not None and len(set(groups)) < config.folds:
            raise ValueError(f"{config.folds} folds need as many groups: give more, or folds=None")
        sentences = sentences or SentenceEncoder.open()
        records = [case.record for case in cases]
        bins = FactBins.fit(records)
        table = _features(records, bins, sentences)
        strength = _chosen(table, labels, groups, config)
        weights, intercepts = _fitted(table, labels, strength, config)
        return cls(config, strength, bins, weights, intercepts, sentences)

    def predict_proba(self, records: Sequence[IntakeRecord]) -> Probabilities:
        """Probabilities of levels 1-5, shape (n, 5). A level that no training case had gets almost none."""
        if not records:
            return np.zeros((0, len(LEVELS)))
        return _probabilities(_features(records, self.bins, self._sentences), self._weights, self._intercepts)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``encoder.json`` (settings, bins, hash of all); no word of a text."""
        folder.mkdir(parents=True, exist_ok=True)
        data = save({"weights": self._weights, "intercepts": self._intercepts})
        (folder / WEIGHTS_FILE).write_bytes(data)
        saved = _Saved(
            sha256="",
            sentence_model_sha256=WEIGHTS_SHA256,
            config=self.config,
            strength=self.strength,
            bins=self.bins,
        )
        saved = saved.model_copy(update={"sha256": _digest(data, saved)})
        (folder / SETTINGS_FILE).write_text(saved.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, sentences: SentenceEncoder | None = None) -> Self:
        """Read what ``save`` wrote. Nothing is unpickled.

        Raises:
            BaselineError: a file is missing or damaged, weights and settings are not of one model, it was fitted on
                another sentence model, or the sentence model is not installed.
        """
        try:
            data = (folder / WEIGHTS_FILE).read_bytes()
            saved = _Saved.model_validate_json((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise BaselineError(f"{folder.name}: is not a saved encoder; fit and save it again") from error
        if _digest(data, saved) != saved.sha256:
            raise BaselineError(
                f"{folder.name}: weights and settings are not as saved; fit and save it again"
            )
        if saved.sentence_model_sha256 != WEIGHTS_SHA256:
            raise BaselineError(f"{folder.name}: was fitted on another sentence model; fit and save it again")
        try:
            arrays = load(data)
            weights, intercepts = arrays["weights"], arrays["intercepts"]
        except (SafetensorError, KeyError) as error:
            raise BaselineError(f"{folder.name}: is not a saved encoder; fit and save it again") from error
        sentences = sentences or SentenceEncoder.open()
        return cls(saved.config, saved.strength, saved.bins, weights, intercepts, sentences)


def _features(
    records: Sequence[IntakeRecord], bins: FactBins, sentences: SentenceEncoder
) -> NDArray[np.float64]:
    """Shape (n, 2 * 384 + facts). Embeddings are scaled so that a dimension varies about as much as a bin's column."""
    blocks: list[NDArray[np.float64]] = []
    for kinds in _TEXTS:
        texts = [[fact.text for kind in kinds for fact in record.all(kind)] for record in records]
        flat = sentences.embed([text for each in texts for text in each]).astype(np.float64)
        ends = np.cumsum([len(each) for each in texts])
        means = np.zeros((len(records), DIMENSIONS))
        for row, each, end in zip(means, texts, ends, strict=True):
            if each:
                row[:] = flat[end - len(each) : end].mean(axis=0)
        blocks.append(means * np.sqrt(DIMENSIONS))
    return np.hstack([*blocks, bins.transform(records)])


def _chosen(
    table: NDArray[np.float64], labels: NDArray[np.int64], groups: Sequence[str], config: EncoderConfig
) -> float:
    """The strength with the best log loss on groups left out; of equals the first."""
    if config.folds is None or len(config.strengths) == 1:
        return config.strengths[0]
    split = StratifiedGroupKFold(config.folds, shuffle=True, random_state=config.seed)
    losses = np.zeros(len(config.strengths))
    for seen, unseen in split.split(table, labels, groups):
        if len(np.unique(labels[seen])) < 2:
            raise ValueError("a fold has cases of one level alone: give more groups, or folds=None")
        for index, strength in enumerate(config.strengths):
            weights, intercepts = _fitted(table[seen], labels[seen], strength, config)
            found = _probabilities(table[unseen], weights, intercepts)
            losses[index] += log_loss(labels[unseen], found, labels=range(len(LEVELS))) * len(unseen)
    return config.strengths[int(np.argmin(losses))]


def _fitted(
    table: NDArray[np.float64], labels: NDArray[np.int64], strength: float, config: EncoderConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    model = LogisticRegression(C=strength, max_iter=config.iterations, tol=1e-3)
    model.fit(table, labels)
    weights = np.zeros((len(LEVELS), table.shape[1]))
    intercepts = np.full(len(LEVELS), -np.inf)
    if len(model.classes_) == 2:  # scikit-learn then keeps the second one's weights, and zero is the first's
        first, second = model.classes_
        intercepts[first] = 0.0
        weights[second], intercepts[second] = model.coef_[0], model.intercept_[0]
    else:
        weights[model.classes_], intercepts[model.classes_] = model.coef_, model.intercept_
    return weights, intercepts


def _probabilities(
    table: NDArray[np.float64], weights: NDArray[np.float64], intercepts: NDArray[np.float64]
) -> Probabilities:
    # Row by row: a matrix product's last bits would depend on how many rows there are.
    scores = np.array([weights @ row for row in table]) + intercepts
    found = np.maximum(softmax(scores, axis=1), _UNSEEN)
    return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float64)


def _digest(data: bytes, saved: _Saved) -> str:
    rest = saved.model_dump_json(exclude={"sha256"})
    return hashlib.sha256(data + b"\n" + rest.encode()).hexdigest()
