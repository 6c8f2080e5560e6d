"""The rules alone as a model under test: the ESI engine without the language model."""

from collections.abc import Sequence

from data_schemas import EsiVersion
from eval.cases import EvaluationCase
from triage.esi import screen
from triage.guidelines import GuidelineLibrary


def predict_with_rules(
    cases: Sequence[EvaluationCase],
    version: EsiVersion = EsiVersion.V5,
    library: GuidelineLibrary | None = None,
) -> list[int]:
    """The level of the rules alone for each case, in order."""
    library = library or GuidelineLibrary.load(version)
    return [screen(case.record, version, library).level for case in cases]
