"""What the agent needs from outside, as protocols; whoever assembles it hands real ones in."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, runtime_checkable

from data_schemas import (
    EsiVersion,
    IntakeRecord,
    LevelProbabilities,
    ModelAnswer,
    ModelIdentity,
    Screening,
    Way,
    WriteReceipt,
    WriteRequest,
)

Clock = Callable[[], datetime]
"""The time now, with a zone."""

Screens = Callable[[IntakeRecord, EsiVersion], Screening]
"""The rules, as ``triage.esi.screen``: a pure function."""


class Asks(Protocol):
    """Asks the model, as ``triage.slm.Triager``."""

    async def ask(self, record: IntakeRecord, screening: Screening) -> ModelAnswer:
        """The model's answer.

        Raises:
            EngineError: the model could not answer; the case goes on with rules only.
        """
        ...


@runtime_checkable
class AsksAgain(Protocol):
    """Asks the same model the same case in other ways, as ``triage.slm.Triager``."""

    async def variants(
        self, record: IntakeRecord, screening: Screening
    ) -> tuple[tuple[Way, LevelProbabilities], ...]:
        """Raw probabilities for each way that differs from the first question; the same case gives the same ways.

        Raises:
            EngineError: the model could not answer.
        """
        ...


@runtime_checkable
class AsksSeveral(Protocol):
    """Asks one of several models, as ``integrations.routing.RoutedTriager``."""

    def that_answered(self, identity: ModelIdentity) -> "AsksSame":
        """The one that gave an answer.

        Raises:
            EngineError: it is not known any more.
        """
        ...


class AsksSame(Asks, AsksAgain, Protocol):
    """One model, asked once or again."""


class Calibrates(Protocol):
    """Turns raw probabilities into a suggestion and a prediction set, as ``triage.slm.Calibration``."""

    @property
    def name(self) -> str:
        """Name and digest of the calibration; recorded with every assessment."""
        ...

    @property
    def fitted(self) -> bool:
        """Whether it was fitted; False where the numbers are only the defaults."""
        ...

    def fits(self, adapter_sha256: str | None) -> bool:
        """Whether it may be applied to answers of this adapter (None: of the base model)."""
        ...

    def for_arrival(self, record: IntakeRecord, rules_level: int | None = None) -> "Calibrates":
        """The numbers of this record's kind of arrival, read beside the level of the rules where that is given."""
        ...

    def apply(self, probabilities: LevelProbabilities) -> LevelProbabilities:
        """Calibrated probabilities."""
        ...

    def decide(self, probabilities: LevelProbabilities) -> int:
        """The suggested level for calibrated probabilities."""
        ...

    def prediction_set(self, probabilities: LevelProbabilities) -> tuple[int, int]:
        """The most and the least urgent level of the prediction set."""
        ...


@runtime_checkable
class CalibratesSeveral(Protocol):
    """Has a calibration for each of several adapters."""

    def of(self, adapter_sha256: str | None) -> Calibrates:
        """The one that was fitted on this very adapter, or one that leaves probabilities as they are."""
        ...


class OutcomeSink(Protocol):
    """The hospital's record. Idempotent: the same request twice leaves one set of resources.

    Every method may raise; the agent then counts the write as ``unknown`` and tries again later.
    """

    async def propose(self, request: WriteRequest) -> tuple[WriteReceipt, ...]:
        """Write the suggestion as preliminary; ``request.review`` is None."""
        ...

    async def finalize(self, request: WriteRequest) -> tuple[WriteReceipt, ...]:
        """Write the clinician's decision as final."""
        ...

    async def read_back(self, request: WriteRequest) -> int | None:
        """The final level that the hospital's record now holds for this case; None where it holds none."""
        ...
