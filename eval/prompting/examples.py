"""Examples for few-shot prompts: from a training file, fixed or nearest to the patient, never the patient."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_schemas import FactKind, IntakeRecord
from eval import semigran
from eval.prompting.facts import free_text, patient_text
from eval.prompting.prompts import AnswerScale, Example, PromptError
from triage.training.corpus import CorpusError, LabelledCase, read_ktas, read_nhamcs, read_vignettes

_READERS: dict[AnswerScale, Callable[[Path], Iterator[LabelledCase]]] = {
    AnswerScale.ESI: read_vignettes,
    AnswerScale.KTAS: read_ktas,
    AnswerScale.NHAMCS: read_nhamcs,
    AnswerScale.SEMIGRAN: semigran.read,
}
_MEASURED = (
    FactKind.HEART_RATE,
    FactKind.RESPIRATORY_RATE,
    FactKind.OXYGEN_SATURATION,
    FactKind.TEMPERATURE,
    FactKind.SYSTOLIC_BP,
    FactKind.DIASTOLIC_BP,
    FactKind.PAIN,
)
VITALS_WEIGHT = 0.5
"""What equal age and vital signs count for beside equal words (1). Set by judgement, tuned on nothing."""


class Picker(Protocol):
    """Chooses examples for a patient."""

    def __call__(self, case_id: str, record: IntakeRecord) -> list[Example]:
        """The examples to show, in order."""
        ...


def read_examples(path: Path, scale: AnswerScale) -> list[Example]:
    """The labelled cases of a training file in the layout of the scale's data set.

    Raises:
        PromptError: the file cannot be read, or holds no labelled case.
    """
    try:
        cases = list(_READERS[scale](path))
    except (CorpusError, OSError) as error:
        words = str(error) if isinstance(error, CorpusError) else type(error).__name__
        raise PromptError(f"{path.name}: no examples can be read ({words})") from None
    found = [
        Example(case_id=case.case_id, record=case.record, label=_label(case.acuity, scale))
        for case in cases
        if case.acuity is not None and case.record.facts
    ]
    if not found:
        raise PromptError(f"{path.name} holds no case with a level; examples need one each")
    return found


class FixedExamples:
    """The same ``k`` for every patient: the levels in turn, within a level by a hash of seed and id.

    The choice depends neither on the file's order nor on the patient; only where the patient is one of them, or reads
    the same, the next one of the level takes the place.

    Raises:
        PromptError: there are fewer than ``k`` others.
    """

    def __init__(self, examples: Sequence[Example], k: int, seed: int = 0) -> None:
        by_label: dict[str, list[Example]] = defaultdict(list)
        for example in sorted(examples, key=lambda e: _hash(seed, e.case_id)):
            by_label[example.label].append(example)
        self._by_label = {label: by_label[label] for label in sorted(by_label)}
        self._k, self._seed = k, seed
        _enough(len(examples), k)

    def __call__(self, case_id: str, record: IntakeRecord) -> list[Example]:
        """The examples to show, in an order that does not follow the levels."""
        text = patient_text(record)
        rows = {label: self._others(rows, case_id, text) for label, rows in self._by_label.items()}
        chosen: list[Example] = []
        while len(chosen) < self._k:
            before = len(chosen)
            for others in rows.values():
                if len(chosen) < self._k and (example := next(others, None)) is not None:
                    chosen.append(example)
            if len(chosen) == before:
                raise PromptError(f"fewer than {self._k} examples are left beside the patient")
        return sorted(chosen, key=lambda e: _hash(self._seed, "order", e.case_id))

    @staticmethod
    def _others(rows: Sequence[Example], case_id: str, text: str) -> Iterator[Example]:
        return (e for e in rows if e.case_id != case_id and patient_text(e.record) != text)


class NearestExamples:
    """The ``k`` training cases most like the patient, the nearest last.

    Likeness is the cosine of TF-IDF vectors of the free text (words and pairs of words, scikit-learn) plus
    ``VITALS_WEIGHT`` times ``exp(-d/2)``, where d is the mean squared difference of age and those vital signs that
    are known of both, in standard deviations of the training file; a sign missing of either counts neither way.

    Raises:
        PromptError: there are fewer than ``k`` others.
    """

    def __init__(self, examples: Sequence[Example], k: int) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - a second to import

        _enough(len(examples), k)
        self._examples, self._k = list(examples), k
        self._vectorizer = TfidfVectorizer(
            ngram_range=(1, 2),
            sublinear_tf=True,
            token_pattern=r"(?u)\b\w+\b",  # noqa: S106 - a word, also of one letter
        )
        texts = [free_text(example.record) for example in examples]
        try:
            self._matrix = self._vectorizer.fit_transform(texts)
        except ValueError:  # not one word in the whole file
            self._matrix = None
        values = np.array([_numbers(example.record) for example in examples])
        known = ~np.isnan(values)
        count = np.maximum(known.sum(axis=0), 1)
        self._mean = np.where(known, values, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, values - self._mean, 0.0) ** 2).sum(axis=0) / count)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._values = (values - self._mean) / self._spread

    def __call__(self, case_id: str, record: IntakeRecord) -> list[Example]:
        """The examples to show, the nearest last."""
        text = patient_text(record)
        likeness = self._by_words(record) + VITALS_WEIGHT * self._by_signs(record)
        chosen: list[Example] = []
        for index in np.argsort(-likeness, kind="stable"):
            example = self._examples[index]
            if example.case_id != case_id and patient_text(example.record) != text:
                chosen.append(example)
                if len(chosen) == self._k:
                    return chosen[::-1]
        raise PromptError(f"fewer than {self._k} examples are left beside the patient")

    def _by_words(self, record: IntakeRecord) -> NDArray[np.float64]:
        if self._matrix is None:
            return np.zeros(len(self._examples))
        row = self._vectorizer.transform([free_text(record)])
        return np.asarray((self._matrix @ row.T).todense(), dtype=np.float64).ravel()

    def _by_signs(self, record: IntakeRecord) -> NDArray[np.float64]:
        difference = self._values - (np.array(_numbers(record)) - self._mean) / self._spread
        known = ~np.isnan(difference)
        count = known.sum(axis=1)
        squared = np.where(known, difference**2, 0.0).sum(axis=1) / np.maximum(count, 1)
        return np.where(count > 0, np.exp(-squared / 2), 0.0)


def _numbers(record: IntakeRecord) -> list[float]:
    numbers = [record.age_years, *(record.number(kind) for kind in _MEASURED)]
    return [float("nan") if number is None else float(number) for number in numbers]


def _label(level: int, scale: AnswerScale) -> str:
    return semigran.LEVEL_CLASSES[level] if scale is AnswerScale.SEMIGRAN else str(level)


def _hash(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _enough(cases: int, k: int) -> None:
    if not 1 <= k <= cases:
        raise PromptError(f"{k} examples were asked for and the training file has {cases} cases: change k")
