"""The base model without any adapter: what fine-tuning starts from."""

from data_schemas import AcuityScale
from eval.predictors.asking import Asker
from eval.predictors.slm import SlmPredictor
from integrations.assembly import open_engine
from integrations.settings import Settings
from triage.slm import Calibration


def open_base(settings: Settings, scale: AcuityScale, *, levels_only: bool = True) -> SlmPredictor:
    """The base model, uncalibrated, with the default thresholds.

    Raises:
        EngineError: it cannot be opened.
    """
    asker = Asker(open_engine(settings.with_adapter("none")), Calibration.none(), settings, scale)
    return SlmPredictor(asker, levels_only=levels_only, name="base")
