"""The whole agent: its own suggestion, with the safety floor and the prediction set that a clinician sees."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from agents import CaseService, RunFailedError
from agents.nodes.reconcile import applicable, suggest
from agents.state import Asked
from data_schemas import AcuityScale, AssessmentMode, LevelProbabilities
from eval.predictions import Prediction
from eval.predictors.answerer import Answerer, Screened
from eval.predictors.protocol import Provenance, TriageCase
from eval.predictors.stand_in import level_answer
from integrations.assembly import open_agent
from integrations.settings import Settings
from triage.slm import EngineError
from triage.slm.prompt import asked_scale


class AgentPredictor:
    """The agent with ``answerer`` as its model.

    Full: the deployed graph runs on every case, up to the clinician, with records in a temporary SQLite file and no
    hospital record, so nothing is sent anywhere. ``levels_only``: the model's level is decoded alone, in batches, and
    the graph's own reconciling functions make the suggestion; evidence, which moves no level, is left out.
    """

    def __init__(
        self, answerer: Answerer, scale: AcuityScale, *, levels_only: bool = True, name: str = "agent"
    ) -> None:
        self.name = name
        self.chunk = 64 if levels_only else 16
        self._answerer = answerer
        self._scale = asked_scale(scale)
        self._levels_only = levels_only

    @property
    def provenance(self) -> Provenance:
        """Model, calibration and thresholds, and that the floor comes after them."""
        return Provenance(
            identity=self._answerer.identity,
            calibration=self._answerer.calibration.name,
            decision=f"{self._answerer.decision}; then at least as urgent as the rules demand",
            decoding="level" if self._levels_only else "full",
        )

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        if not self._levels_only:
            return self._answerer.run(self._through_the_graph(cases))
        screened = self._answerer.screened(cases)
        raw = self._answerer.levels(screened)
        return [
            self._reconciled(case.case_id, pair, one)
            for case, pair, one in zip(cases, screened, raw, strict=True)
        ]

    def close(self) -> None:
        """Release the model."""
        self._answerer.close()

    def _reconciled(
        self, case_id: str, screened: Screened, raw: LevelProbabilities | EngineError
    ) -> Prediction:
        if isinstance(raw, EngineError):
            asked = Asked(answer=None, failure=type(raw).__name__, seconds=0.0)
        else:
            asked = Asked(answer=level_answer(raw, self._answerer.identity), failure=None, seconds=0.0)
        calibration, _ = applicable(self._answerer.calibration, asked.answer)
        suggestion = suggest(*screened, asked, calibration)
        return Prediction(
            case_id=case_id,
            predicted=suggestion.level,
            probabilities=suggestion.probabilities,
            most_urgent=suggestion.most_urgent,
            least_urgent=suggestion.least_urgent,
            rules_only=asked.answer is None,
        )

    async def _through_the_graph(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """A new database for every chunk: however many cases there are, the disk holds few."""
        with tempfile.TemporaryDirectory(prefix="triage-predict-") as folder:
            settings = _apart(self._answerer.settings, Path(folder), self._scale)
            model = (self._answerer.triager, self._answerer.calibration)
            async with open_agent(settings, recover=False, model=model) as agent:
                return [await _assessed(agent.service, case) for case in cases]


def _apart(settings: Settings, folder: Path, scale: AcuityScale) -> Settings:
    """The deployed settings on a database of its own."""
    return settings.model_copy(update={"data_dir": folder, "database_url": None, "scale": scale})


async def _assessed(service: CaseService, case: TriageCase) -> Prediction:
    try:
        assessment = (await service.assess(case.record)).assessment
    except RunFailedError as error:
        return Prediction(case_id=case.case_id, predicted=None, error=f"the run stopped: {error.error}")
    if assessment is None:
        return Prediction(case_id=case.case_id, predicted=None, error="no assessment was made")
    return Prediction(
        case_id=case.case_id,
        predicted=assessment.level,
        probabilities=assessment.probabilities,
        most_urgent=assessment.set_most_urgent,
        least_urgent=assessment.set_least_urgent,
        rules_only=assessment.mode is AssessmentMode.RULES_ONLY,
    )
