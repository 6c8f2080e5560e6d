"""Comparators that learn from labelled cases without a language model: boosting, a small encoder, the training prior.

They see what the language model sees, the intake record, and are fitted on the same cases: they tell whether it is
the language model that does it. Need the ``eval`` extra (LightGBM, scikit-learn); the encoder also needs a package,
without that one's dependencies (``triage.baselines.minilm``).
"""

from triage.baselines.boosting import Boosting, BoostingConfig
from triage.baselines.encoder import Encoder, EncoderConfig
from triage.baselines.features import FeatureConfig, FeatureSpace
from triage.baselines.labels import BaselineError
from triage.baselines.majority import Majority
from triage.baselines.out_of_fold import out_of_fold

__all__ = [
    "BaselineError",
    "Boosting",
    "BoostingConfig",
    "Encoder",
    "EncoderConfig",
    "FeatureConfig",
    "FeatureSpace",
    "Majority",
    "out_of_fold",
]
