"""The service's part for those who wait: what changed, who is called, who is due."""

from datetime import timedelta

from agents.alerts import Alert
from agents.calling import Call, calls
from agents.errors import AlreadyAcknowledgedError, InvalidReviewError, UnknownAlertError
from agents.policy import ReviewPolicy
from agents.reassessment import Due, Waiting, by_urgency, due
from agents.retriage import Changes, changes_between
from agents.runner import Runner
from agents.store.runs import StoredRun
from agents.store.store import Store
from agents.values import EarlierRun
from data_schemas import ReviewerRole


class WaitingPatients:
    """Reads of waiting cases, and acknowledgements; ``CaseService`` is made of it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._context = runner.context

    async def changes(self, case_id: str) -> Changes | None:
        """What the current assessment has that the one before it had not; None where there is only one.

        Raises:
            UnknownCaseError: no case has this id.
        """
        await self._store.reads.case(case_id)
        runs = await self._store.runs.of_case(case_id)
        *earlier, current = runs
        before = [run for run in earlier if run.assessment is not None]
        if not before:
            return None
        decided = next((run.review.level for run in reversed(earlier) if run.review is not None), None)
        return changes_between(before[-1], current, decided)

    async def alerts(self, case_id: str | None = None, *, open_only: bool = True) -> tuple[Alert, ...]:
        """Who needs somebody now: alerts of one case or of all, oldest first; acknowledged ones where asked for."""
        return await self._store.alerts.find(case_id, open_only=open_only)

    async def acknowledge(self, alert_id: str, *, by: str, role: ReviewerRole) -> Alert:
        """A named clinician takes note of an alert. It stays in the store and in the audit chain.

        Raises:
            UnknownAlertError, AlreadyAcknowledgedError
            InvalidReviewError: ``by`` names nobody.
        """
        if not by.strip():
            raise InvalidReviewError("by: say who takes note of the alert")
        return await self._store.alerts.acknowledge(alert_id, by.strip(), role, self._context.clock())

    async def take_note(self, alert_id: str, *, by: str, role: ReviewerRole) -> Call:
        """A named clinician takes note of a whole call: of this alert and of every open one raised with it.

        Raises:
            UnknownAlertError
            AlreadyAcknowledgedError: of this alert somebody took note before; the others are left as they are.
            InvalidReviewError: ``by`` names nobody.
        """
        first = await self.acknowledge(alert_id, by=by, role=role)
        still = first.model_copy(update={"acknowledged": None})
        mine = calls([still, *await self.alerts(first.case_id)])[0]
        taken = [first]
        for alert in mine.reasons:
            if alert.id == alert_id:
                continue
            try:
                taken.append(await self.acknowledge(alert.id, by=by, role=role))
            except (AlreadyAcknowledgedError, UnknownAlertError):
                continue  # somebody else did meanwhile, or the case was erased: theirs stands
        return Call(case_id=first.case_id, assessment_id=first.assessment_id, reasons=tuple(taken))

    async def due(self) -> tuple[Due, ...]:
        """When each waiting patient is to be looked at again, overdue ones first."""
        return tuple(by_urgency(item.due for item in await self.waiting() if item.due is not None))

    async def waiting(self) -> tuple[Waiting, ...]:
        """Everybody who waits: undecided, or decided within ``reassess_decided``; the newest arrival first.

        What did not change since the last call is not read again, so this may be asked every few seconds.

        Raises:
            StoreError: the records cannot be read.
        """
        settings, now = self._context.settings, self._context.clock()
        after = timedelta(seconds=settings.reassess_decided)
        return tuple(
            Waiting(
                case=item.case,
                due=due(item.case, settings.reassess_minutes, now, after_decision=after),
                earlier=tuple(_before(run) for run in item.earlier),
            )
            for item in await self._store.waiting.since(now - after)
        )

    @property
    def policy(self) -> ReviewPolicy:
        """What a decision must bring with it here."""
        return self._context.settings.policy

    @property
    def _store(self) -> Store:
        return self._context.store


def _before(run: StoredRun) -> EarlierRun:
    return EarlierRun(
        assessment_id=run.assessment_id,
        record=run.record,
        level=None if run.assessment is None else run.assessment.level,
        review=run.review,
        created_at=run.created_at,
    )
