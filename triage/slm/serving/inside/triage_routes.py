"""Only the routes that triage needs.

vLLM asks for its API key under /v1 and /inference alone; /invocations, /tokenize and others answer everybody. And what
nobody asks for needs no door: here everything but a short list is 404, before the key is looked at.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

OPEN = frozenset({"/health", "/metrics"})
"""Without the key: they hold no patient data, and probes and scrapers have no key."""

WITH_KEY = frozenset({"/v1/models", "/v1/completions", "/v1/chat/completions"})

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
        if kind == "lifespan" or (kind == "http" and scope["path"] in OPEN | WITH_KEY):
            await self.app(scope, receive, send)
        elif kind == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            body = b'{"error": {"message": "no such route on this server", "code": 404}}'
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": body})
