"""What can go wrong with a case. Messages hold case ids (random) and codes, never patient data.

AgentError
├── UnknownCaseError       no case has this id
│   └── ErasedCaseError    its data were erased
├── NotClosedError         the case is not at rest, so its data may not be erased
├── AmbiguousPatientError  a patient cannot be told from another one
├── NotReadyError          the case has no suggestion to decide on yet
├── AlreadyDecidedError    someone decided first
├── StaleAssessmentError   the suggestion shown was superseded by a newer one
│   └── ExpiredSuggestionError  the suggestion waited too long
├── InvalidReviewError     the decision contradicts itself or is not allowed
├── UnknownAlertError      no alert has this id
├── AlreadyAcknowledgedError  somebody took note of the alert before
├── RunFailedError         a run stopped on an unexpected error; it is resumed by ``recover``
└── StoreError             the records cannot be opened, read or written
"""

from datetime import datetime


class AgentError(Exception):
    """A case could not be handled as asked."""


class UnknownCaseError(AgentError):
    """No case has this id."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"no case has the id {case_id}; `triage cases` lists them")
        self.case_id = case_id


class ErasedCaseError(UnknownCaseError):
    """The case was there, and its data were erased; its audit entries stand."""

    def __init__(self, case_id: str) -> None:
        AgentError.__init__(self, f"the data of case {case_id} were erased; its audit entries stand")
        self.case_id = case_id


class NotClosedError(AgentError):
    """The case is not at rest: a decision, or the hospital's record, is still owed. ``phase`` says which."""

    def __init__(self, case_id: str, phase: str) -> None:
        super().__init__(
            f"case {case_id} is not closed ({phase}) and keeps its data; decide it, or let `triage recover` deliver it"
        )
        self.case_id = case_id
        self.phase = phase


class AmbiguousPatientError(AgentError):
    """A patient cannot be told from another one, so nothing was exported or erased."""


class NotReadyError(AgentError):
    """The case has no suggestion to decide on yet."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"case {case_id} is still being assessed; try again in a moment")
        self.case_id = case_id


class AlreadyDecidedError(AgentError):
    """Someone decided first. ``reviewer`` and ``decided_at`` say who and when."""

    def __init__(self, case_id: str, reviewer: str, decided_at: datetime) -> None:
        super().__init__(f"case {case_id} was already decided by {reviewer} at {decided_at.isoformat()}")
        self.case_id = case_id
        self.reviewer = reviewer
        self.decided_at = decided_at


class StaleAssessmentError(AgentError):
    """The suggestion shown was superseded by a newer one: look at that one and decide again."""

    def __init__(self, case_id: str, current: str | None) -> None:
        super().__init__(f"case {case_id} has a newer assessment; look at it and decide again")
        self.case_id = case_id
        self.current = current


class ExpiredSuggestionError(StaleAssessmentError):
    """The suggestion waited longer than the configured limit: the patient may not be the same any more."""

    def __init__(self, case_id: str, current: str, minutes: float) -> None:
        AgentError.__init__(
            self,
            f"the suggestion of case {case_id} is more than {minutes:g} minutes old; assess the patient again "
            "(`triage assess` reads the record anew), look at the new suggestion and decide",
        )
        self.case_id = case_id
        self.current = current
        self.minutes = minutes


class UnknownAlertError(AgentError):
    """No alert has this id, or its case was erased."""

    def __init__(self, alert_id: str) -> None:
        super().__init__(f"no alert has the id {alert_id}; `triage alerts list` shows them")
        self.alert_id = alert_id


class AlreadyAcknowledgedError(AgentError):
    """Somebody took note of the alert before. ``by`` and ``at`` say who and when."""

    def __init__(self, alert_id: str, by: str, at: datetime) -> None:
        super().__init__(f"alert {alert_id} was already acknowledged by {by} at {at.isoformat()}")
        self.alert_id = alert_id
        self.by = by
        self.at = at


class InvalidReviewError(AgentError):
    """The decision contradicts itself or is not allowed; the message names the field and the remedy."""


class RunFailedError(AgentError):
    """A run stopped on an unexpected error. Nothing is lost: ``CaseService.recover`` resumes it."""

    def __init__(self, case_id: str, error: str) -> None:
        super().__init__(f"the run of case {case_id} stopped ({error}); it is kept and will be resumed")
        self.case_id = case_id
        self.error = error


class StoreError(AgentError):
    """The records cannot be opened, read or written. ``reason`` is a code or a class, never a value."""

    def __init__(self, place: str, reason: str, remedy: str) -> None:
        super().__init__(f"the records at {place} cannot be used ({reason}): {remedy}")
        self.place = place
        self.reason = reason
        self.remedy = remedy
