"""What is known of the configured model, from the files beside it: card, hash, calibration, attributes, evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from data_schemas import AcuityScale
from eval.comparison import Comparison
from integrations.settings import Settings
from triage.slm import PROMPT_VERSION, CalibrationFile, EngineError, resolve_adapter
from triage.slm.adapter import adapter_sha256
from triage.slm.calibration import read_calibration
from triage.slm.source_attributes import FILE as ATTRIBUTES
from triage.slm.source_attributes import SourceAttributesError, read_source_attributes

CARD, EVALUATION = "README.md", "comparison.json"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The last report of `triage eval compare-models` that was found. ``folder`` is its folder's name."""

    folder: str
    result: Comparison


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The configured model. ``adapter`` is None for the base model and where there is none (``engine`` is ``none``).

    ``broken`` names the files that are there and cannot be read: what they would say is not shown as absent.
    ``fits``: whether the calibration belongs to this adapter and this prompt; None where there is none.
    """

    engine: str
    adapter: str | None
    adapter_sha256: str | None
    prompt_version: str
    scale: AcuityScale
    site: str | None
    card: str | None
    calibration: CalibrationFile | None
    fits: bool | None
    attributes: Mapping[str, str]
    evaluation: Evaluation | None
    broken: tuple[str, ...] = ()


def model_facts(settings: Settings) -> ModelFacts:
    """Read the files; a broken one is named, and the others are read all the same."""
    broken: list[str] = []
    folder = _adapter(settings, broken)
    calibration = _calibration(settings, folder, broken)
    digest = _digest(folder, broken)
    return ModelFacts(
        engine=settings.model.engine,
        adapter=None if folder is None else folder.name,
        adapter_sha256=digest,
        prompt_version=PROMPT_VERSION,
        scale=settings.scale,
        site=settings.site,
        card=_text(folder, CARD, broken),
        calibration=calibration,
        fits=None
        if calibration is None
        else (calibration.adapter_sha256, calibration.prompt_version) == (digest, PROMPT_VERSION),
        attributes=_attributes(folder, broken),
        evaluation=_evaluation(settings, broken),
        broken=tuple(broken),
    )


def _adapter(settings: Settings, broken: list[str]) -> Path | None:
    if settings.model.engine == "none":
        return None
    if settings.model.engine == "vllm" and settings.model.served_model is not None:
        return None  # a model of that name on the server: what lies here describes another one
    try:
        return resolve_adapter(settings.model.adapter)
    except EngineError:
        broken.append(settings.model.adapter)
        return None


def _digest(folder: Path | None, broken: list[str]) -> str | None:
    try:
        return None if folder is None else adapter_sha256(folder)
    except OSError:
        broken.append(folder.name if folder is not None else "")
        return None


def _calibration(settings: Settings, folder: Path | None, broken: list[str]) -> CalibrationFile | None:
    path = settings.model.calibration or (None if folder is None else folder / "calibration.json")
    if path is None or (settings.model.calibration is None and not path.is_file()):
        return None
    try:
        return read_calibration(path, path.read_bytes())
    except (EngineError, OSError):
        broken.append(path.name)
        return None


def _text(folder: Path | None, name: str, broken: list[str]) -> str | None:
    if folder is None or not (folder / name).is_file():
        return None
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        broken.append(name)
        return None


def _attributes(folder: Path | None, broken: list[str]) -> Mapping[str, str]:
    if folder is None:
        return {}
    try:
        return read_source_attributes(folder)
    except (OSError, SourceAttributesError):
        broken.append(ATTRIBUTES)
        return {}


def _evaluation(settings: Settings, broken: list[str]) -> Evaluation | None:
    configured = settings.ui.evaluation
    root = configured or settings.data_dir / "evaluation"
    found = [root] if root.is_file() else list(root.glob(f"**/{EVALUATION}")) if root.is_dir() else []
    if not found:
        if configured is not None:
            broken.append(configured.name)
        return None
    newest = max(found, key=lambda path: path.stat().st_mtime)
    try:
        return Evaluation(newest.parent.name, Comparison.model_validate_json(newest.read_bytes()))
    except (OSError, ValidationError):
        broken.append(newest.name)
        return None
