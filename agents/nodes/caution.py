"""Where rules and model disagree about 3 or less urgent, and the model is not sure: 3.

Strict under-triage, a patient of level 1 or 2 at 4 or 5, is the error that hurts most. Almost all of them on the
development sets stood at 3 by the rules (two resources expected, or a sign to consider), while the model leaned to 4
with a good part of its probability on 1 to 3 (docs/experiments.md has the figures with and without).
"""

from data_schemas import LevelProbabilities, Screening

UNSURE = 0.4
"""Calibrated probability of levels 1 to 3 from which a 4 or 5 of the model does not stand against a 3 of the rules."""


def cautious(model_level: int, screening: Screening, probabilities: LevelProbabilities) -> int:
    """The model's level, or 3 where the rules say 3 or more urgent and the model is not sure of less urgent."""
    if model_level > 3 >= screening.level and sum(probabilities.p[:3]) >= UNSURE:
        return 3
    return model_level
