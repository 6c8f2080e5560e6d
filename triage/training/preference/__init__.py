"""The preference stage: go on from a fine-tuned adapter, towards safer levels and citations that stand.

``reward`` says what an answer is worth; ``run`` (needs the extra ``train``) is the whole recipe. Importing this
package needs no torch.
"""

from triage.training.preference.config import CorpusConfig, PreferenceConfig
from triage.training.preference.reward import Grade, JudgedCase, RewardWeights, grade, reward

__all__ = [
    "CorpusConfig",
    "Grade",
    "JudgedCase",
    "PreferenceConfig",
    "RewardWeights",
    "grade",
    "reward",
]
