"""What went wrong with a request, in this project's words: a server's own may quote the key or the patient."""

from collections.abc import Iterator

from tenacity import RetryError

from eval.prompting.answer import Failure

_DENIED = {401, 403}
_NO_SUCH_MODEL = 404
_TIMEOUTS = {"TimeoutError", "APITimeoutError", "AttemptTimeoutError", "StreamIdleTimeoutError"}
_CONNECTIONS = {"APIConnectionError", "ConnectionError", "ConnectError", "RemoteProtocolError", "ReadError"}


class AccessError(RuntimeError):
    """The service refuses every request (wrong key, no such model), or stopped answering: names what to change."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it came of, the outermost first; a retry's last attempt among them."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        if isinstance(found, RetryError):
            found = found.last_attempt.exception()
        else:
            found = found.__cause__ or found.__context__


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind ``error``, None where there was no response."""
    for cause in causes(error):
        for name in ("status_code", "code", "status"):
            value = getattr(cause, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
                return value
    return None


def refusal_of_access(error: BaseException, model: str, variable: str) -> AccessError | None:
    """Why no request will ever be answered, or None where another one may be.

    ``variable`` is the environment variable of the key.
    """
    status = status_of(error)
    if status in _DENIED:
        return AccessError(
            f"{model}: the service refused the key ({status}). Set {variable} to a key that is valid for it; "
            "what was answered so far is kept"
        )
    if status == _NO_SUCH_MODEL:
        return AccessError(f"{model}: the service knows no such model or address (404). Check both")
    return None


def failure_of(error: BaseException) -> Failure | None:
    """The failure of one request that was not answered; None for what is no failure of the service."""
    status = status_of(error)
    if status == 429:
        return Failure.RATE_LIMITED
    if status == 408:
        return Failure.TIMED_OUT
    if status is not None:
        return Failure.SERVER_ERROR if status >= 500 else Failure.REJECTED
    names = {kind.__name__ for cause in causes(error) for kind in type(cause).__mro__}
    if "ModelRefusalError" in names:
        return Failure.REFUSED
    if names & _TIMEOUTS:
        return Failure.TIMED_OUT
    if names & _CONNECTIONS:
        return Failure.UNREACHABLE
    if names & {"APIResponseValidationError", "JSONDecodeError", "NoStreamDataError"}:
        return Failure.MALFORMED
    return None
