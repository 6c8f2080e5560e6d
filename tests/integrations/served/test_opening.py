"""Which weights must answer, and every way in which the server turns out to have others."""

import asyncio
import json
from pathlib import Path

import pytest
from faulty_server import KEY, Exchange, closed_port, drips, error, says, until_gone

from integrations.assembly import load_calibration, open_engine
from integrations.served import UNVERIFIED, server_config
from integrations.settings import ModelSettings, Settings
from triage.slm import EngineError, ModelIntegrityError, ModelMissingError
from triage.slm.vllm import (
    AnotherModelError,
    AnswerCutError,
    ServerAbsentError,
    ServerAnswerError,
    ServerFailedError,
    ServerKeyError,
    ServerSlowError,
)


async def well_after_a_while(exchange: Exchange) -> None:
    await until_gone(exchange, 5)


def having(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"model": settings.model.model_copy(update=changes)})


def identity(settings: Settings):
    engine = open_engine(settings)
    asyncio.run(engine.close())
    return engine.identity


def test_a_server_on_this_machine_is_known_by_the_folder_it_serves(settings, folder):
    found = identity(settings)
    assert (found.engine, found.model, found.weights_sha256) == ("vllm", folder.source.base, folder.digest)
    assert (found.adapter, found.adapter_sha256) == (folder.source.adapter, folder.source.adapter_sha256)
    assert load_calibration(settings).fits(found.adapter_sha256)


def test_an_adapter_at_run_time_is_known_by_the_folder_it_lies_in(settings, server, folder):
    root = folder.folder / "lora" / "smollm2_triage"
    server.models = [{"id": "base", "root": str(folder.folder)}, {"id": str(folder.name), "root": str(root)}]
    assert identity(settings).weights_sha256 == folder.digest


@pytest.mark.parametrize("as_file", [True, False])
def test_the_manifest_says_what_must_answer(settings, server, folder, as_file):
    server.models = [{"id": str(folder.name), "root": "/elsewhere"}]
    manifest = folder.folder / "manifest.json" if as_file else folder.folder
    assert identity(having(settings, served_manifest=manifest)).weights_sha256 == folder.digest


def test_another_folder_than_the_manifest_says(settings, make_folder, folder):
    other = make_folder("other", builder_version=2)
    with pytest.raises(AnotherModelError, match=str(folder.name).replace("+", r"\+")):
        open_engine(having(settings, served_manifest=other.folder))


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"adapter_sha256": "1" * 64}, AnotherModelError, "TRIAGE_MODEL__ADAPTER"),
        ({"adapter": None, "adapter_sha256": None}, AnotherModelError, "adapter none"),
        ({"prompt_version": "2020.01-1"}, AnotherModelError, "2020.01-1"),
        ({"base": "Qwen3-0.6B"}, ModelMissingError, "TRIAGE_MODEL__TOKENIZER"),
    ],
)
def test_a_folder_made_of_other_parts(settings, server, make_folder, change, kind, words):
    other = make_folder("other", **change)
    server.models = [{"id": str(other.name), "root": str(other.folder)}]
    with pytest.raises(kind, match=words):
        open_engine(settings)


def test_a_name_whose_hash_is_not_that_of_the_folder(settings, server, folder):
    name = str(folder.name).split("@")[0] + "@" + "0" * 64
    server.models = [{"id": name, "root": str(folder.folder)}]
    with pytest.raises(ModelMissingError, match="SERVED_MANIFEST"):
        open_engine(settings)


def test_a_name_of_the_servers_own_is_recorded_as_unverified_and_not_calibrated(settings, server):
    server.models = [{"id": "meta/llama"}]
    own = having(settings, served_model="meta/llama")
    found = identity(own)
    assert (found.model, found.weights_sha256, found.adapter_sha256) == ("meta/llama", UNVERIFIED, None)
    assert not load_calibration(own).fitted
    with pytest.raises(AnotherModelError, match="meta/llama"):
        open_engine(having(settings, served_model="meta/other"))


@pytest.mark.parametrize(
    ("models", "kind"),
    [
        (error(500, "x"), ServerFailedError),
        (error(401, "x"), ServerKeyError),
        (says(200, b"<html>"), ServerAnswerError),
        (drips(5), ServerSlowError),
        (well_after_a_while, ServerSlowError),
        (says(200, b"{", length=50), AnswerCutError),
        (says(200, b"x" * (5 * 1024 * 1024)), ServerAnswerError),
        (says(200, {"data": None}), ServerAnswerError),
        (says(200, {"data": [3]}), ServerAnswerError),
        (says(200, {"data": [{"root": "x"}]}), ServerAnswerError),
        (says(200, b"[]"), ServerAnswerError),
    ],
)
def test_a_list_of_models_that_is_none(settings, server, models, kind):
    server.models = models
    with pytest.raises(kind):
        open_engine(settings)


def test_nobody_there(settings):
    with pytest.raises(ServerAbsentError, match="TRIAGE_MODEL__URL"):
        open_engine(having(settings, url=f"http://127.0.0.1:{closed_port()}"))


def test_the_key_comes_from_a_file(settings, server, tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    identity(having(settings, api_key=None, api_key_file=file))
    assert server.headers[-1]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff"])
def test_a_file_without_a_key(tmp_path, content):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelMissingError, match="API_KEY_FILE"):
        server_config(ModelSettings(api_key_file=file))


def test_another_models_tokenizer(settings, tmp_path):
    with pytest.raises(ModelMissingError, match=r"tokenizer\.json"):
        open_engine(having(settings, tokenizer=tmp_path))
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": "1.0"}))
    with pytest.raises(ModelIntegrityError):
        open_engine(having(settings, tokenizer=tmp_path))


def test_the_base_models_own_tokenizer_as_a_file_reads_the_same(settings, server, tmp_path):
    from triage.slm.vllm import Tokens

    path = Path(tmp_path) / "tokenizer.json"
    server.tokens.tokenizer.save(str(path))
    again = Tokens.of_file(path)
    assert (again.digits, again.end) == (server.tokens.digits, server.tokens.end)
    from faulty_server import REQUEST

    assert again.encode(REQUEST) == server.tokens.encode(REQUEST)


def test_opening_errors_are_engine_errors():
    assert all(
        issubclass(kind, EngineError) for kind in (AnotherModelError, ServerAbsentError, ModelMissingError)
    )
