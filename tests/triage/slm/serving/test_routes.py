"""The doors of the server: few, and the rest are 404 before the key is looked at."""

import importlib.util

import httpx
import pytest

from triage.slm.serving.options import _INSIDE


@pytest.fixture(scope="module")
def app():
    spec = importlib.util.spec_from_file_location("triage_routes", _INSIDE / "triage_routes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async def behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    return module.OnlyNeededRoutes(behind)


@pytest.mark.parametrize(
    "path", ["/health", "/metrics", "/v1/models", "/v1/completions", "/v1/chat/completions"]
)
async def test_what_triage_needs_is_open(path, app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as http:
        assert (await http.post(path)).text == "inside"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/invocations",
        "/tokenize",
        "/v1/responses",
        "/inference/v1/generate",
        "/docs",
        "/health/",
        "/v1/models/x",
    ],
)
async def test_everything_else_is_not_there(path, app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as http:
        answer = await http.post(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == 404


async def test_websockets_are_closed_and_the_server_may_start_and_end(app):
    sent = []

    async def send(message):
        sent.append(message["type"])

    async def receive():
        return {"type": "websocket.connect"}

    await app({"type": "websocket", "path": "/v1/realtime"}, receive, send)
    assert sent == ["websocket.close"]
    await app({"type": "lifespan"}, receive, send)
    assert sent[1:] == ["http.response.start", "http.response.body"]
