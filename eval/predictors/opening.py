"""Opens a model under test by its name."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path

from eval.predictors.agent import AgentPredictor
from eval.predictors.asking import Asker
from eval.predictors.base import open_base
from eval.predictors.boosting import open_boosting
from eval.predictors.encoder import open_encoder
from eval.predictors.hybrid import HybridPredictor
from eval.predictors.inputs import LAYOUTS, InputTask, OptionError
from eval.predictors.prior import MajorityPredictor, PriorAnswerer
from eval.predictors.protocol import Predictor
from eval.predictors.rules import RulesPredictor
from eval.predictors.slm import SlmPredictor
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary


class ModelName(StrEnum):
    """The models under test."""

    AGENT = "agent"
    SLM = "slm"
    BASE = "base"
    RULES = "rules"
    MAJORITY = "majority"
    BOOSTING = "boosting"
    ENCODER = "encoder"
    HYBRID = "hybrid"
    AGENT_PRIOR = "agent-prior"
    """The agent with the training prior in the model's place."""


_FITTED = {ModelName.BOOSTING, ModelName.ENCODER, ModelName.HYBRID}


def open_predictor(
    name: ModelName,
    task: InputTask,
    settings: Settings,
    *,
    levels_only: bool = True,
    fitted: Path | None = None,
    train: Sequence[Path] = (),
    ids: Collection[str] = frozenset(),
) -> Predictor:
    """The model ``name``, ready for cases of ``task``; close it in the end.

    Args:
        name: which.
        task: gives the scale and the layout of ``train``.
        settings: adapter, ESI version, statements.
        levels_only: for the language model and the agent: decode just the level.
        fitted: boosting, encoder, hybrid: the folder of the saved comparator.
        train: or the labelled files to fit it on now.
        ids: the cases to predict, which must not be among those of ``train``.

    Raises:
        EngineError: the language model cannot be opened, or its calibration is of another.
        InputError: ``fitted`` or ``train`` do not go with the model (``OptionError``) or the cases.
    """
    if name not in _FITTED and (fitted is not None or train):
        raise OptionError(f"--fitted and --train go with boosting, encoder and hybrid, not with {name.value}")
    scale = LAYOUTS[task].scale
    match name:
        case ModelName.RULES:
            library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
            return RulesPredictor(settings.esi_version, library)
        case ModelName.MAJORITY:
            return MajorityPredictor(scale)
        case ModelName.BASE:
            return open_base(settings, scale, levels_only=levels_only)
        case ModelName.SLM:
            return SlmPredictor(Asker.open(settings, scale), levels_only=levels_only)
        case ModelName.AGENT:
            return AgentPredictor(Asker.open(settings, scale), scale, levels_only=levels_only)
        case ModelName.AGENT_PRIOR:
            stand_in = PriorAnswerer(settings, scale)
            return AgentPredictor(stand_in, scale, levels_only=levels_only, name=name.value)
        case ModelName.ENCODER:
            return open_encoder(task, fitted=fitted, train=train, ids=ids)
        case ModelName.BOOSTING:
            return open_boosting(task, fitted=fitted, train=train, ids=ids)
        case ModelName.HYBRID:
            boosting = open_boosting(task, fitted=fitted, train=train, ids=ids)
            return HybridPredictor(Asker.open(settings, scale), boosting)
