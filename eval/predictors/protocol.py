"""What every model under test is: cases in, one prediction for each out, and where its numbers come from."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from data_schemas import IntakeRecord, ModelIdentity
from data_schemas._base import Frozen
from eval.predictions import Prediction


class TriageCase(Protocol):
    """What a predictor may see of a case: no label, no outcome, no group."""

    @property
    def case_id(self) -> str:
        """The case's id."""
        ...

    @property
    def record(self) -> IntakeRecord:
        """What was known at triage."""
        ...


class Provenance(Frozen):
    """Where a prediction comes from, for the run record.

    ``decision``: how a level is chosen from probabilities. ``decoding``: ``level`` (only the level was decoded) or
    ``full``; None where no language model answers. ``details``: whatever else is needed to get the numbers again.
    """

    identity: ModelIdentity | None = None
    calibration: str | None = None
    decision: str
    decoding: str | None = None
    details: dict[str, str] = Field(default_factory=dict)


class Predictor(Protocol):
    """A model under test. Use from one thread, outside an event loop; ``close`` it in the end."""

    @property
    def name(self) -> str:
        """The row's name in every report."""
        ...

    @property
    def chunk(self) -> int:
        """How many cases to hand over at once."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Where its numbers come from."""
        ...

    def predict(self, cases: Sequence[TriageCase]) -> list[Prediction]:
        """One prediction for each case, in order; a case that cannot be answered has no level and an error."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...
