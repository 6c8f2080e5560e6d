"""Adapters kept for a running server: copies that nobody edits, under the hash of what they compute.

A server reads an adapter's files again when its memory was needed for others meanwhile. So it is never given the folder
that somebody trains into, only a copy that lies under its own hash and is compared with it whenever it is looked up.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from triage.slm.adapter import CONFIG_FILE, WEIGHTS_FILE, LoraAdapter, adapter_sha256
from triage.slm.errors import ModelIntegrityError, ModelMissingError

CALIBRATION_FILE = "calibration.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoredAdapter:
    """One adapter; ``folder`` holds its two files and perhaps its calibration."""

    name: str
    sha256: str
    folder: Path

    @property
    def ref(self) -> str:
        """``NAME@SHA256``: unlike the name alone it can mean only these weights."""
        return f"{self.name}@{self.sha256}"

    @property
    def calibration(self) -> Path | None:
        """The file, or None."""
        path = self.folder / CALIBRATION_FILE
        return path if path.is_file() else None


class AdapterStore:
    """The copies under ``root``, as ``SHA256/NAME``."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def add(self, folder: Path) -> StoredAdapter:
        """Copy an adapter, with the calibration beside it; the same one again only renews the calibration.

        Raises:
            ModelMissingError: a file is missing.
            ModelIntegrityError: no plain LoRA, or a name that cannot be part of a model's.
        """
        lora = LoraAdapter(folder)
        if not _NAME.fullmatch(lora.name):
            raise ModelIntegrityError(
                f"the adapter's folder is called {lora.name!r}: use letters, digits, dot, dash and underscore"
            )
        kept = self._root / lora.sha256 / lora.name
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not kept.is_dir():
            scratch = Path(tempfile.mkdtemp(dir=kept.parent, prefix=".add-"))
            try:
                for file in (CONFIG_FILE, WEIGHTS_FILE):
                    shutil.copyfile(folder / file, scratch / file)
                if adapter_sha256(scratch) != lora.sha256:
                    raise ModelIntegrityError(f"adapter {lora.name} changed while it was copied: try again")
                if not kept.is_dir():
                    scratch.rename(kept)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        found = self._checked(kept)
        if (folder / CALIBRATION_FILE).is_file():
            beside = kept / f"{CALIBRATION_FILE}.new"
            shutil.copyfile(folder / CALIBRATION_FILE, beside)
            beside.replace(kept / CALIBRATION_FILE)
        return found

    def all(self) -> list[StoredAdapter]:
        """Those there are, by name; their files are not compared."""
        folders = [path.parent for path in self._root.glob(f"*/*/{CONFIG_FILE}")]
        return sorted(
            (StoredAdapter(path.name, path.parent.name, path) for path in folders if path.name[0] != "."),
            key=lambda adapter: adapter.ref,
        )

    def find(self, wanted: str) -> StoredAdapter:
        """The adapter called ``NAME`` or ``NAME@`` and the beginning of its hash, its files compared with the hash.

        Raises:
            ModelMissingError: there is none, or more than one.
            ModelIntegrityError: its files are not those of its hash.
        """
        name, _, sha256 = wanted.partition("@")
        found = [one for one in self.all() if one.name == name and one.sha256.startswith(sha256)]
        if len(found) != 1:
            which = ", ".join(f"{one.name}@{one.sha256[:12]}" for one in (found or self.all())) or "none"
            raise ModelMissingError(
                f"{'more than one adapter is' if found else 'no adapter is'} called {wanted} here (there is: {which}): "
                "`triage model adapters load FOLDER` brings one"
            )
        return self._checked(found[0].folder)

    def _checked(self, folder: Path) -> StoredAdapter:
        sha256 = folder.parent.name
        try:
            actual = adapter_sha256(folder)
        except OSError as error:
            raise ModelIntegrityError(f"{folder} cannot be read ({error.strerror})") from None
        if actual != sha256:
            raise ModelIntegrityError(
                f"{folder} is not what was loaded: delete it, and load the adapter again"
            )
        return StoredAdapter(folder.name, sha256, folder)
