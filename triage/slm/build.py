"""Make the runnable model: base weights, merged adapter, OpenVINO graph, tokenizer, manifest of hashes.

A built model is a folder named by the hash of everything it was made from. It is written beside its place
and moved there whole, so that a half-written model is never seen, and two processes may build at once.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from triage.slm.adapter import LoraAdapter
from triage.slm.errors import ModelIntegrityError, ModelMissingError
from triage.slm.fetch import cache_folder, file_sha256
from triage.slm.gguf_weights import FloatArray, GgufModel
from triage.slm.graph import Precision, build_graph
from triage.slm.tokenizer import tokenizer_from_gguf

BUILDER_VERSION = 2
"""Raise it whenever the same inputs would give another model."""

GRAPH_FILE = "model.xml"
TOKENIZER_FILE = "tokenizer.json"
EMBEDDINGS_FILE = "embeddings.npy"
MANIFEST_FILE = "manifest.json"
_FILES = (GRAPH_FILE, "model.bin", EMBEDDINGS_FILE, TOKENIZER_FILE)


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What a model is built from."""

    gguf_sha256: str
    adapter: str | None
    adapter_sha256: str | None
    precision: Precision
    builder_version: int = BUILDER_VERSION

    @property
    def key(self) -> str:
        """The folder name: a hash of all fields except the adapter's name."""
        fields = {name: value for name, value in asdict(self).items() if name != "adapter"}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A model folder whose files were checked against their hashes."""

    folder: Path
    source: ModelSource


def ensure_built(
    gguf: Path, adapter: Path | None = None, *, precision: Precision = "int8", cache: Path | None = None
) -> BuiltModel:
    """The model in the cache, built first where it is not there yet (about 15 seconds).

    Args:
        gguf: base weights.
        adapter: a LoRA folder in peft format, merged into the weights.
        precision: of the stored matrices.
        cache: another folder than the user's cache.

    Raises:
        ModelMissingError: the GGUF or a file of the adapter is not there.
        ModelIntegrityError: an input cannot be used, or a file of the built model is damaged.
    """
    if not gguf.is_file():
        raise ModelMissingError(f"{gguf} is not there: run `triage model fetch`")
    lora = LoraAdapter(adapter) if adapter is not None else None
    source = ModelSource(
        gguf_sha256=file_sha256(gguf),
        adapter=lora.name if lora else None,
        adapter_sha256=lora.sha256 if lora else None,
        precision=precision,
    )
    parent = cache_folder(cache) / "embedded"
    folder = parent / source.key
    if not folder.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=parent, prefix=".build-"))
        try:
            _write(scratch, gguf, lora, source)
            scratch.chmod(0o755)  # built by one user, read by the service's; nothing in it is secret
            _publish(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    check_built(folder, source)
    return BuiltModel(folder, source)


def merged_weights(model: GgufModel, lora: LoraAdapter | None) -> Iterator[tuple[str, FloatArray]]:
    """Every weight in float32 under its Hugging Face name, with the adapter merged in."""
    return lora.merge(model.weights()) if lora else model.weights()


def check_built(folder: Path, source: ModelSource) -> None:
    """Compare every file with the manifest.

    Raises:
        ModelIntegrityError: a file is missing, changed, or the manifest is of another model.
    """
    remedy = f"delete {folder} and it is built again"
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
        recorded: dict[str, str] = manifest["files"]
        actual = {name: file_sha256(folder / name) for name in _FILES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelIntegrityError(f"the built model is incomplete: {remedy}") from error
    for name in _FILES:
        if recorded.get(name) != actual[name]:
            raise ModelIntegrityError(f"{name} of the built model is damaged: {remedy}")
    expected = {**asdict(source), "adapter": manifest.get("source", {}).get("adapter")}
    if manifest.get("source") != expected:
        raise ModelIntegrityError(f"the manifest describes another model: {remedy}")


def _write(folder: Path, gguf: Path, lora: LoraAdapter | None, source: ModelSource) -> None:
    model = GgufModel(gguf)
    weights = dict(merged_weights(model, lora))
    np.save(folder / EMBEDDINGS_FILE, weights["model.embed_tokens.weight"])
    graph = build_graph(model.shape, weights, source.precision)
    ov.save_model(graph, folder / GRAPH_FILE, compress_to_fp16=False)
    tokenizer_from_gguf(model).save(str(folder / TOKENIZER_FILE), pretty=False)
    manifest = {"source": asdict(source), "files": {name: file_sha256(folder / name) for name in _FILES}}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", "utf-8")
    for name in (*_FILES, MANIFEST_FILE):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())


def _publish(scratch: Path, folder: Path) -> None:
    try:
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process built the same model meanwhile
            raise
