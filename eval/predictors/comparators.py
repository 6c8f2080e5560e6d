"""What the comparators that learn without a language model share: loaded from a folder, or fitted on labelled files."""

import hashlib
import importlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from data_schemas import IntakeRecord, LevelProbabilities
from eval.predictions import Prediction
from eval.predictors.answerer import decision_words
from eval.predictors.deciding import decided
from eval.predictors.inputs import InputError, InputTask, OptionError, sha256_of
from eval.predictors.protocol import Provenance, TriageCase
from triage.slm import Calibration
from triage.training.corpus import CorpusError, LabelledCase, read_ktas, read_nhamcs, read_vignettes

_READERS: dict[InputTask, Callable[[Path], Iterator[LabelledCase]]] = {
    InputTask.KTAS: read_ktas,
    InputTask.NHAMCS: read_nhamcs,
    InputTask.ESI: read_vignettes,
}


class Comparator(Protocol):
    """A fitted model, as ``triage.baselines.Boosting``."""

    @classmethod
    def fit(cls, cases: Sequence[LabelledCase]) -> Self:
        """Fit on labelled cases."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what was saved."""
        ...

    def save(self, folder: Path) -> None:
        """Write what ``load`` reads."""
        ...

    def predict_proba(self, records: Sequence[IntakeRecord]) -> Any:
        """Probabilities of levels 1-5, shape (n, 5)."""
        ...


class ComparatorPredictor:
    """A fitted comparator with the default thresholds: every row has the same decision rule."""

    chunk = 512

    def __init__(self, name: str, model: Comparator, source: str) -> None:
        self.name = name
        self._model = model
        self._source = source

    @property
    def provenance(self) -> Provenance:
        """What it was fitted on."""
        return Provenance(decision=decision_words(Calibration.none()), details={"fitted": self._source})

    def probabilities(self, cases: Sequence[TriageCase]) -> list[LevelProbabilities]:
        """The five probabilities of each case."""
        table = self._model.predict_proba([case.record for case in cases])
        return [_distribution([float(value) for value in row]) for row in table]

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        return [decided(case.case_id, p) for case, p in zip(cases, self.probabilities(cases), strict=True)]

    def close(self) -> None:
        """Nothing is held."""


def open_comparator(
    name: str,
    module: str,
    cls: str,
    *,
    task: InputTask,
    fitted: Path | None,
    train: Sequence[Path],
    ids: Collection[str],
) -> ComparatorPredictor:
    """Load from ``fitted``, or fit on the labelled files of ``train``.

    Args:
        name: the row's name.
        module: where its class is; imported only now, because it needs an extra.
        cls: the class.
        task: the layout of ``train``.
        fitted: a saved model's folder.
        train: labelled files; exactly one of the two is given.
        ids: the cases to predict; none of them may be trained on.

    Raises:
        InputError: both or neither were given, the extra is missing, a file cannot be used, or a case of ``ids`` is
            among the training cases.
    """
    if (fitted is None) != bool(train):
        raise OptionError(
            f"{name}: give either --fitted FOLDER (a saved model) or --train FILE (labelled cases of the same layout)"
        )
    try:
        kind: type[Comparator] = getattr(importlib.import_module(module), cls)
    except ImportError as error:
        if error.name == module:
            raise OptionError(f"this version has no {name}; choose another --model") from None
        raise InputError(f"{name} needs {error.name}: pip install 'ed-triage-agent[eval,train]'") from None
    try:
        if fitted is not None:
            return ComparatorPredictor(name, kind.load(fitted), _folder_words(fitted))
        cases = _labelled(task, train, ids)
        return ComparatorPredictor(name, kind.fit(cases), _train_words(train, len(cases)))
    except InputError:
        raise
    except CorpusError as error:
        raise InputError(f"--train: {error}") from None
    except ValueError as error:  # of the comparator: a damaged folder, or cases that cannot be fitted on
        raise InputError(f"{name}: {error}") from None


def _labelled(task: InputTask, train: Sequence[Path], ids: Collection[str]) -> list[LabelledCase]:
    cases = [case for path in train for case in _READERS[task](path) if case.acuity is not None]
    both = sum(case.case_id in ids for case in cases)
    if both:
        raise InputError(
            f"{both} of the cases to predict are among the training cases of --train: their levels would leak; "
            "leave them out of the training file"
        )
    if not cases:
        raise InputError("no case of --train has an acuity of 1-5; give a labelled file")
    if len({case.group for case in cases}) == 1:
        # One site: early stopping then watches single visits of it, because there is no other site to hold out.
        return [case.model_copy(update={"group": case.case_id}) for case in cases]
    return cases


def _distribution(values: Sequence[float]) -> LevelProbabilities:
    total = sum(values)
    one, two, three, four, five = (value / total for value in values)
    return LevelProbabilities(p=(one, two, three, four, five))


def _train_words(train: Sequence[Path], count: int) -> str:
    files = ", ".join(f"{path.name} (sha256 {sha256_of(path)})" for path in train)
    return f"fitted now on {count} cases of {files}"


def _folder_words(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + sha256_of(path).encode())
    return f"folder {folder.name} (sha256 of its files {digest.hexdigest()})"
