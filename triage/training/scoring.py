"""Held-out scores of a model in training: the five levels' probabilities, no calibration."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from peft import PeftModel

from triage.metrics import accuracy, quadratic_weighted_kappa, recall_high
from triage.training.encoding import Encoded, Encoder
from triage.training.loss import hidden_states


def level_probabilities(
    model: PeftModel, rows: Sequence[Encoded], encoder: Encoder, batch_size: int = 32
) -> torch.Tensor:
    """Probabilities of levels 1-5 for each row, shape [len(rows), 5], in the order given."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: rows[i].level_at)
    result = torch.zeros(len(rows), 5)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = [replace(rows[i], ids=rows[i].ids[: rows[i].level_at]) for i in chosen]
        with torch.no_grad():
            hidden, head = hidden_states(model, [item.ids for item in batch])
        for position, index in enumerate(chosen):
            logits = hidden[position, rows[index].level_at - 1].float() @ head[encoder.digits].float().T
            result[index] = logits.softmax(-1).cpu()
    return result.detach()


def evaluate(model: PeftModel, rows: Sequence[Encoded], encoder: Encoder) -> dict[str, float]:
    """Negative log likelihood (nats) of the true level, and scores of the most likely one.

    The likelihood chooses checkpoints: on a few hundred cases the kappa of two neighbouring checkpoints differs by
    chance more than by skill.
    """
    probabilities = level_probabilities(model, rows, encoder)
    truth = [row.level for row in rows]
    of_truth = probabilities[torch.arange(len(rows)), torch.tensor(truth) - 1]
    predicted = (probabilities.argmax(-1) + 1).tolist()
    return {
        "nll": round(float(-of_truth.clamp_min(1e-9).log().mean()), 5),
        "accuracy": round(accuracy(truth, predicted), 4),
        "kappa": round(quadratic_weighted_kappa(truth, predicted), 4),
        "recall_high": round(recall_high(truth, predicted), 4),
    }
