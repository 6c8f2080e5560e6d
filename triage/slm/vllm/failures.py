"""Which named error an HTTP failure is. Nothing of a body or a header goes into a message."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from triage.slm.errors import EngineBusyError, EngineError
from triage.slm.vllm.errors import (
    AnswerCutError,
    ContextTooLongError,
    ModelNotServedError,
    ServerAbsentError,
    ServerAnswerError,
    ServerError,
    ServerFailedError,
    ServerKeyError,
    ServerLostError,
    ServerMemoryError,
    ServerRefusedError,
    ServerSlowError,
    ServerThrottledError,
    ServerUnavailableError,
)

_MEMORY = ("out of memory", "outofmemory", "cannot allocate memory", "can't allocate memory")
_LENGTH = ("context length", "max_model_len", "maximum model length", "too long")


def error_of_status(status: int, headers: Mapping[str, str], body: bytes, model: str) -> ServerError:
    """The error that an answer other than 200 is."""
    pause = _retry_after(headers.get("retry-after"))
    said = body.decode("utf-8", "replace").lower()
    match status:
        case 401 | 403:
            return ServerKeyError(
                f"the model server does not accept the API key ({status}): "
                "check TRIAGE_MODEL__API_KEY or TRIAGE_MODEL__API_KEY_FILE"
            )
        case 404:
            return ModelNotServedError(
                f"the model server does not serve {model} (404): check which model or adapter it was started with, "
                "and TRIAGE_MODEL__URL"
            )
        case 413:
            return ContextTooLongError("the question is too long for the model server (413)")
        case 400 | 422 if any(words in said for words in _LENGTH):
            return ContextTooLongError(f"the question has more tokens than the model server reads ({status})")
        case 429:
            return ServerThrottledError("the model server has too many questions (429)", retry_after=pause)
        case 502 | 503 | 504:
            return ServerUnavailableError(f"the model server is not available ({status})", retry_after=pause)
        case _ if status >= 500 and any(words in said for words in _MEMORY):
            return ServerMemoryError(f"the model server is out of memory ({status})")
        case _ if status >= 500:
            return ServerFailedError(f"the model server failed ({status})")
        case _:
            return ServerRefusedError(f"the model server did not accept the request ({status})")


def error_of_transport(error: Exception, *, answering: bool) -> EngineError:
    """The error that a broken exchange is.

    Args:
        error: of httpx, or a TimeoutError.
        answering: whether the answer had begun.
    """
    kind = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        return ServerAbsentError(
            f"no model server answers there ({kind}): check TRIAGE_MODEL__URL and start it"
        )
    if isinstance(error, httpx.PoolTimeout):
        return EngineBusyError("no connection to the model server came free in time")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return ServerSlowError(f"no whole answer of the model server in time ({kind})")
    if isinstance(error, httpx.DecodingError):
        return ServerAnswerError(f"the model server's answer cannot be decoded ({kind})")
    if answering:
        return AnswerCutError(f"the model server's answer ended early ({kind})")
    return ServerLostError(f"the connection to the model server ended before an answer ({kind})")


def json_of(body: bytes) -> object:
    """The JSON of a body.

    Raises:
        ServerAnswerError: it is none.
    """
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise ServerAnswerError("the model server's answer is no JSON") from None
    return found


def _retry_after(value: str | None) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, 10.2.3); None where it is neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value)) if value.strip().isdigit() else _until(parsedate_to_datetime(value))
    except (ValueError, TypeError):
        return None


def _until(moment: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
