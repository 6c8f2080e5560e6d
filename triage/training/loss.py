"""What the model is trained to lower: the level's cross-entropy first, the rest of the answer beside it.

Only the answer is a target, never the prompt. The language model head is applied where a target stands and nowhere
else: over a vocabulary of tens of thousands it is the dearest matrix of a small model.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from peft import PeftModel
from torch.nn import functional

from triage.training.config import FinetuneConfig
from triage.training.encoding import Encoded, Encoder


def batch_loss(
    model: PeftModel, batch: Sequence[Encoded], encoder: Encoder, config: FinetuneConfig
) -> torch.Tensor:
    """The training loss of one batch.

    Level: cross-entropy over the five digits, weighted by ``under_triage_weight`` for true levels 1-2, plus
    ``ordinal_weight`` times the expected squared distance in levels. Rest of the answer: mean cross-entropy
    times ``answer_weight``. Distracted twins: the divergence of their level from the undistracted one, which is not
    drawn towards them, times ``consistency_weight`` and their share.
    """
    if not config.answer_weight:  # nothing after the level is a target: do not pay for it
        batch = [replace(item, ids=item.ids[: item.level_at]) for item in batch]
    twins = [row for row, item in enumerate(batch) if item.distracted and config.consistency_weight]
    questions = [batch[row].distracted or [] for row in twins]
    hidden, head = hidden_states(model, [*(item.ids for item in batch), *questions])
    digits = head[encoder.digits].float()
    level_logits = torch.stack(
        [hidden[row, item.level_at - 1].float() @ digits.T for row, item in enumerate(batch)]
    )
    truth = torch.tensor([item.level - 1 for item in batch], device=level_logits.device)
    wanted = level_targets(batch, config.teacher_weight).to(level_logits.device)
    weights = torch.where(truth <= 1, config.under_triage_weight, 1.0)
    losses = functional.cross_entropy(level_logits, wanted, reduction="none")
    loss = (losses * weights).sum() / weights.sum()
    if twins:
        ends = [hidden[len(batch) + n, len(ids) - 1].float() for n, ids in enumerate(questions)]
        said = (torch.stack(ends) @ digits.T).log_softmax(-1)
        calm = level_logits[twins].detach().softmax(-1)
        moved = functional.kl_div(said, calm, reduction="batchmean")
        loss = loss + config.consistency_weight * moved * len(twins) / len(batch)
    if config.ordinal_weight:
        distance = (torch.arange(5, device=truth.device)[None, :] - truth[:, None]).float() ** 2
        loss = loss + config.ordinal_weight * (level_logits.softmax(-1) * distance).sum(-1).mean()
    whole = [(row, item) for row, item in enumerate(batch) if len(item.ids) > item.level_at]
    if whole:
        states = torch.cat([hidden[row, item.level_at : len(item.ids) - 1] for row, item in whole])
        targets = torch.tensor([t for _, i in whole for t in i.ids[i.level_at + 1 :]], device=truth.device)
        rest = functional.cross_entropy((states.to(head.dtype) @ head.T).float(), targets)
        loss = loss + config.answer_weight * rest * len(whole) / len(batch)
    return loss


def level_targets(batch: Sequence[Encoded], teacher_weight: float) -> torch.Tensor:
    """What the five digits' probabilities should be: the label, mixed with a teacher's where there is one."""
    rows = []
    for item in batch:
        share = teacher_weight if item.soft is not None else 0.0
        soft = item.soft or (0.0,) * 5
        rows.append([share * soft[k] + (1.0 - share) * (item.level == k + 1) for k in range(5)])
    return torch.tensor(rows, dtype=torch.float32)


def hidden_states(model: PeftModel, batch: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Final hidden states of a right-padded batch, and the LM head's weights (tied embeddings)."""
    longest = max(len(item) for item in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    for row, item in enumerate(batch):
        ids[row, : len(item)] = torch.tensor(item)
        mask[row, : len(item)] = 1
    causal = model.get_base_model()
    head = causal.lm_head.weight
    with torch.autocast(head.device.type, torch.bfloat16, enabled=head.dtype == torch.bfloat16):
        hidden = causal.model(
            input_ids=ids.to(head.device), attention_mask=mask.to(head.device), use_cache=False
        ).last_hidden_state
    return hidden, head
