"""One question over HTTP: time limits, repeats with jitter, and errors that keep to themselves what was asked."""

import asyncio
import logging
import ssl
import time
from functools import cache

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from triage.slm.errors import EngineError
from triage.slm.vllm.breaker import CircuitBreaker
from triage.slm.vllm.config import ServerConfig
from triage.slm.vllm.errors import ServerAnswerError, ServerError, ServerSlowError
from triage.slm.vllm.failures import error_of_status, error_of_transport, json_of

logger = logging.getLogger(__name__)

COMPLETIONS = "/v1/completions"
MODELS = "/v1/models"

_MOST_BYTES = 4 * 1024 * 1024

_jitter = wait_random_exponential(multiplier=0.1, max=2.0)


class Transport:
    """Pooled connections to one server, for one event loop.

    A caller that is cancelled, or whose time is up, closes its connection: that is how the server learns that nobody
    wants the answer any more and stops working on it.

    Args:
        config: limits.
        breaker: shared by all loops and all engines.
    """

    def __init__(self, config: ServerConfig, breaker: CircuitBreaker) -> None:
        self._config = config
        self._breaker = breaker
        self._http = httpx.AsyncClient(
            base_url=config.url,
            headers=config.headers,
            timeout=_timeout(config),
            limits=httpx.Limits(
                max_connections=config.concurrency + 1, max_keepalive_connections=config.concurrency
            ),
            verify=tls(),
            # No proxy of the environment: patient data goes to the configured server and nowhere else.
            trust_env=False,
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def complete(self, body: dict[str, object], model: str) -> object:
        """The JSON of the server's answer to a completion request.

        Args:
            body: the request.
            model: the name asked for; all that a message says of it.

        Raises:
            EngineError: see the tree in ``errors``.
        """
        last: list[EngineError] = []
        try:
            async with asyncio.timeout(self._config.total_seconds):
                async for attempt in AsyncRetrying(
                    stop=stop_after_attempt(self._config.attempts),
                    retry=retry_if_exception(self._repeatable),
                    wait=_pause,
                    reraise=True,
                ):
                    with attempt:
                        return await self._once(body, model, last)
        except TimeoutError:
            pass
        raise (
            last[-1]
            if last
            else ServerSlowError(f"no answer of the model server within {self._config.total_seconds:g} s")
        )

    def _repeatable(self, error: BaseException) -> bool:
        return (
            isinstance(error, ServerError)
            and error.repeatable
            and (error.retry_after or 0.0) <= self._config.longest_pause_seconds
            and self._breaker.closed
        )

    async def _once(self, body: dict[str, object], model: str, last: list[EngineError]) -> object:
        # Raised outside the handlers: httpx's own errors carry the request, and with it the patient.
        answering = False
        failure: EngineError | None = None
        with self._breaker.attempt():
            try:
                async with asyncio.timeout(self._config.request_seconds):
                    request = self._http.build_request("POST", COMPLETIONS, json=body)
                    response = await self._http.send(request, stream=True)
                    answering = True
                    try:
                        data = await _read(response)
                    finally:
                        await response.aclose()
                if response.status_code == httpx.codes.OK:
                    return json_of(data)
                failure = error_of_status(response.status_code, response.headers, data, model)
            except (httpx.HTTPError, TimeoutError) as error:
                failure = error_of_transport(error, answering=answering)
            except EngineError as error:
                failure = error
            logger.warning("model server: %s (%s)", failure, type(failure).__name__)
            last.append(failure)
            raise failure


def get_json(config: ServerConfig, path: str) -> object:
    """The JSON at ``path``, asked once and without an event loop: for opening and checking.

    Raises:
        EngineError: see the tree in ``errors``.
    """
    return json_of(_exchange(config, "GET", path, None, config.request_seconds))


def post_json(config: ServerConfig, path: str, body: object, *, seconds: float = 120.0) -> bytes:
    """Send ``body`` once and without an event loop: for what an operator asks, which may take longer than a question.

    Raises:
        EngineError: see the tree in ``errors``.
    """
    return _exchange(config, "POST", path, body, seconds)


def _exchange(config: ServerConfig, method: str, path: str, body: object, seconds: float) -> bytes:
    end = time.monotonic() + seconds
    answering = False
    try:
        with (
            httpx.Client(
                base_url=config.url,
                headers=config.headers,
                timeout=httpx.Timeout(seconds, connect=config.connect_seconds),
                verify=tls(),
                trust_env=False,
                follow_redirects=False,
            ) as client,
            client.stream(method, path, json=body) as response,
        ):
            answering = True
            content = b""
            for part in response.iter_bytes():
                content += part
                if len(content) > _MOST_BYTES:
                    raise ServerAnswerError(f"the model server's answer is larger than {_MOST_BYTES} bytes")
                if time.monotonic() > end:
                    raise TimeoutError
    except (httpx.HTTPError, TimeoutError) as error:
        failure = error_of_transport(error, answering=answering)
    else:
        if response.status_code == httpx.codes.OK:
            return content
        failure = error_of_status(response.status_code, response.headers, content, path)
    raise failure


@cache
def tls() -> ssl.SSLContext:
    """One for all connections; a hospital's own authority comes in by SSL_CERT_FILE or SSL_CERT_DIR."""
    return httpx.create_ssl_context()


def _timeout(config: ServerConfig) -> httpx.Timeout:
    return httpx.Timeout(config.request_seconds, connect=config.connect_seconds)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return float(getattr(error, "retry_after", None) or 0.0) + float(_jitter(state))


async def _read(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _MOST_BYTES:
            raise ServerAnswerError(f"the model server's answer is larger than {_MOST_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
