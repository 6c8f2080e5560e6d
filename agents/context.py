"""What a run is given besides its state: clients, clock, settings. Passed again when a run is resumed."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import Field

from agents.policy import ReviewPolicy
from agents.ports import Asks, AsksAgain, Calibrates, Clock, OutcomeSink, Screens
from agents.reassessment import DEFAULT_MINUTES, Minutes
from agents.store.store import Store
from data_schemas import AcuityScale, EsiVersion
from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class AgentSettings(Frozen):
    """How the agent behaves. Times are in seconds.

    ``policy``: what a decision must bring with it. ``suggestion_age``: how long a suggestion may wait and still be
    decided on; 0 is for ever. ``reassess_minutes``: when a waiting patient is due again, by level;
    ``reassess_decided``: how long after a decision a patient still counts as waiting.
    ``lease``: how long a run of another machine is left alone before it counts as dead; longer than
    the two time-outs together. ``confirm_writes``: read the final level back before a case counts as written.
    """

    esi_version: EsiVersion = EsiVersion.V5
    scale: AcuityScale = AcuityScale.ESI
    assess_timeout: float = Field(default=30.0, gt=0)
    second_look_timeout: float = Field(default=2.0, ge=0)
    propose_timeout: float = Field(default=5.0, gt=0)
    write_timeout: float = Field(default=20.0, gt=0)
    lease: float = Field(default=120.0, gt=0)
    retry_base: float = Field(default=5.0, gt=0)
    retry_most: float = Field(default=300.0, gt=0)
    confirm_writes: bool = True
    policy: ReviewPolicy = ReviewPolicy()
    suggestion_age: float = Field(default=30 * 60.0, ge=0)
    reassess_minutes: Minutes = DEFAULT_MINUTES
    reassess_decided: float = Field(default=4 * 3600.0, ge=0)


@dataclass(frozen=True, slots=True)
class AgentContext:
    """The clients of one process, shared by all its runs."""

    screen: Screens
    triager: Asks
    library: GuidelineLibrary
    calibration: Calibrates
    sink: OutcomeSink
    store: Store
    clock: Clock
    settings: AgentSettings
    again: AsksAgain | None = None
    """Asks the same model in other ways where there is doubt; None: it cannot be asked so."""
    second: Asks | None = None
    """Another model, asked beside it where there is doubt."""
