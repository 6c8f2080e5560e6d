"""LoRA fine-tuning of a causal language model on triage examples: the names that a script needs, in one place.

``triage train finetune CONFIG`` runs all of it (``run.py``). Read in this order: ``config`` (what a recipe says),
``encoding`` (examples as tokens), ``lora``, ``loss``, ``batches``, ``checkpoint``, ``scoring``, ``loop``.
"""

from triage.training.config import BaseConfig, FinetuneConfig
from triage.training.encoding import Encoded, Encoder
from triage.training.examples import TrainingExample
from triage.training.loop import train
from triage.training.lora import attach_lora
from triage.training.loss import batch_loss
from triage.training.scoring import evaluate, level_probabilities

__all__ = [
    "BaseConfig",
    "Encoded",
    "Encoder",
    "FinetuneConfig",
    "TrainingExample",
    "attach_lora",
    "batch_loss",
    "evaluate",
    "level_probabilities",
    "train",
]
