"""Where the model server is, and how long and how often it may be asked."""

import ipaddress
from dataclasses import dataclass, field

import httpx

DEFAULT_URL = "http://127.0.0.1:8000"


def server_url(url: str, *, allow_plain_http: bool = False) -> str:
    """The server's base URL, checked; ``/v1`` and a slash at its end are taken off.

    Raises:
        ValueError: not http(s), with a password or a query in it, or unencrypted to another machine.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("is not a URL") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("must be http://HOST:PORT or https://HOST")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise ValueError(
            "must not hold a user, a password or a query: a key goes into api_key or api_key_file"
        )
    if parsed.scheme == "http" and not is_loopback(parsed.host) and not allow_plain_http:
        raise ValueError(
            "must be https for another machine: patient data would travel unencrypted "
            "(allow_plain_http permits it, for a network that is protected otherwise)"
        )
    return str(parsed).rstrip("/").removesuffix("/v1").rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by address or by the name ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How the server is asked.

    ``url``: from ``server_url``. ``connect_seconds``: to connect. ``request_seconds``: one attempt, from the first
    byte out to the last byte in. ``total_seconds``: all attempts at one question and the pauses between them.
    ``queue_seconds``: waiting for one of the ``concurrency`` slots. ``queue_size``: calls accepted at once.
    ``attempts``: at one question, the first included. ``longest_pause_seconds``: a server that asks for a longer
    pause (Retry-After) is not asked again. ``failures`` and ``rest_seconds``: see ``CircuitBreaker``.
    """

    url: str = DEFAULT_URL
    api_key: str | None = field(default=None, repr=False)
    connect_seconds: float = 2.0
    request_seconds: float = 20.0
    total_seconds: float = 30.0
    queue_seconds: float = 10.0
    queue_size: int = 64
    concurrency: int = 8
    attempts: int = 3
    longest_pause_seconds: float = 5.0
    failures: int = 6
    rest_seconds: float = 5.0
    max_answer_tokens: int = 256

    @property
    def headers(self) -> dict[str, str]:
        """Sent with every request."""
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"Accept": "application/json", **key}
