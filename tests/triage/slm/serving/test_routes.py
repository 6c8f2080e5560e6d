"""The doors of the server: few, and the rest are 404 before the key is looked at."""

import importlib.util

import httpx
import pytest

from triage.slm.adapter import adapter_sha256
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


async def test_a_balancer_is_told_when_the_warm_up_is_over(app, tmp_path, monkeypatch):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as http:
        assert (await http.get("/ready")).status_code == 503  # nobody would ever say so
        monkeypatch.setenv("TRIAGE_READY_FILE", str(tmp_path / "vllm.ready"))
        assert (await http.get("/ready")).status_code == 503
        (tmp_path / "vllm.ready").touch()
        assert (await http.get("/ready")).status_code == 200


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


BASE = "Model@" + "0" * 64
LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"


@pytest.fixture
def open_for_adapters(monkeypatch):
    monkeypatch.setenv("TRIAGE_BASE_NAME", BASE)
    monkeypatch.setenv("VLLM_API_KEY", "key")


async def post(app, path, body, *, client="127.0.0.1", **headers):
    transport = httpx.ASGITransport(app, client=(client, 1))
    sent = {
        "authorization": "Bearer key",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    async with httpx.AsyncClient(transport=transport, base_url="http://server", headers=sent) as http:
        return await http.post(path, json=body)


def wanted(folder, **changes):
    return {"lora_name": f"{BASE}+tiny@{adapter_sha256(folder)}", "lora_path": str(folder), **changes}


async def test_an_adapter_that_is_what_it_is_called_may_pass(app, open_for_adapters, tiny_lora):
    assert (await post(app, LOAD, wanted(tiny_lora))).text == "inside"
    assert (await post(app, UNLOAD, wanted(tiny_lora))).text == "inside"


@pytest.mark.parametrize("path", [LOAD, UNLOAD])
async def test_a_server_that_was_not_started_for_it_has_no_such_route(path, app, tiny_lora):
    assert (await post(app, path, wanted(tiny_lora))).status_code == 404


@pytest.mark.parametrize("path", [LOAD, UNLOAD])
@pytest.mark.parametrize(
    "others", [{"client": "10.0.0.7"}, {"x_forwarded_for": "10.0.0.7"}, {"forwarded": "for=10.0.0.7"}]
)
async def test_from_another_machine_there_is_no_such_route(path, others, app, open_for_adapters, tiny_lora):
    assert (await post(app, path, wanted(tiny_lora), **others)).status_code == 404


@pytest.mark.parametrize("key", ["Bearer wrong", "key", ""])
async def test_without_the_key_no_file_is_looked_at(key, app, open_for_adapters, tiny_lora):
    answer = await post(app, LOAD, wanted(tiny_lora), authorization=key)
    assert answer.status_code == 401


async def test_other_files_than_the_name_says_are_refused(app, open_for_adapters, tiny_lora, tmp_path):
    for changes in (
        {"lora_name": f"{BASE}+tiny@{'1' * 64}"},
        {"lora_name": f"Other@{'0' * 64}+tiny@{adapter_sha256(tiny_lora)}"},
        {"lora_name": f"{BASE}+@{adapter_sha256(tiny_lora)}", "lora_path": str(tmp_path)},
        {"lora_path": str(tmp_path)},
        {"lora_path": "relative"},
        {"lora_path": None},
        {"lora_path": "/\0"},
        {"load_inplace": True},
    ):
        assert (await post(app, LOAD, wanted(tiny_lora, **changes))).status_code == 400, changes
    for body in ([], "x", None, {}, {"lora_name": "x" * 20000}):
        assert (await post(app, LOAD, body)).status_code == 400
