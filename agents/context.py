"""What a run is given besides its state: clients, clock, settings. Passed again when a run is resumed."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import Field

from agents.ports import Asks, Calibrates, Clock, OutcomeSink, Screens
from agents.store.store import Store
from data_schemas import AcuityScale, EsiVersion, ReviewerRole
from data_schemas._base import Frozen
from triage.guidelines import GuidelineLibrary


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class AgentSettings(Frozen):
    """How the agent behaves. Times are in seconds.

    ``floor_override_roles`` may decide a level less urgent than the safety floor; nobody else may.
    ``lease``: how long a run of another machine is left alone before it counts as dead; longer than
    the two time-outs together. ``confirm_writes``: read the final level back before a case counts as written.
    """

    esi_version: EsiVersion = EsiVersion.V5
    scale: AcuityScale = AcuityScale.ESI
    assess_timeout: float = Field(default=30.0, gt=0)
    propose_timeout: float = Field(default=5.0, gt=0)
    write_timeout: float = Field(default=20.0, gt=0)
    lease: float = Field(default=120.0, gt=0)
    retry_base: float = Field(default=5.0, gt=0)
    retry_most: float = Field(default=300.0, gt=0)
    confirm_writes: bool = True
    floor_override_roles: frozenset[ReviewerRole] = frozenset({ReviewerRole.PHYSICIAN})


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
