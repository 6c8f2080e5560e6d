"""One job: read the encounter as it is now, and assess it. Doing it twice is doing it once: the same facts are the same
case, and changed facts are what a new assessment is for."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from agents import (
    AgentError,
    Case,
    CasePhase,
    CaseService,
    NotReadyError,
    RunFailedError,
    StoreError,
)
from integrations.feed import with_bedside
from integrations.fhir.errors import PASSING, FhirError, FhirNotFoundError, IntakeError
from integrations.fhir.reader_settings import ReaderSettings
from integrations.fhir.server_reader import OPEN_STATUSES, FhirReads, read_server_encounter
from integrations.queue.jobs import server_mark
from integrations.queue_errors import HopelessJobError, JobError, PassingJobError

logger = logging.getLogger(__name__)

Outcome = Literal["assessed", "closed"]


class Work:
    """What every job of a worker needs.

    Args:
        service: assesses.
        client: reads the hospital's record.
        source: its base URL.
        settings: how encounters are read.
        clock: the time now.
        on_case: told of every case that was assessed.
    """

    def __init__(
        self,
        service: CaseService,
        client: FhirReads,
        *,
        source: str,
        settings: ReaderSettings,
        clock: Callable[[], datetime],
        on_case: Callable[[Case], None] | None = None,
    ) -> None:
        self._service, self._client, self._source = service, client, source
        self._settings, self._clock, self._on_case = settings, clock, on_case
        self._mark = server_mark(source)

    async def do(self, encounter: str, server: str) -> Outcome:
        """Assess one encounter; ``closed``: the visit is over, nobody waits for a level.

        Raises:
            PassingJobError: try again later.
            HopelessJobError: the record cannot be read as it is, or is not on this worker's server.
            JobError: a defect, or no such encounter; a few attempts are worth it.
        """
        failure: JobError
        try:
            return await self._do(encounter, server)
        except JobError:
            raise
        except (NotReadyError, RunFailedError, StoreError, TimeoutError) as error:
            failure = PassingJobError(type(error).__name__)
        except FhirNotFoundError as error:
            # A few attempts: what tells of an arrival may be ahead of the server that is read.
            failure = JobError(type(error).__name__)
        except FhirError as error:
            kind = PassingJobError if isinstance(error, PASSING) else HopelessJobError
            failure = kind(type(error).__name__)
        except AgentError as error:
            failure = HopelessJobError(type(error).__name__)
        except Exception as error:  # its words could quote the record
            failure = JobError(type(error).__name__)
        raise failure  # outside the handlers, so that nothing that quotes a record hangs on it

    async def _do(self, encounter: str, server: str) -> Outcome:
        if server != self._mark:
            raise HopelessJobError("AnotherServer")
        visit = await self._client.get(f"Encounter/{encounter}")
        if visit.get("status") not in OPEN_STATUSES:
            return "closed"
        result = await read_server_encounter(
            self._client, visit, source=self._source, now=self._clock(), settings=self._settings
        )
        if isinstance(result, IntakeError):
            kind = PassingJobError if result.passing else HopelessJobError
            raise kind(f"IntakeError at {result.element.partition('/')[0]}")
        known = await self._service.find(result.encounter_key)
        case = await self._service.assess(result if known is None else with_bedside(result, known.intake))
        if case.phase is CasePhase.ASSESSING:
            # Another process has it. Should that one die, this job is what finishes the case.
            raise PassingJobError("AnotherWorker")
        if self._on_case is not None:
            self._on_case(case)
        return "assessed"
