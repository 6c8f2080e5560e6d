"""A researcher's own model: a Python file with ``open_model(scale)`` that gives a ``Predictor``."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from data_schemas import AcuityScale
from eval.harness.errors import HarnessError
from eval.predictions import Prediction
from eval.predictors import Predictor, Provenance, TriageCase
from eval.predictors.inputs import sha256_of

FUNCTION = "open_model"


class OwnModel:
    """The model of a file under the file's name, with the file's hash in its provenance."""

    def __init__(self, path: Path, model: Predictor) -> None:
        self.name = path.stem
        self._model = model
        self._file = f"{path.name} (sha256 {sha256_of(path)})"

    @property
    def chunk(self) -> int:
        """How many cases it is given at once; 64 where it does not say."""
        return int(getattr(self._model, "chunk", 64))

    @property
    def provenance(self) -> Provenance:
        """The model's own, with the file."""
        own = getattr(self._model, "provenance", None) or Provenance(decision="the model's own")
        return own.model_copy(update={"details": {**own.details, "file": self._file}})

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        return self._model.predict(cases)

    def close(self) -> None:
        """Release the model, where it holds something."""
        close = getattr(self._model, "close", None)
        if close is not None:
            close()


def open_own(path: Path, scale: AcuityScale) -> OwnModel:
    """Run the file and open its model. It is code, and does what it likes: only run files you trust.

    Raises:
        HarnessError: there is no such file or function, or it fails.
    """
    if not path.is_file():
        raise HarnessError(f"{path.name}: there is no such file")
    spec = importlib.util.spec_from_file_location(f"own_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise HarnessError(f"{path.name}: a model is a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise HarnessError(f"{path.name}: cannot be run: {type(error).__name__}: {error}") from error
    function = getattr(module, FUNCTION, None)
    if not callable(function):
        raise HarnessError(f"{path.name}: has no function {FUNCTION}(scale) that gives the model")
    model = function(scale)
    if not callable(getattr(model, "predict", None)):
        raise HarnessError(f"{path.name}: {FUNCTION}(scale) must give an object with predict(cases)")
    return OwnModel(path, model)
