"""The gate's cases through the real rules, language model and agent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

from data_schemas import LevelProbabilities
from data_schemas._base import Frozen
from eval.gate.cases import SCALE, GateCase, gate_cases
from eval.predictions import Prediction
from eval.predictors.agent import AgentPredictor
from eval.predictors.answerer import Screened
from eval.predictors.asking import Asker
from eval.predictors.protocol import Predictor
from eval.predictors.rules import RulesPredictor
from eval.predictors.slm import SlmPredictor
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import EngineError

GATE_MODELS = ("rules", "slm", "agent")
"""What is held: the rules alone, the language model alone, the whole agent as it suggests."""


class GateAnswers(Frozen):
    """The level of each case by model, None where there was no answer; and what answered.

    ``model``: name of the language model; ``adapter_sha256``, ``calibration``: those of the run, None without one.
    """

    levels: Mapping[str, Mapping[str, int | None]]
    model: str
    adapter_sha256: str | None
    calibration: str | None


class _AskedOnce(Asker):
    """The model alone and the agent ask the same questions: each is answered once."""

    _answered: dict[str, LevelProbabilities | EngineError] | None = None

    def levels(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        known = self._answered = self._answered or {}
        new = [pair for pair in screened if pair[0].encounter_key not in known]
        if new:
            found = super().levels(new)
            known.update((pair[0].encounter_key, one) for pair, one in zip(new, found, strict=True))
        return [known[pair[0].encounter_key] for pair in screened]


def run_gate(settings: Settings, progress: Callable[[str], None] = lambda model: None) -> GateAnswers:
    """Answer every case with each of ``GATE_MODELS``.

    The agent's graph is left out, its reconciling kept: only the level is decoded, which moves no level.

    Raises:
        EngineError: the language model cannot be opened, or its calibration is of another.
    """
    cases = gate_cases()
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    levels: dict[str, dict[str, int | None]] = {}
    with closing(_AskedOnce.open(settings, SCALE)) as asker:
        identity, calibration = asker.identity, asker.calibration.name
        for predictor in _predictors(asker, settings, library):
            progress(predictor.name)
            levels[predictor.name] = _levels(predictor, cases)
    return GateAnswers(
        levels=levels,
        model=identity.model,
        adapter_sha256=identity.adapter_sha256,
        calibration=calibration,
    )


def _predictors(asker: Asker, settings: Settings, library: GuidelineLibrary) -> Iterator[Predictor]:
    yield RulesPredictor(settings.esi_version, library)
    yield SlmPredictor(asker)
    yield AgentPredictor(asker, SCALE)


def _levels(predictor: Predictor, cases: Sequence[GateCase]) -> dict[str, int | None]:
    found: list[Prediction] = []
    for start in range(0, len(cases), predictor.chunk):
        found.extend(predictor.predict(cases[start : start + predictor.chunk]))
    return {item.case_id: item.predicted for item in found}
