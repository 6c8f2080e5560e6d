"""Only the routes that triage needs, and adapters only from this machine and only as what they are called.

vLLM asks for its API key under /v1 and /inference alone; /invocations, /tokenize and others answer everybody. And what
nobody asks for needs no door: here everything but a short list is 404, before the key is looked at.
"""

import hashlib
import hmac
import ipaddress
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

OPEN = frozenset({"/health", "/metrics"})
"""Without the key: they hold no patient data, and probes and scrapers have no key."""

WITH_KEY = frozenset({"/v1/models", "/v1/completions", "/v1/chat/completions"})

LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
"""With the key, from this machine, and only where the server was started for it."""

READY = "/ready"
"""For balancers: 200 after the warm-up, 503 before. /health is 200 as soon as vLLM listens, and the first question
with a grammar may then take most of a minute.
"""

READY_FILE = "TRIAGE_READY_FILE"
"""The variable with the path of the file that whoever started the server makes after the warm-up."""

BASE = "TRIAGE_BASE_NAME"
"""The variable with the name of the bare weights, which every adapter's name begins with; unset: no adapters."""

_FILES = ("adapter_config.json", "adapter_model.safetensors")
_MOST_BYTES = 16 * 1024
_FORWARDED = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class OnlyNeededRoutes:
    """ASGI middleware; vLLM adds it last, so it stands before all of its own."""

    def __init__(self, app: Callable[[_Scope, _Receive, _Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Pass on what is in the list, and the server's own start and end."""
        kind = scope["type"]
        base = os.environ.get(BASE)
        if kind == "lifespan" or (kind == "http" and scope["path"] in OPEN | WITH_KEY):
            await self.app(scope, receive, send)
        elif kind == "http" and scope["path"] == READY:
            await _say_ready(send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif kind == "http" and base and scope["path"] in (LOAD, UNLOAD) and _of_this_machine(scope):
            if _has_key(scope):
                await self._adapters(base, scope, receive, send)
            else:
                await _refuse(send, 401, "this needs the API key")
        else:
            await _refuse(send, 404, "no such route on this server")

    async def _adapters(self, base: str, scope: _Scope, receive: _Receive, send: _Send) -> None:
        body = b""
        more = True
        while more and len(body) <= _MOST_BYTES:
            message = await receive()
            body += message.get("body", b"")
            more = message["type"] == "http.request" and message.get("more_body", False)
        problem = adapter_problem(body, base, load=scope["path"] == LOAD)
        if problem:
            await _refuse(send, 400, problem)
            return
        left = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> _Message:
            return left.pop() if left else await receive()

        await self.app(scope, again, send)


def adapter_problem(body: bytes, base: str, *, load: bool) -> str | None:
    """Why a request may not go on to vLLM, which would load any folder under any name; None where it may."""
    try:
        asked = json.loads(body)
        name = str(asked["lora_name"])
        path = Path(asked["lora_path"]) if load else None
        replaces = bool(asked.get("load_inplace"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "not a request for an adapter"
    who, _, sha256 = name.rpartition("@")
    if not who.startswith(f"{base}+") or who == f"{base}+":
        return "the adapter's name does not begin with the name of the weights that this server has"
    if replaces:
        return "an adapter is never replaced under its name"
    if path is not None and (not path.is_absolute() or _sha256(path) != sha256):
        return "the adapter's files are not there, or not those that its name says"
    return None


def _sha256(folder: Path) -> str | None:
    """As ``triage.slm.adapter.adapter_sha256``."""
    digest = hashlib.sha256()
    try:
        for name in _FILES:
            digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _of_this_machine(scope: _Scope) -> bool:
    """Asked from a loopback address, and not on behalf of others by a proxy."""
    client = scope.get("client")
    try:
        own = client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
    return own and not any(name.lower() in _FORWARDED for name, _ in scope["headers"])


def _has_key(scope: _Scope) -> bool:
    """Compared here too, for files are read before vLLM is asked; without a key there are no adapters."""
    key = os.environ.get("VLLM_API_KEY")
    given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    return bool(key) and len(given) == 1 and hmac.compare_digest(given[0], f"Bearer {key}".encode())


def _warm() -> bool:
    file = os.environ.get(READY_FILE)
    return bool(file) and os.path.exists(str(file))


async def _say_ready(send: _Send) -> None:
    if _warm():
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await _refuse(send, 503, "not warmed up yet")


async def _refuse(send: _Send, status: int, why: str) -> None:
    body = json.dumps({"error": {"message": why, "code": status}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
