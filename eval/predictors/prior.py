"""The training prior: the shares of levels among the training cases, the same answer for everyone."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Self

import yaml

from data_schemas import AcuityScale, IntakeRecord, LevelProbabilities, ModelAnswer, ModelIdentity, Screening
from data_schemas._base import Frozen
from eval.predictions import Prediction
from eval.predictors.answerer import Answerer, Screened
from eval.predictors.deciding import decided
from eval.predictors.protocol import Provenance, TriageCase
from eval.predictors.stand_in import level_answer
from integrations.settings import Settings
from triage.slm import Calibration, EngineError
from triage.slm.prompt import PROMPT_VERSION

_FILE = files("eval.predictors") / "prior.yaml"
_SHARES_OF = {AcuityScale.ESI: AcuityScale.NHAMCS}


class Prior(Frozen):
    """Shares of levels 1 to 5 among ``cases`` training cases."""

    cases: int
    p: tuple[float, float, float, float, float]
    source: str

    @property
    def probabilities(self) -> LevelProbabilities:
        """The shares as probabilities."""
        return LevelProbabilities(p=self.p)


@cache
def shipped_prior(scale: AcuityScale) -> Prior:
    """The prior for cases of ``scale``; ESI takes the survey's.

    Raises:
        ValueError: none is shipped for the scale.
    """
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    scale = _SHARES_OF.get(scale, scale)
    if scale.value not in content:
        raise ValueError(f"no training prior for {scale.value}; there are {', '.join(content)}")
    return Prior.model_validate(content[scale.value])


class MajorityPredictor:
    """The most likely level of the prior, for every case."""

    name = "majority"
    chunk = 2048

    def __init__(self, scale: AcuityScale) -> None:
        self._prior = shipped_prior(scale)

    @property
    def provenance(self) -> Provenance:
        """Which training cases were counted."""
        return Provenance(
            decision="the most frequent level of the training cases", details={"prior": self._prior.source}
        )

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        level = self._prior.probabilities.most_likely
        return [
            decided(case.case_id, self._prior.probabilities).model_copy(update={"predicted": level})
            for case in cases
        ]

    def close(self) -> None:
        """Nothing is held."""


class PriorAnswerer(Answerer):
    """The prior in the model's place: is it the model that does it?"""

    def __init__(self, settings: Settings, scale: AcuityScale) -> None:
        self._prior = shipped_prior(scale)
        self._identity = ModelIdentity(
            engine="stand-in",
            model=f"training prior: {self._prior.source}",
            weights_sha256=hashlib.sha256(_FILE.read_bytes()).hexdigest(),
            prompt_version=PROMPT_VERSION,
        )
        super().__init__(settings, Calibration.none())

    @property
    def triager(self) -> Self:
        """Itself."""
        return self

    @property
    def identity(self) -> ModelIdentity:
        """The prior and its source."""
        return self._identity

    async def ask(self, record: IntakeRecord, screening: Screening) -> ModelAnswer:
        """The prior, whoever is asked about."""
        return level_answer(self._prior.probabilities, self._identity)

    def levels(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        """The prior, once for each case."""
        return [self._prior.probabilities for _ in screened]
