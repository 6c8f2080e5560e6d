"""What can go wrong, as a few named problems; each has its words in the catalogue (``problem.<key>``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from agents import (
    AgentError,
    AlreadyAcknowledgedError,
    AlreadyDecidedError,
    AmbiguousPatientError,
    ExpiredSuggestionError,
    InvalidReviewError,
    NotReadyError,
    RunFailedError,
    StaleAssessmentError,
    StoreError,
    UnknownAlertError,
    UnknownCaseError,
)
from integrations.fhir import FhirError, IntakeError

KEYS = (
    "not-allowed",
    "signed-out",
    "already-decided",
    "already-acknowledged",
    "newer-suggestion",
    "suggestion-expired",
    "not-ready",
    "unknown-case",
    "unknown-alert",
    "invalid",
    "confirm-needed",
    "reason-needed",
    "why-not-needed",
    "floor-needs-physician",
    "same-level",
    "level-first",
    "unreadable",
    "ambiguous-patient",
    "not-filed",
    "not-kept",
    "service-away",
    "failed",
)
"""Every key; a test asks the catalogue for each, in each language."""


class Problem(Exception):  # noqa: N818 - what a person is told; not every one is an error of the program
    """Something was not done. ``key`` is below ``problem`` in the catalogue, ``values`` go into its places.

    ``field`` names what has to be corrected on the form, where one thing does. Nothing in it is patient data but
    what was typed into a form just now and the names of colleagues.
    """

    def __init__(self, key: str, /, *, field: str | None = None, **values: Any) -> None:
        assert key in KEYS
        super().__init__(key)
        self.key = key
        self.field = field
        self.values = values

    @property
    def at(self) -> datetime | None:
        """When it happened, where that is known (who decided first; since when the service is away)."""
        at = self.values.get("at")
        return at if isinstance(at, datetime) else None


@contextmanager
def named() -> Iterator[None]:  # noqa: PLR0912 - one branch an error
    """Turn the agent's errors into problems.

    Raises:
        Problem: instead of every error of the agent, the store, the reader and the FHIR client.
    """
    try:
        yield
    except AlreadyDecidedError as error:
        raise Problem("already-decided", who=error.reviewer, at=error.decided_at) from None
    except AlreadyAcknowledgedError as error:
        raise Problem("already-acknowledged", who=error.by, at=error.at) from None
    except ExpiredSuggestionError as error:
        raise Problem("suggestion-expired", minutes=f"{error.minutes:g}") from None
    except StaleAssessmentError:
        raise Problem("newer-suggestion") from None
    except NotReadyError:
        raise Problem("not-ready") from None
    except UnknownCaseError:
        raise Problem("unknown-case") from None
    except UnknownAlertError:
        raise Problem("unknown-alert") from None
    except AmbiguousPatientError:
        raise Problem("ambiguous-patient") from None
    except InvalidReviewError as error:
        raise Problem("invalid", detail=str(error)) from None
    except IntakeError as error:
        raise Problem("unreadable", field=error.element, detail=str(error)) from None
    except (StoreError, FhirError, OSError, TimeoutError) as error:
        raise Problem("service-away", what=type(error).__name__) from None
    except RunFailedError as error:
        raise Problem("failed", what=error.error) from None
    except AgentError as error:
        raise Problem("failed", what=type(error).__name__) from None
