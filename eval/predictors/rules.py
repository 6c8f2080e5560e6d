"""The rules alone: the ESI engine without any model. No probabilities."""

from collections.abc import Sequence

from agents.nodes.reconcile import suggest
from agents.state import Asked
from data_schemas import EsiVersion, IntakeRecord, Screening
from eval.predictions import Prediction
from eval.predictors.protocol import Provenance, TriageCase
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm import Calibration

_NO_MODEL = Asked(answer=None, failure="rules alone", seconds=0.0)


class RulesPredictor:
    """What the agent suggests where it has no model: level, and what the rules ask to consider as the set."""

    name = "rules"
    chunk = 256

    def __init__(self, version: EsiVersion = EsiVersion.V5, library: GuidelineLibrary | None = None) -> None:
        self._version = version
        self._library = library or GuidelineLibrary.load(version)

    @property
    def provenance(self) -> Provenance:
        """Nothing was fitted."""
        return Provenance(decision="the level of the ESI rules")

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """See ``Predictor.predict``."""
        return [
            by_rules(case.case_id, case.record, screen(case.record, self._version, self._library))
            for case in cases
        ]

    def close(self) -> None:
        """Nothing is held."""


def by_rules(case_id: str, record: IntakeRecord, screening: Screening) -> Prediction:
    """The prediction of the rules alone."""
    suggestion = suggest(record, screening, _NO_MODEL, Calibration.none())
    return Prediction(
        case_id=case_id,
        predicted=suggestion.level,
        most_urgent=suggestion.most_urgent,
        least_urgent=suggestion.least_urgent,
    )
