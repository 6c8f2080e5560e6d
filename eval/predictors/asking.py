"""The configured language model as an answerer."""

import asyncio
from collections.abc import Sequence
from typing import Self

from data_schemas import AcuityScale, LevelProbabilities, ModelIdentity
from eval.predictors.answerer import Answerer, Screened
from integrations.assembly import load_calibration, open_engine
from integrations.settings import Settings
from triage.slm import Calibration, Engine, EngineError, Triager
from triage.slm.prompt import asked_scale


class Asker(Answerer):
    """One open model with its prompt, scale and calibration; the model is closed with it.

    Raises:
        ModelIntegrityError: the calibration was fitted on another adapter or prompt.
    """

    def __init__(
        self, engine: Engine, calibration: Calibration, settings: Settings, scale: AcuityScale
    ) -> None:
        calibration.require_fit(engine.identity.adapter_sha256)
        super().__init__(settings, calibration)
        self._engine = engine
        self._triager = Triager(engine, self.library.short, asked_scale(scale))

    @classmethod
    def open(cls, settings: Settings, scale: AcuityScale) -> Self:
        """The configured model with the calibration beside its adapter.

        Raises:
            EngineError: it cannot be opened.
        """
        engine = open_engine(settings)
        try:
            return cls(engine, load_calibration(settings, asked_scale(scale)), settings, scale)
        except BaseException:
            asyncio.run(engine.close())
            raise

    @property
    def triager(self) -> Triager:
        """The model, with its prompt and scale."""
        return self._triager

    @property
    def identity(self) -> ModelIdentity:
        """Model, adapter and prompt version."""
        return self._triager.identity

    def levels(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        """Only the level is decoded, cases of like length together."""
        return self.run(ask_levels(self._triager, screened))

    def answers(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        """Raw probabilities from whole answers, path and citations decoded too; or each case's own error."""
        return self.run(self._whole(screened))

    async def _whole(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        return [await _ask(self._triager, pair) for pair in screened]

    def close(self) -> None:
        """Release the model."""
        self.run(self._engine.close())
        super().close()


async def ask_levels(
    triager: Triager, screened: Sequence[Screened]
) -> list[LevelProbabilities | EngineError]:
    """Only the levels of many cases; where the batch fails, one by one, so that one case takes no other with it."""
    try:
        return list(await triager.levels(screened))
    except EngineError as error:
        if len(screened) == 1:
            return [error]
        return [(await ask_levels(triager, [pair]))[0] for pair in screened]


async def _ask(triager: Triager, pair: Screened) -> LevelProbabilities | EngineError:
    try:
        return (await triager.ask(*pair)).probabilities
    except EngineError as error:
        return error
