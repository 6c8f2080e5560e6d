"""What a served model folder holds, under which name it answers, and the check that it still holds it.

A folder in Hugging Face format is loaded as it lies: a configuration, a tokenizer or a chat template that was
exchanged changes every answer as surely as other weights do. So every file has its SHA-256 in ``manifest.json``, a
file that is not in there is refused like a changed one, and the name that the server answers to ends with the hash
over all of them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from triage.slm.errors import ModelIntegrityError, ModelMissingError
from triage.slm.fetch import file_sha256

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class ServedSource:
    """What a served folder was made from.

    ``base_sha256``: of the GGUF file, or over a base folder's configuration, tokenizer and weights. ``merged``: whether
    the adapter is in the weights; otherwise it lies in ``lora/`` and the server adds it to every request.
    """

    base: str
    base_sha256: str
    adapter: str | None
    adapter_sha256: str | None
    merged: bool
    prompt_version: str
    builder_version: int


@dataclass(frozen=True, slots=True)
class ServedName:
    """The name that a server answers to: ``BASE+ADAPTER@SHA256``, or ``BASE@SHA256`` without an adapter.

    ``sha256`` is the served folder's digest, so a client that is told a name to expect talks to exactly those weights,
    that tokenizer and that prompt version, or to nothing.
    """

    base: str
    adapter: str | None
    sha256: str

    def __str__(self) -> str:
        return f"{self.base}{f'+{self.adapter}' if self.adapter else ''}@{self.sha256}"

    @classmethod
    def parse(cls, text: str) -> "ServedName | None":
        """The parts of a name, or None where the server was not started by this project."""
        who, _, sha256 = text.rpartition("@")
        base, _, adapter = who.partition("+")
        if not base or len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            return None
        return cls(base, adapter or None, sha256)


@dataclass(frozen=True, slots=True)
class ServedFolder:
    """A model folder whose files were checked. ``files``: SHA-256 by path relative to ``folder``."""

    folder: Path
    source: ServedSource
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One SHA-256 over every file and over what they were made from."""
        content = {"source": asdict(self.source), "files": dict(self.files)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> ServedName:
        """Who gives the triage answers."""
        return ServedName(self.source.base, self.source.adapter, self.digest)

    @property
    def base_name(self) -> ServedName:
        """Who answers without the adapter; the same as ``name`` where that is merged or absent."""
        return self.name if self.lora is None else ServedName(self.source.base, None, self.digest)

    def loaded_name(self, adapter: str, adapter_sha256: str) -> str:
        """Who answers with an adapter that was loaded while the server ran: the bare weights' name, then the adapter's.

        The adapter that lies in the folder answers under ``name``.
        """
        if self.source.adapter_sha256 == adapter_sha256:
            return str(self.name)
        return f"{self.base_name}+{adapter}@{adapter_sha256}"

    @property
    def lora(self) -> Path | None:
        """The adapter's folder, where it is not merged."""
        if self.source.merged or self.source.adapter is None:
            return None
        return self.folder / "lora" / self.source.adapter


def write_manifest(folder: Path, source: ServedSource) -> ServedFolder:
    """Hash every file in the folder and write the manifest beside them."""
    files = {name: file_sha256(folder / name) for name in _present(folder)}
    content = {"source": asdict(source), "files": files}
    (folder / MANIFEST_FILE).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")
    return ServedFolder(folder, source, files)


def read_manifest(folder: Path) -> ServedFolder:
    """What the manifest says, with no file compared yet.

    Raises:
        ModelMissingError: the folder has no manifest: it was not made by this project.
        ModelIntegrityError: the manifest cannot be read.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise ModelMissingError(
            f"{folder} holds no {MANIFEST_FILE}: make the folder with `triage model build --out {folder}`"
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        source = ServedSource(**content["source"])
        files = {str(name): str(value) for name, value in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelIntegrityError(f"{path} cannot be read: {_remedy(folder)}") from error
    if not files or any(PurePosixPath(name).is_absolute() or ".." in name.split("/") for name in files):
        raise ModelIntegrityError(f"{path} names files outside of the folder, or none: {_remedy(folder)}")
    return ServedFolder(folder, source, files)


def verify(folder: Path) -> ServedFolder:
    """Compare every file with the manifest.

    Raises:
        ModelMissingError: no manifest.
        ModelIntegrityError: a file is missing, changed, or not in the manifest; the message names it.
    """
    served = read_manifest(folder)
    present = _present(folder)
    for name, recorded in served.files.items():
        if name not in present:
            raise ModelIntegrityError(f"{folder / name} is missing: {_remedy(folder)}")
        actual = file_sha256(folder / name)
        if actual != recorded:
            raise ModelIntegrityError(
                f"{folder / name} is not the file that was built: sha256 {actual}, the manifest says {recorded}; "
                f"{_remedy(folder)}"
            )
    unknown = sorted(present - served.files.keys())
    if unknown:
        raise ModelIntegrityError(
            f"{folder / unknown[0]} is not in the manifest, and the server could load it: take it out, or "
            f"{_remedy(folder)}"
        )
    return served


def _present(folder: Path) -> set[str]:
    every = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return {name for name in every if name != MANIFEST_FILE}


def _remedy(folder: Path) -> str:
    return f"delete {folder} and build it again with `triage model build --out {folder}`"
