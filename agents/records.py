"""What becomes of records after a case: replayed, exported, kept for a while, erased."""

from collections.abc import Sequence
from datetime import datetime

from agents import export, replay, retention
from agents.quality import AlertTimes, Visit
from agents.runner import Runner
from agents.store.compaction import compact
from agents.store.patients import cases_of_patient
from agents.store.visits import alerts_between, visits_between


class Records:
    """The records' own entrance; ``CaseService.records`` gives it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def replay(self, case_id: str, assessment_id: str | None = None) -> replay.Replay:
        """The stored answer made again, compared: see ``agents.replay.replay``.

        Raises:
            UnknownCaseError, ErasedCaseError, NotReadyError
        """
        return await replay.replay(self._runner, case_id, assessment_id)

    async def of_patient(self, reference: str) -> tuple[str, ...]:
        """The cases of one patient, by id.

        Raises:
            AmbiguousPatientError: the reference may mean more than one person.
        """
        return await cases_of_patient(self._runner.context.store.database, reference)

    async def export_case(self, case_id: str, *, by: str) -> export.Export:
        """Everything kept of one case; the audit chain says who exported it.

        Raises:
            UnknownCaseError: no case has this id.
            ValueError: ``by`` names nobody.
        """
        return await export.export_case(self._runner, case_id, by=by)

    async def export_patient(self, reference: str, *, by: str) -> export.Export:
        """Everything kept of one patient, and nothing of anybody else; the audit chain says who exported it.

        Raises:
            AmbiguousPatientError: the reference may mean more than one person.
            ValueError: ``by`` names nobody.
        """
        return await export.export_patient(self._runner, reference, by=by)

    async def due(self, days: int) -> tuple[retention.DueCase, ...]:
        """The closed cases that came to rest more than ``days`` days ago."""
        return await retention.due(self._runner, days)

    async def purge(self, days: int, *, by: str) -> retention.ErasureReport:
        """Erase the cases of ``due``."""
        return await retention.purge(self._runner, days, by=by)

    async def erase(
        self,
        case_ids: Sequence[str],
        *,
        reason: retention.ErasureReason,
        by: str,
        undecided: bool = False,
    ) -> retention.ErasureReport:
        """Erase these cases; ``undecided`` also those that wait for a decision nobody will take.

        Raises:
            UnknownCaseError: no case has one of these ids; those before it are erased.
        """
        return await retention.erase(self._runner, case_ids, reason=reason, by=by, undecided=undecided)

    async def visits(self, since: datetime, until: datetime) -> tuple[Visit, ...]:
        """The cases that came into our books from ``since``, before ``until``, without names: for quality figures."""
        return await visits_between(self._runner.context.store.database, since, until)

    async def alert_times(self, since: datetime, until: datetime) -> tuple[AlertTimes, ...]:
        """The alerts that were raised from ``since``, before ``until``, by code."""
        return await alerts_between(self._runner.context.store.database, since, until)

    async def compact(self) -> tuple[str, ...]:
        """Overwrite what was deleted; what could not be overwritten now."""
        return await compact(self._runner.context.store.database, self._runner.checkpoints)
