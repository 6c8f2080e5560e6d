"""Loading and unloading, against a real HTTP server that refuses as vLLM does, or worse."""

from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import QUICK, SECRET, closed_port, error, hanging_up, says

from triage.slm.adapter_store import StoredAdapter
from triage.slm.errors import ModelIntegrityError
from triage.slm.vllm import (
    AdaptersClosedError,
    ModelNotServedError,
    ServerAbsentError,
    ServerConfig,
    ServerFailedError,
    ServerKeyError,
    ServerLostError,
    ServerRefusedError,
    load_adapter,
    unload_adapter,
)

BASE = "Model@" + "0" * 64
ADAPTER = StoredAdapter("mine", "a" * 64, Path("/adapters/mine"))
NAME = f"{BASE}+mine@{'a' * 64}"


@pytest.fixture
def config(server) -> ServerConfig:
    server.models = [{"id": BASE}]
    return replace(QUICK, url=server.url)


def listing(server, *names):
    async def act(exchange):
        server.models = [{"id": name} for name in (BASE, *names)]
        await exchange.reply(200, b"Success")

    return act


def test_it_is_loaded_once_and_unloaded(server, config):
    server.script = [listing(server, NAME)]
    assert load_adapter(config, ADAPTER, NAME)
    assert server.bodies == [{"lora_name": NAME, "lora_path": "/adapters/mine"}]
    assert not load_adapter(config, ADAPTER, NAME)
    assert server.asked == 1
    server.script = [listing(server)]
    unload_adapter(config, NAME)
    with pytest.raises(ModelNotServedError):
        unload_adapter(config, NAME)


def test_the_name_must_be_that_of_its_weights(server, config):
    for name in (f"{BASE}+mine@{'b' * 64}", f"{BASE}+other@{'a' * 64}", BASE):
        with pytest.raises(ModelIntegrityError):
            load_adapter(config, ADAPTER, name)
    assert server.asked == 0


@pytest.mark.parametrize("act", [load_adapter, None])
@pytest.mark.parametrize("changes", [{"url": "https://gpu.example"}, {"api_key": None}])
def test_only_on_this_machine_and_with_a_key(act, changes, config):
    there = replace(config, **changes)
    with pytest.raises(AdaptersClosedError):
        load_adapter(there, ADAPTER, NAME) if act else unload_adapter(there, NAME)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (error(404, "no such route"), AdaptersClosedError),
        (error(400, "LoRA rank 64 is greater than max_lora_rank"), ServerRefusedError),
        (error(401, "Unauthorized"), ServerKeyError),
        (error(500, "worker died"), ServerFailedError),
        (says(200, b"Success"), ServerRefusedError),
    ],
)
def test_every_refusal_has_its_name_and_quotes_nothing(answer, named, server, config):
    server.script = [answer]
    with pytest.raises(named) as caught:
        load_adapter(config, ADAPTER, NAME)
    assert SECRET not in str(caught.value)


def test_a_server_that_is_away_or_hangs_up(config):
    with pytest.raises(ServerAbsentError):
        load_adapter(replace(config, url=f"http://127.0.0.1:{closed_port()}"), ADAPTER, NAME)
    with hanging_up() as (url, _), pytest.raises(ServerLostError):
        load_adapter(replace(config, url=url), ADAPTER, NAME)
