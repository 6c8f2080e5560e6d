"""The adapters that ship with the project, and which one answers by default."""

from collections.abc import Mapping
from pathlib import Path

from triage.slm.errors import ModelMissingError

FOLDER = Path(__file__).resolve().parent.parent / "adapters"
DEFAULT_FILE = "DEFAULT"


def shipped_adapters(folder: Path = FOLDER) -> Mapping[str, Path]:
    """Every shipped adapter's folder, by name."""
    found = sorted(path.parent for path in folder.glob("*/adapter_config.json"))
    return {path.name: path for path in found}


def resolve_adapter(name: str, folder: Path = FOLDER) -> Path | None:
    """The folder of an adapter.

    Args:
        name: ``default`` (the one named in the file ``DEFAULT``, the base model where there is none), ``none``
            for the base model, a shipped adapter's name, or a path.
        folder: where the shipped ones are.

    Raises:
        ModelMissingError: there is no such adapter; the message names those there are.
    """
    if name == "none":
        return None
    shipped = shipped_adapters(folder)
    if name == "default":
        marker = folder / DEFAULT_FILE
        if not marker.is_file():
            return None
        name = marker.read_text().strip()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if (path / "adapter_config.json").is_file():
        return path
    known = ", ".join(shipped) or "none is shipped"
    raise ModelMissingError(
        f"no adapter {name!r}: give `none`, a folder with adapter_config.json, or one of: {known}"
    )
