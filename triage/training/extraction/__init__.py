"""Does training text come out of the weights? Attacks on a fine-tuned model without its grammar.

The deployed model cannot write free text at all: its grammar (``triage.slm.answer``) has no place for any. This asks
what somebody with the adapter file in hand would get. ``writing`` needs the extra ``train`` and is imported apart.
"""

from triage.training.extraction.attack import AttackPrompt, Way, attack_prompts
from triage.training.extraction.result import Extraction, judge
from triage.training.extraction.texts import RUN, TrainingTexts, shown_text

__all__ = [
    "RUN",
    "AttackPrompt",
    "Extraction",
    "TrainingTexts",
    "Way",
    "attack_prompts",
    "judge",
    "shown_text",
]
