"""What can go wrong with a served model. Each leads to rules only; the class's name is all that is recorded.

EngineError
├── EngineBusyError                 our own queue is full, or a place took too long
└── ServerError
    ├── ServerAbsentError           nobody listens there
    ├── ServerLostError             the connection ended before an answer: restarted, or killed
    ├── ServerUnavailableError      502, 503, 504: a gateway in front, or a server that starts or stops
    ├── ServerThrottledError        429                               (an EngineBusyError too)
    ├── ServerSlowError             no answer within the time allowed (an EngineTimeoutError too)
    ├── ServerMemoryError           500 that says out of memory
    ├── ServerFailedError           any other 5xx
    ├── ServerRefusedError          any other answer than 200
    │   ├── ServerKeyError          401, 403
    │   ├── ModelNotServedError     404: this model or adapter is not there
    │   │   └── AdapterNotServedError  the adapter that the routing chose is not loaded there
    │   ├── AdaptersClosedError     the server loads no adapters, or not for us
    │   └── ContextTooLongError     more tokens than the server reads
    ├── ServerAnswerError           200 with something that is no answer
    │   ├── AnswerCutError          the body ended early
    │   ├── AnotherModelError       another model than the expected one
    │   └── LogprobsMissingError    not all five levels have a probability (an AnswerError too)
    └── CircuitOpenError            it failed repeatedly and is left alone for a moment
"""

from typing import ClassVar

from triage.slm.errors import AnswerError, EngineBusyError, EngineError, EngineTimeoutError


class ServerError(EngineError):
    """The served model could not answer. Messages hold nothing of what was asked or answered.

    ``repeatable``: the same question may be put again at once. ``unwell``: it says that the server is not well, so it
    counts towards leaving it alone. ``together``: one event ends all questions that are under way, so for that count
    they are one. ``retry_after``: seconds that the server asked for.
    """

    repeatable: ClassVar[bool] = False
    unwell: ClassVar[bool] = False
    together: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerAbsentError(ServerError):
    """No connection: nothing was asked."""

    repeatable = True
    unwell = True


class ServerLostError(ServerError):
    """The connection ended before an answer began."""

    repeatable = True
    unwell = True
    together = True


class ServerUnavailableError(ServerError):
    """502, 503 or 504."""

    repeatable = True
    unwell = True
    together = True


class ServerThrottledError(ServerError, EngineBusyError):
    """429: too many questions for the server."""

    repeatable = True


class ServerSlowError(ServerError, EngineTimeoutError):
    """No whole answer within the time allowed; not repeated, for that would make it slower still."""

    unwell = True


class ServerMemoryError(ServerError):
    """The server is out of memory."""

    unwell = True


class ServerFailedError(ServerError):
    """The server failed with a 5xx."""

    unwell = True


class ServerRefusedError(ServerError):
    """The server did not accept the request; the same request would be refused again."""


class ServerKeyError(ServerRefusedError):
    """The API key is missing or wrong."""


class ModelNotServedError(ServerRefusedError):
    """The server does not know this model or adapter."""


class AdapterNotServedError(ModelNotServedError):
    """The adapter that was chosen for this patient is not loaded on the server; no other one answers in its place."""


class AdaptersClosedError(ServerRefusedError):
    """The server loads and unloads no adapters while it runs, or not for whoever asks from here."""


class ContextTooLongError(ServerRefusedError):
    """The question has more tokens than the server reads."""


class ServerAnswerError(ServerError):
    """The answer is no JSON, or not of the form that the protocol says."""


class AnswerCutError(ServerAnswerError):
    """The connection ended within the answer."""

    repeatable = True
    unwell = True
    together = True


class AnotherModelError(ServerAnswerError):
    """The server answers as, or lists, another model than the expected one."""


class LogprobsMissingError(ServerAnswerError, AnswerError):
    """A level has no log-probability: an error, never a zero."""


class CircuitOpenError(ServerError):
    """The server failed several times in a row; for a few seconds it is not asked."""
