"""HAProxy's configuration for several servers of one model: what a question of a patient needs of a balancer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from triage.slm.serving.errors import ServeError
from triage.slm.vllm import server_url
from triage.slm.vllm.config import is_loopback

_CONFIG = """\
# Before several servers of one triage model. Written by `triage`; needs HAProxy 2.4 or newer. docs/scaling.md

global
    # No stats socket: it would show the bodies of malformed requests, and those are about patients.
    log stdout format raw local0

defaults
    mode http
    log global
    # Which replica, which status, how long. No client, no path, no header, no body.
    log-format "%t %s %ST queued/connected/answered/all %Tw/%Tc/%Tr/%Ta ms %tsc, %rc retries"
    timeout http-request 10s
    timeout client {answer_seconds}s
    timeout queue 10s
    timeout connect 1s
    timeout check 2s
    timeout server {answer_seconds}s
    # Another replica is tried where no connection was made. A question that was sent is never sent again from here:
    # the client knows what it may ask twice.
    retries 2
    retry-on conn-failure
    option redispatch 1
    # Whoever gives up closes the connection, and the replica stops working on the answer.
    option abortonclose
    # A connection for each question, on both sides: none is sent down one that is just being closed, and what a dying
    # replica breaks off is answered with 502 and logged. Over a connection that was used before, HAProxy would hang up
    # without a word.
    option httpclose

frontend triage
    bind {bind}
    # A replica loads adapters for its own machine only: it must see that these questions come from elsewhere.
    option forwardfor
    monitor-uri /health
    monitor fail if {{ nbsrv(replicas) lt 1 }}
    http-request return status 404 unless {{ path /v1/models /v1/completions /v1/chat/completions }}
    default_backend replicas

backend replicas
    balance leastconn
    http-reuse never
    # /ready and not /health: that is 200 before the warm-up, when the first answer may take most of a minute.
    option httpchk
    http-check send meth GET uri /ready
    http-check expect status 200
    # A replica that says nothing is left within ten seconds, and its questions are given back to the clients.
    default-server check inter 1s fastinter 500ms fall 3 rise 1 on-marked-down shutdown-sessions
{servers}
"""


@dataclass(frozen=True, slots=True)
class BalancerOptions:
    """Where the balancer listens, and how long it waits.

    ``certificate``: a PEM file with certificate and key; needed where others than this machine ask, unless
    ``allow_plain_http`` says that the network is protected otherwise. ``answer_seconds``: after so long without a byte
    a connection is closed; clients give up long before that.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    allow_plain_http: bool = False
    answer_seconds: int = 300


def haproxy_config(replicas: Sequence[str], options: BalancerOptions | None = None) -> str:
    """The text of ``haproxy.cfg``.

    Args:
        replicas: base URLs of the servers, all with the same folder and API key.
        options: where it listens.

    Raises:
        ServeError: no replica, one twice, one that is no URL of a server, or unencrypted where it must not be.
    """
    options = options or BalancerOptions()
    if not replicas:
        raise ServeError("a balancer needs at least one replica: http://HOST:PORT")
    urls = [_checked(url, options) for url in replicas]
    if len({str(url) for url in urls}) != len(urls):
        raise ServeError("a replica is given twice")
    servers = [f"    server replica{number} {_server(url)}" for number, url in enumerate(urls, start=1)]
    return _CONFIG.format(
        bind=_bind(options), answer_seconds=options.answer_seconds, servers="\n".join(servers)
    )


def _checked(url: str, options: BalancerOptions) -> httpx.URL:
    try:
        parsed = httpx.URL(server_url(url, allow_plain_http=options.allow_plain_http))
    except ValueError as error:
        raise ServeError(f"replica {url.rsplit('@', maxsplit=1)[-1]}: {error}") from None
    if parsed.path not in ("", "/"):
        raise ServeError(f"replica {url}: a path before /v1 is not passed on; give http://HOST:PORT")
    return parsed


def _server(url: httpx.URL) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    address = f"{_bracketed(url.host)}:{port}"
    if url.scheme == "http":
        return address
    return (
        f"{address} ssl verify required ca-file @system-ca verifyhost {url.host} "
        f"sni str({url.host}) check-sni {url.host}"
    )


def _bind(options: BalancerOptions) -> str:
    where = f"{_bracketed(options.host)}:{options.port}"
    if options.certificate is not None:
        path = str(options.certificate.absolute())
        if any(letter in path for letter in " \t\"'#\\"):
            raise ServeError(f"{path}: HAProxy reads no file with such letters in its name")
        return f"{where} ssl crt {path} ssl-min-ver TLSv1.2"
    if not is_loopback(options.host) and not options.allow_plain_http:
        raise ServeError(
            f"on {options.host} patient data would travel unencrypted: give the balancer a certificate"
        )
    return where


def _bracketed(host: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise ServeError(f"{host!r} is no host")
    return f"[{host}]" if ":" in host else host
