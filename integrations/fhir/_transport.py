"""One HTTP request to a FHIR server: time limits, repeats, and errors that keep the URL to themselves."""

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from integrations.fhir._answers import Answer, error_for
from integrations.fhir.errors import (
    FhirError,
    FhirProtocolError,
    FhirServerError,
    FhirThrottledError,
    FhirTimeoutError,
    FhirUnreachableError,
)
from integrations.fhir.wire import silence_http_logging

log = logging.getLogger(__name__)

Params = Mapping[str, str | Sequence[str]]

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True)
class Question:
    """One request. ``what`` is the resource type: all that messages and logs may say of it."""

    method: str
    what: str
    url: httpx.URL
    params: Params | None = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether it may change something on the server."""
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.what}"


class Transport:
    """Sends requests; the arguments are those of ``FhirClient``."""

    def __init__(
        self,
        *,
        auth: httpx.Auth | None,
        timeout_s: float,
        deadline_s: float,
        attempts: int,
        headers: Mapping[str, str] | None,
    ) -> None:
        silence_http_logging()
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._http = httpx.AsyncClient(
            auth=auth,
            timeout=timeout_s,
            verify=_tls(),
            follow_redirects=False,
            headers={"Accept": "application/fhir+json", **(headers or {})},
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, question: Question) -> Answer:
        """The 2xx answer, after as many repeats as are safe.

        Raises:
            FhirError: see the tree in ``errors``.
        """
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            retry=retry_if_exception(_repeatable),
            wait=_wait,
            reraise=True,
        ):
            with attempt:
                return await self._ask_once(question)
        raise AssertionError("tenacity ends by an answer or an error")  # pragma: no cover

    async def _ask_once(self, question: Question) -> Answer:
        extra = dict(question.headers)
        if question.writes:
            extra.update({"Content-Type": "application/fhir+json", "Prefer": "return=representation"})
        request = self._http.build_request(
            question.method, question.url, params=question.params, content=question.content, headers=extra
        )
        # Built inside and raised outside the handlers: httpx's own errors carry the URL.
        failure: FhirError
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._http.send(request, stream=True)
                try:
                    data = await _read_body(response, question)
                finally:
                    await response.aclose()
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            failure = FhirUnreachableError(
                f"{question}: no connection to the server ({type(error).__name__})"
            )
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            failure = FhirTimeoutError(
                f"{question}: no complete answer ({type(error).__name__})", unknown_outcome=question.writes
            )
        else:
            answer = Answer(question.method, question.what, response.status_code, response.headers, data)
            log.debug("%s: %d", question, answer.status)
            if answer.ok:
                return answer
            failure = error_for(answer)
        log.warning("%s (%s)", failure, type(failure).__name__)
        raise failure


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the certificate authorities takes longer than most requests."""
    return httpx.create_ssl_context()


def _repeatable(error: BaseException) -> bool:
    if not isinstance(error, FhirError) or error.unknown_outcome:
        return False
    if isinstance(error, FhirThrottledError | FhirServerError) and (error.retry_after or 0) > _LONGEST_WAIT_S:
        return False
    return isinstance(error, FhirThrottledError | FhirUnreachableError | FhirTimeoutError) or (
        isinstance(error, FhirServerError) and error.status in (502, 503, 504)
    )


_jitter = wait_random_exponential(multiplier=0.2, max=5)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "retry_after", None) or 0.0
    return float(asked) + float(_jitter(state))


async def _read_body(response: httpx.Response, question: Question) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _MAX_ANSWER_BYTES:
            raise FhirProtocolError(
                f"{question}: the answer is larger than {_MAX_ANSWER_BYTES} bytes",
                unknown_outcome=question.writes,
            )
        parts.append(part)
    return b"".join(parts)
