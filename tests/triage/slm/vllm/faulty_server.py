"""A real HTTP server that speaks vLLM's completion protocol, and misbehaves as told.

uvicorn in a thread; what ASGI cannot do (end a connection without a word) is done by a plain socket server.
"""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from triage.slm.engine import EngineIdentity, EngineRequest
from triage.slm.vllm import ServerConfig, Tokens

NAME = "SmolLM2-135M-Instruct+test@" + "0" * 64
SECRET = "Zebulon Quartermain"
KEY = "key-that-nobody-may-read"
LOGPROBS = (-4.0, -2.0, -0.25, -2.5, -6.0)
ANSWER = "3\nA no B no C 2 D no\nFacts: cc"

IDENTITY = EngineIdentity(engine="vllm", model="SmolLM2-135M-Instruct", weights_sha256="0" * 64)
REQUEST = EngineRequest(
    prefix="<|im_start|>user\nTriage\n",
    prompt=f'cc "{SECRET} fell"<|im_end|>\n<|im_start|>assistant\n',
    lead="Level: ",
    regex=r"Level: [1-5]\nA (yes|no) B (yes|no) C [0-2] D (yes|no)\nFacts:( (cc)){1,4}",
)
QUICK = ServerConfig(
    api_key=KEY,
    connect_seconds=1.0,
    request_seconds=2.5,  # a busy machine needs half a second for an answer that is there
    total_seconds=5.0,
    queue_seconds=0.3,
    queue_size=16,
    concurrency=4,
    failures=100,
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Act = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    server: "FaultyServer"
    body: Any
    receive: Receive
    send: Send

    async def reply(
        self, status: int, content: bytes, headers: dict[str, str] | None = None, *, length: int | None = None
    ) -> None:
        sent = {
            "content-type": "application/json",
            "content-length": str(length or len(content)),
            **(headers or {}),
        }
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})
        await self.send({"type": "http.response.body", "body": content})


@dataclass
class FaultyServer:
    """``script``: what the next completion requests get; the last one goes on. ``models``: what is listed."""

    tokens: Tokens
    url: str = ""
    script: list[Act] = field(default_factory=list)
    models: Any = None
    asked: int = 0
    inside: int = 0
    most_inside: int = 0
    left: int = 0
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        content = b""
        while True:
            message = await receive()
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        exchange = Exchange(self, json.loads(content) if content else None, receive, send)
        if scope["path"] == "/v1/models":
            if callable(self.models):
                await self.models(exchange)
            else:
                listed = self.models if self.models is not None else [{"id": NAME, "max_model_len": 2048}]
                await exchange.reply(200, json.dumps({"object": "list", "data": listed}).encode())
            return
        self.asked += 1
        self.bodies.append(exchange.body)
        act = self.script.pop(0) if len(self.script) > 1 else (self.script or [well()])[0]
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await act(exchange)
        finally:
            self.inside -= 1

    def good(self, body: Any, **changes: Any) -> dict[str, Any]:
        """A right answer to a request, as vLLM 0.32 writes it, with some of its parts changed."""
        text = changes.pop("text", ANSWER)
        if "structured_outputs" not in body:
            text = text[0]
        ids = [*self.tokens.tokenizer.encode("Level: " + text, add_special_tokens=False).ids]
        ids = ids[len(self.tokens.tokenizer.encode("Level: ", add_special_tokens=False).ids) :]
        whole = "structured_outputs" in body
        written = [*ids, self.tokens.end] if whole else ids
        top = {f"token_id:{token}": value for token, value in zip(self.tokens.digits, LOGPROBS, strict=True)}
        top = changes.pop("top", top)
        logprobs = {
            "text_offset": [0] * len(written),
            "token_logprobs": [-0.1] * len(written),
            "tokens": [f"token_id:{token}" for token in written],
            "top_logprobs": [top] * len(written),
        }
        choice = {
            "index": 0,
            "text": text,
            "logprobs": changes.pop("logprobs", logprobs),
            "finish_reason": changes.pop("finish_reason", "stop" if whole else "length"),
        }
        usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": len(written)}
        return {
            "id": "cmpl-1",
            "object": "text_completion",
            "model": body["model"],
            "choices": [choice],
            "usage": usage,
            **changes,
        }


def well(after: float = 0.0, **changes: Any) -> Act:
    """The right answer, later, or changed."""

    async def act(exchange: Exchange) -> None:
        await until_gone(exchange, after)
        await exchange.reply(200, json.dumps(exchange.server.good(exchange.body, **dict(changes))).encode())

    return act


def says(
    status: int, content: object = b"", headers: dict[str, str] | None = None, *, length: int | None = None
) -> Act:
    """This status and body; ``length`` promises more bytes than come."""

    async def act(exchange: Exchange) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        await exchange.reply(status, data, headers, length=length)

    return act


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Act:
    """An error in vLLM's form, which quotes the request, as some servers do."""
    content = {"error": {"message": f"{message} {SECRET}", "type": "Error", "param": None, "code": status}}
    return says(status, content, headers)


def drips(seconds: float) -> Act:
    """A body that comes byte by byte."""

    async def act(exchange: Exchange) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await exchange.send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(100):
            await exchange.send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(seconds / 100)

    return act


async def until_gone(exchange: Exchange, seconds: float) -> None:
    """Work for so long, and note where the client went away meanwhile."""
    if not seconds:
        return
    gone = asyncio.create_task(exchange.receive())
    done, _ = await asyncio.wait({gone}, timeout=seconds)
    if done:
        exchange.server.left += 1
    else:
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone


@contextlib.contextmanager
def serving(tokens: Tokens, port: int = 0) -> Iterator[FaultyServer]:
    """The server in a thread; an empty port is chosen."""
    app = FaultyServer(tokens)
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        app.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield app
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextlib.contextmanager
def hanging_up(after: bytes = b"") -> Iterator[tuple[str, list[int]]]:
    """A server that reads each request, sends ``after`` and ends the connection; its URL and the count of requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked = [0]

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                asked[0] += 1
                connection.sendall(after)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
