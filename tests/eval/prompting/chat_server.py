"""A real HTTP server that speaks OpenAI's chat protocol, and misbehaves as told; and a proxy that fails in front."""

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "Zebulon Quartermain"
KEY = "key-that-nobody-may-read"

Act = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    handler: BaseHTTPRequestHandler
    body: Any

    def reply(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(data)))
        self.handler.end_headers()
        self.handler.wfile.write(data)


@dataclass
class ChatServer:
    """``script``: what the next requests get, one each; the last one goes on. ``bodies``: what was asked."""

    url: str = ""
    script: list[Act] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def asked(self) -> int:
        return len(self.bodies)

    def answer(self, exchange: Exchange) -> None:
        with self.lock:
            self.bodies.append(exchange.body)
            self.keys.append(exchange.handler.headers.get("Authorization", ""))
            act = self.script.pop(0) if len(self.script) > 1 else (self.script or [level(3)])[0]
        act(exchange)


def completion(text: str | None, finish: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tested",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": 200,
            "completion_tokens": 10,
            "total_tokens": 210,
            "prompt_tokens_details": {"cached_tokens": 50},
        },
    }


def text(words: str | None, finish: str = "stop", refusal: str | None = None) -> Act:
    """An answer in these words."""
    return lambda exchange: exchange.reply(200, completion(words, finish, refusal))


def level(number: int) -> Act:
    """A right answer."""
    return text(json.dumps({"level": number, "reason": "steady"}))


def error(status: int, code: str | None = None, headers: dict[str, str] | None = None) -> Act:
    """An error that quotes key and patient, as some servers do."""
    words = f"no good: {KEY} {SECRET}"
    return lambda exchange: exchange.reply(
        status, {"error": {"message": words, "type": "error", "param": None, "code": code}}, headers
    )


def raw(content: bytes) -> Act:
    """A body that is no completion."""
    return lambda exchange: exchange.reply(200, content)


def late(seconds: float, then: Act) -> Act:
    """An answer that comes when nobody waits any more."""

    def act(exchange: Exchange) -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            then(exchange)

    return act


def hang_up(exchange: Exchange) -> None:
    """The connection ends without a word."""
    exchange.handler.close_connection = True


@contextlib.contextmanager
def _listening(answer: Callable[[Exchange], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                answer(Exchange(self, json.loads(content)))

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@contextlib.contextmanager
def serving() -> Iterator[ChatServer]:
    """The server in a thread."""
    server = ChatServer()
    with _listening(server.answer) as server.url:
        yield server


@contextlib.contextmanager
def proxy(upstream: str, api_key: str, faults: list[Act]) -> Iterator[ChatServer]:
    """A proxy that hands requests to ``upstream``, after it has done each of ``faults`` instead, one a request."""

    def forward(exchange: Exchange) -> None:
        request = urllib.request.Request(
            f"{upstream}/v1/chat/completions",
            data=json.dumps(exchange.body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {api_key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                exchange.reply(response.status, response.read())
        except urllib.error.HTTPError as refused:
            with refused:
                exchange.reply(refused.code, refused.read())

    with serving() as server:
        server.script = [*faults, forward]
        yield server
