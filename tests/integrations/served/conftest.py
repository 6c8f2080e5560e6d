import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data_schemas import IntakeRecord
from eval import sample_cases
from integrations.settings import ModelSettings, Settings
from triage.slm import PROMPT_VERSION, resolve_adapter
from triage.slm.adapter import adapter_sha256
from triage.slm.fetch import MODEL_NAME, MODEL_SHA256, find_base_model
from triage.slm.serving.manifest import ServedFolder, ServedSource, write_manifest
from triage.slm.vllm import Tokens

sys.path.insert(0, str(Path(__file__).parents[2] / "triage" / "slm" / "vllm"))

from faulty_server import KEY, FaultyServer, serving

Make = Callable[..., ServedFolder]


@pytest.fixture
def make_folder(tmp_path: Path) -> Make:
    """A served folder's manifest, of a file that nobody loads here."""

    def make(name: str = "served", **changes: object) -> ServedFolder:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        adapter = resolve_adapter("default")
        assert adapter is not None
        parts = {
            "base": MODEL_NAME,
            "base_sha256": MODEL_SHA256,
            "adapter": adapter.name,
            "adapter_sha256": adapter_sha256(adapter),
            "merged": True,
            "prompt_version": PROMPT_VERSION,
            "builder_version": 1,
            **changes,
        }
        return write_manifest(folder, ServedSource(**parts))

    return make


@pytest.fixture
def folder(make_folder: Make) -> ServedFolder:
    return make_folder()


@pytest.fixture
def server(folder: ServedFolder) -> Iterator[FaultyServer]:
    with serving(Tokens.of_gguf(find_base_model())) as running:
        running.models = [{"id": str(folder.name), "root": str(folder.folder), "max_model_len": 2048}]
        yield running


@pytest.fixture
def settings(server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    model = ModelSettings(
        engine="vllm",
        url=server.url,
        api_key=KEY,
        request_seconds=3.0,  # a busy machine needs half a second for an answer that is there
        timeout_seconds=10,
        second_look_seconds=0,
    )
    return Settings(data_dir=tmp_path / "records", model=model)


@pytest.fixture(scope="session")
def patient() -> IntakeRecord:
    """The sample with a stroke."""
    return next(case.record for case in sample_cases() if case.case_id == "28")
