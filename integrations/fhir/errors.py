"""What can go wrong between us and a FHIR server, and with what it sends.

FhirError
├── FhirUnreachableError   no connection: the request was certainly not processed
├── FhirTimeoutError       sent, no complete answer: on a write the outcome is *unknown*
├── FhirConflictError      409 or 412: somebody else changed the resource, or several match
├── FhirNotFoundError      404 or 410
├── FhirRefusedError       400, 422 and the other 4xx: the server will not have it
├── FhirAuthError          401 or 403
├── FhirThrottledError     429, with ``retry_after`` where the server gave one
├── FhirServerError        5xx: on a write the outcome is *unknown*
├── FhirProtocolError      an answer that is not FHIR JSON, a page of another origin, a redirect
└── FhirInvalidError       our own resource failed validation and was not sent

IntakeError                one encounter, file or bundle could not be read; returned beside the records

No message holds a URL, an id, a search value or a server's free text: all of these can be patient data.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ISSUE_CODE = re.compile(r"^[a-z][a-z-]{0,29}$")
_EXPRESSION = re.compile(r"^[A-Z][A-Za-z]*(\.[a-z][A-Za-z]*(\[[0-9]{1,4}\]|\[x\])?)*$")
_MAX_ISSUES = 10


class FhirError(Exception):
    """Base of every error of the FHIR side.

    ``unknown_outcome`` is True where a write was sent and nobody can say whether it was done: look first.
    ``status`` is the HTTP status, None where there was no answer.
    """

    def __init__(self, message: str, *, status: int | None = None, unknown_outcome: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.unknown_outcome = unknown_outcome


class FhirUnreachableError(FhirError):
    """The server could not be reached; nothing was sent."""


class FhirTimeoutError(FhirError):
    """The request was sent and no complete answer came back."""


class FhirConflictError(FhirError):
    """The resource changed meanwhile (409, 412), or a conditional request matched several."""


class FhirNotFoundError(FhirError):
    """The resource does not exist, or no longer."""


class FhirRefusedError(FhirError):
    """The server refused the request; ``issues`` says what it objected to, without its free text."""

    def __init__(
        self, message: str, *, status: int | None = None, issues: "Sequence[OutcomeIssue]" = ()
    ) -> None:
        super().__init__(message, status=status)
        self.issues = tuple(issues)


class FhirAuthError(FhirError):
    """Not authenticated, or not allowed."""


class FhirThrottledError(FhirError):
    """Too many requests; ``retry_after`` in seconds where the server said."""

    def __init__(self, message: str, *, status: int | None = 429, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class FhirServerError(FhirError):
    """The server failed (5xx); ``retry_after`` in seconds where the server said."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        unknown_outcome: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, unknown_outcome=unknown_outcome)
        self.retry_after = retry_after


class FhirProtocolError(FhirError):
    """The answer is not what FHIR's REST API promises."""


class FhirInvalidError(FhirError):
    """A resource of ours is not valid R4 or carries a wrong code and was not sent; ``problems`` says why."""

    def __init__(self, resource_type: str, problems: Sequence[str]) -> None:
        super().__init__(f"{resource_type} was not sent, it is not valid: " + "; ".join(problems))
        self.problems = tuple(problems)


PASSING = (
    FhirUnreachableError,
    FhirTimeoutError,
    FhirConflictError,
    FhirThrottledError,
    FhirServerError,
    FhirAuthError,
)
"""What may be gone at the next attempt; a token that ran out is renewed by somebody."""


@dataclass(frozen=True)
class OutcomeIssue:
    """One issue of an OperationOutcome, without diagnostics, details and free text."""

    severity: str
    code: str
    expressions: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f" at {', '.join(self.expressions)}" if self.expressions else ""
        return f"{self.code}{where}"


def outcome_issues(body: object) -> tuple[OutcomeIssue, ...]:
    """The issues of an OperationOutcome, reduced to codes and element paths; empty for anything else."""
    if not isinstance(body, Mapping) or body.get("resourceType") != "OperationOutcome":
        return ()
    issues = body.get("issue")
    if not isinstance(issues, list):
        return ()
    return tuple(_issue(issue) for issue in issues[:_MAX_ISSUES] if isinstance(issue, Mapping))


def _issue(issue: Mapping[str, Any]) -> OutcomeIssue:
    expressions = issue.get("expression")
    return OutcomeIssue(
        severity=_coded(issue.get("severity")),
        code=_coded(issue.get("code")),
        expressions=tuple(
            expression
            for expression in (expressions if isinstance(expressions, list) else ())
            if isinstance(expression, str) and len(expression) <= 200 and _EXPRESSION.match(expression)
        ),
    )


def _coded(value: object) -> str:
    return value if isinstance(value, str) and _ISSUE_CODE.match(value) else "unknown"


class IntakeError(Exception):
    """One encounter, file or bundle that could not be read.

    Readers return it in place of a record, so that one bad file never stops the others; ``load_bundle`` and
    ``ResourceIndex`` raise it. ``str(error)`` names the element, what is wrong and what to do, and holds no
    patient data. ``source`` (a file's path, a server's name) stays out of it: file names often hold names.
    ``passing``: the server was away or not willing, so that the same may be read later.
    """

    def __init__(
        self, message: str, *, element: str, remedy: str, source: str = "", passing: bool = False
    ) -> None:
        super().__init__(f"{element}: {message} {remedy}")
        self.element = element
        self.message = message
        self.remedy = remedy
        self.source = source
        self.passing = passing

    def at(self, source: str) -> "IntakeError":
        """The same error, saying where it was met."""
        return IntakeError(
            self.message, element=self.element, remedy=self.remedy, source=source, passing=self.passing
        )
