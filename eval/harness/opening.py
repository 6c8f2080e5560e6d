"""Opens rows by name for cases of one task; rows over the same language model share it, and its answers."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from data_schemas import AcuityScale
from eval.cases import Task
from eval.harness.errors import HarnessError
from eval.harness.own_model import open_own
from eval.harness.recorded import nurse_answers, recorded_answers
from eval.harness.remembering import RememberingEngine
from eval.predictors import InputTask, ModelName, Predictor, open_predictor
from eval.predictors.agent import AgentPredictor
from eval.predictors.asking import Asker
from eval.predictors.comparators import ComparatorPredictor
from eval.predictors.hybrid import HybridPredictor
from eval.predictors.prior import PriorAnswerer
from eval.predictors.slm import SlmPredictor
from integrations.assembly import load_calibration, open_engine
from integrations.settings import Settings
from triage.slm import Calibration
from triage.slm.prompt import asked_scale

RECORDED = "recorded"
NURSE = "nurse"
ROWS = (*(name.value for name in ModelName), RECORDED, NURSE)
"""The rows of the provider ``triage/``; any ``FILE.py`` beside them is a model of the user's own."""

_LAYOUTS = {
    AcuityScale.KTAS: InputTask.KTAS,
    AcuityScale.NHAMCS: InputTask.NHAMCS,
    AcuityScale.ESI: InputTask.ESI,
}

OpenComparator = Callable[[str], ComparatorPredictor]


@dataclass(frozen=True)
class RowFiles:
    """What rows may need beside the settings.

    ``train``: labelled files in the task's layout; ``fitted``: a saved comparator's folder; ``answers``: recorded
    ones, ``row``: which of them; ``data``: the task's own file, for the nurse's levels; ``memory``: where answered
    questions are kept.
    """

    train: tuple[Path, ...] = ()
    fitted: Path | None = None
    answers: Path | None = None
    row: str | None = None
    data: Path | None = None
    memory: Path | None = None


class Rows:
    """Opens rows; ``close`` them all in the end. Use from one thread, outside an event loop.

    Args:
        settings: adapter, engine, ESI version.
        task: gives the layout of training files.
        scale: of the levels.
        files: what some rows need.
        ids: the cases under test; none may be trained on.
        comparator: opens boosting and encoder instead of ``files``.
        levels_only: decode just the level, in batches; else whole answers, one by one.
    """

    def __init__(
        self,
        settings: Settings,
        task: Task,
        scale: AcuityScale,
        files: RowFiles,
        *,
        ids: Collection[str] = frozenset(),
        comparator: OpenComparator | None = None,
        levels_only: bool = True,
    ) -> None:
        self._settings = settings
        self._task = task
        self._scale = scale
        self._files = files
        self._ids = ids
        self._comparator = comparator or self._from_files
        self._levels_only = levels_only
        self._askers: dict[str, Asker] = {}
        self._engines: dict[str, RememberingEngine] = {}
        self._comparators: dict[str, ComparatorPredictor] = {}
        self._own: list[Predictor] = []

    def open(self, name: str) -> Predictor:
        """The row's model.

        Raises:
            HarnessError: no such row, or it lacks a file.
            InputError: training files cannot be used.
            EngineError: the language model cannot be opened.
        """
        if name.endswith(".py"):
            own = open_own(Path(name), self._scale)
            self._own.append(own)
            return own
        if name == RECORDED:
            if self._files.answers is None:
                raise HarnessError(
                    "recorded needs its file: give answers (a CSV of case_id, model, predicted)"
                )
            return recorded_answers(self._files.answers, self._files.row)
        if name == NURSE:
            if self._files.data is None:
                raise HarnessError("nurse needs the data file with nurse_acuity: give data")
            return nurse_answers(self._task, self._files.data)
        if name not in set(ModelName):
            raise HarnessError(f"no row is called {name}: it is one of {', '.join(ROWS)}, or a FILE.py")
        return self._known(ModelName(name))

    def borrowed(self, name: str) -> float:
        """Seconds that answers taken from memory had cost, since this was last asked."""
        engine = self._engines.get(name if name == ModelName.BASE else ModelName.SLM.value)
        if engine is None or name not in {"slm", "agent", "hybrid", "base"}:
            return 0.0
        seconds, engine.borrowed = engine.borrowed, 0.0
        return seconds

    def asker(self) -> Asker:
        """The configured language model, opened once."""
        return self._asker(ModelName.SLM.value, self._settings)

    def close(self) -> None:
        """Release every model."""
        for asker in self._askers.values():
            asker.close()
        for model in (*self._comparators.values(), *self._own):
            model.close()

    def _known(self, name: ModelName) -> Predictor:
        short = self._levels_only
        match name:
            case ModelName.SLM:
                return SlmPredictor(self.asker(), levels_only=short)
            case ModelName.AGENT:
                return AgentPredictor(self.asker(), self._scale, levels_only=short)
            case ModelName.AGENT_PRIOR:
                stand_in = PriorAnswerer(self._settings, self._scale)
                return AgentPredictor(stand_in, self._scale, levels_only=short, name=name.value)
            case ModelName.BASE:
                base = self._asker(name.value, self._settings.with_adapter("none"))
                return SlmPredictor(base, levels_only=short, name=name.value)
            case ModelName.HYBRID:
                return HybridPredictor(self.asker(), self._opened("boosting"))
            case ModelName.BOOSTING | ModelName.ENCODER:
                return self._opened(name.value)
            case _:
                return open_predictor(name, _LAYOUTS.get(self._scale, InputTask.ESI), self._settings)

    def _asker(self, name: str, settings: Settings) -> Asker:
        if name not in self._askers:
            engine = RememberingEngine(open_engine(settings), self._files.memory)
            try:
                scale = asked_scale(self._scale)
                base = name == ModelName.BASE
                calibration = Calibration.none() if base else load_calibration(settings, scale)
                self._askers[name] = Asker(engine, calibration, settings, scale)
            except BaseException:
                asyncio.run(engine.close())
                raise
            self._engines[name] = engine
        return self._askers[name]

    def _opened(self, name: str) -> ComparatorPredictor:
        if name not in self._comparators:
            self._comparators[name] = self._comparator(name)
        return self._comparators[name]

    def _from_files(self, name: str) -> ComparatorPredictor:
        model = open_predictor(
            ModelName(name),
            _LAYOUTS.get(self._scale, InputTask.ESI),
            self._settings,
            fitted=self._files.fitted,
            train=self._files.train,
            ids=self._ids,
        )
        assert isinstance(model, ComparatorPredictor)
        return model
