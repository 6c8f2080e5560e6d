"""The small language model: prompt, answer, engines, calibration."""

from triage.slm.calibration import Calibration, CalibrationFile, ScaleCalibration
from triage.slm.embedded import EmbeddedEngine
from triage.slm.engine import Engine, EngineAnswer, EngineIdentity, EngineRequest
from triage.slm.errors import (
    AnswerError,
    EngineBusyError,
    EngineError,
    EngineTimeoutError,
    ModelIntegrityError,
    ModelMissingError,
)
from triage.slm.lazy import LazyEngine
from triage.slm.prompt import PROMPT_VERSION
from triage.slm.shipped import resolve_adapter, shipped_adapters
from triage.slm.triager import Triager

__all__ = [
    "PROMPT_VERSION",
    "AnswerError",
    "Calibration",
    "CalibrationFile",
    "EmbeddedEngine",
    "Engine",
    "EngineAnswer",
    "EngineBusyError",
    "EngineError",
    "EngineIdentity",
    "EngineRequest",
    "EngineTimeoutError",
    "LazyEngine",
    "ModelIntegrityError",
    "ModelMissingError",
    "ScaleCalibration",
    "Triager",
    "resolve_adapter",
    "shipped_adapters",
]
