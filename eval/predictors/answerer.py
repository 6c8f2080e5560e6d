"""What stands in the model's place in the agent under evaluation: the model itself, or a stand-in."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from agents import Asks
from data_schemas import IntakeRecord, LevelProbabilities, ModelIdentity, Screening
from eval.predictors.protocol import TriageCase
from integrations.assembly import rules
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import Calibration, EngineError, ScaleCalibration

T = TypeVar("T")

Screened = tuple[IntakeRecord, Screening]

_DECISION = "{rule}, and never less urgent than the most likely level"
_RULE = "1 where p1 reaches {one}, 2 where p1 + p2 reaches {high}"


class Answerer(ABC):
    """Answers for many cases, from code that is not asynchronous.

    Args:
        settings: ESI version and statements.
        calibration: of its probabilities.
    """

    def __init__(self, settings: Settings, calibration: Calibration) -> None:
        self.settings = settings
        self.calibration = calibration
        self.library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
        self._screen = rules(self.library)
        self._loop = asyncio.Runner()

    @property
    @abstractmethod
    def triager(self) -> Asks:
        """Answers one question, as the agent asks it."""

    @property
    @abstractmethod
    def identity(self) -> ModelIdentity:
        """What answers."""

    @abstractmethod
    def levels(self, screened: Sequence[Screened]) -> list[LevelProbabilities | EngineError]:
        """Raw probabilities without the rest of the answer, in order; or each case's own error."""

    @property
    def decision(self) -> str:
        """How a level is chosen, in words."""
        return decision_words(self.calibration)

    def screened(self, cases: Sequence[TriageCase]) -> list[Screened]:
        """Each case's record with what the rules find."""
        return [(case.record, self._screen(case.record, self.settings.esi_version)) for case in cases]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, always on the same loop."""
        return self._loop.run(work)

    def close(self) -> None:
        """Release what it holds."""
        self._loop.close()


def decision_words(calibration: Calibration) -> str:
    """The decision rule of ``calibration`` in words, with its thresholds."""
    numbers = calibration.numbers
    of_groups = "".join(f"; {group.value}: {_rule(its)}" for group, its in sorted(numbers.groups.items()))
    return _DECISION.format(rule=_rule(numbers) + of_groups)


def _rule(numbers: ScaleCalibration) -> str:
    return _RULE.format(one=f"{numbers.level_1_threshold:g}", high=f"{numbers.high_threshold:g}")
