"""LoRA fine-tuning of a causal language model on triage examples: one linear, readable recipe.

``triage train finetune CONFIG``. The loss is cross-entropy over the five level digits at the level's place, plus
a smaller share for the rest of the answer (path and citations); the prompt is never a target.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
import yaml
from peft import LoraConfig, PeftModel, get_peft_model
from pydantic import Field
from tokenizers import Tokenizer
from torch.nn import functional

from data_schemas._base import Frozen
from triage.metrics import accuracy, quadratic_weighted_kappa, recall_high
from triage.slm.answer import LEAD

if TYPE_CHECKING:
    from triage.training.examples import TrainingExample

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class FinetuneConfig(Frozen):
    """A recipe. Files in ``configs/`` explain the trade-offs beside each value."""

    name: str
    seed: int = 7
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.05, ge=0.0, lt=1.0)
    first_layer: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=4e-4, gt=0.0)
    weight_decay: float = 0.01
    warmup_steps: int = 30
    steps: int = Field(default=450, ge=1)
    batch_size: int = Field(default=16, ge=1)
    clip: float = 1.0
    answer_weight: float = Field(default=0.3, ge=0.0)
    ordinal_weight: float = Field(default=0.0, ge=0.0)
    under_triage_weight: float = Field(default=1.0, ge=1.0)
    teacher_weight: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of a teacher's probabilities in the level's target, where an example has them."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the frozen weights and the arithmetic; the LoRA weights and the optimiser stay in float32."""
    evaluate_every: int = 100
    threads: int = 2
    minutes: float | None = None
    """Stop (with the schedule compressed to it) after this long."""

    @classmethod
    def load(cls, path: Path) -> FinetuneConfig:
        """Read the ``recipe`` section of a YAML file; unknown keys are refused."""
        return cls.model_validate(yaml.safe_load(path.read_text())["recipe"])


@dataclass(frozen=True, slots=True)
class _Encoded:
    """``level_at``: where the level's digit stands; ``ids`` end there where only the level is a target."""

    ids: list[int]
    level_at: int
    level: int
    soft: tuple[float, float, float, float, float] | None = None


class Encoder:
    """Turns examples into token ids, and knows where the answer and its level begin."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        end = tokenizer.token_to_id("<|im_end|>")
        if end is None:
            raise ValueError("the tokenizer has no <|im_end|>: the prompt is written for ChatML models")
        self.end = end
        self.digits = [self._one(str(level)) for level in range(1, 6)]

    def encode(self, example: TrainingExample) -> _Encoded:
        """Ids of prefix, prompt and target, tokenised apart exactly as the engines do."""
        before = self._ids(example.prefix) + self._ids(example.prompt)
        lead = self._ids(LEAD)
        ids = [*before, *lead]
        level_at = len(ids)
        if example.whole:
            ids += [
                self.digits[example.level - 1],
                *self._ids(example.target[len(LEAD) + 1 :]),
                self.end,
            ]
        return _Encoded(ids, level_at, example.level, example.soft)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _one(self, text: str) -> int:
        ids = self._ids(text)
        if len(ids) != 1:
            raise ValueError(
                f"the tokenizer splits {text!r} into {len(ids)} tokens; the level must be one token"
            )
        return ids[0]


def attach_lora(model: torch.nn.Module, config: FinetuneConfig, start_from: Path | None = None) -> PeftModel:
    """The model with LoRA on every linear layer from ``first_layer`` up, or going on from an adapter."""
    model = model.to(getattr(torch, config.precision))
    if start_from is not None:
        return PeftModel.from_pretrained(
            model, str(start_from), is_trainable=True, autocast_adapter_dtype=True
        )
    layers = model.config.num_hidden_layers
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=list(LINEAR_LAYERS),
        layers_to_transform=list(range(config.first_layer, layers)) if config.first_layer else None,
        layers_pattern="layers" if config.first_layer else None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def train(
    model: PeftModel,
    encoder: Encoder,
    training: Sequence[TrainingExample],
    validation: Mapping[str, Sequence[TrainingExample]],
    config: FinetuneConfig,
    out: Path,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:
    """Train, and keep the adapter of the best validation score in ``out``.

    Returns:
        The curve: one row per evaluation with loss, seconds and, per validation set, accuracy, quadratic
        weighted kappa and recall of levels 1-2 of the most likely level.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    encoded = [encoder.encode(example) for example in training]
    held_out = {name: [encoder.encode(e) for e in examples] for name, examples in validation.items()}
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    batches = _batches(encoded, config)
    curve: list[dict[str, Any]] = []
    best, started, running = -math.inf, time.monotonic(), 0.0
    model.train()
    for step in range(1, config.steps + 1):
        progress = step / config.steps
        if config.minutes is not None:
            progress = max(progress, (time.monotonic() - started) / 60 / config.minutes)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * _schedule(step, min(progress, 1.0), config)
        loss = batch_loss(model, next(batches), encoder, config)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, config.clip)
        optimiser.step()
        running += loss.item()
        last = step == config.steps or progress >= 1.0
        if step % config.evaluate_every == 0 or last:
            row: dict[str, Any] = {"step": step, "seconds": round(time.monotonic() - started, 1)}
            row["loss"] = round(running / config.evaluate_every, 4)
            running = 0.0
            for name, rows in held_out.items():
                row[name] = evaluate(model, rows, encoder)
            score = sum(row[name]["kappa"] for name in held_out) if held_out else -row["loss"]
            row["best"] = score > best
            if row["best"]:
                best = score
                model.save_pretrained(str(out))
            curve.append(row)
            (out / "curve.json").write_text(json.dumps(curve, indent=1))
            report(row)
            model.train()
        if last:
            break
    (out / "run.json").write_text(
        json.dumps(
            {
                "config": config.model_dump(),
                "examples": len(training),
                "corpus_sha256": corpus_hash(training),
                "seconds": round(time.monotonic() - started, 1),
                "torch": torch.__version__,
            },
            indent=1,
        )
    )
    return curve


def batch_loss(
    model: PeftModel, batch: Sequence[_Encoded], encoder: Encoder, config: FinetuneConfig
) -> torch.Tensor:
    """The training loss of one batch.

    Level: cross-entropy over the five digits, weighted by ``under_triage_weight`` for true levels 1-2, plus
    ``ordinal_weight`` times the expected squared distance in levels. Rest of the answer: mean cross-entropy
    times ``answer_weight``.
    """
    if not config.answer_weight:  # nothing after the level is a target: do not pay for it
        batch = [replace(item, ids=item.ids[: item.level_at]) for item in batch]
    hidden, head = _hidden(model, batch)
    digits = head[encoder.digits].float()
    level_logits = torch.stack(
        [hidden[row, item.level_at - 1].float() @ digits.T for row, item in enumerate(batch)]
    )
    truth = torch.tensor([item.level - 1 for item in batch], device=level_logits.device)
    wanted = _level_targets(batch, config.teacher_weight).to(level_logits.device)
    weights = torch.where(truth <= 1, config.under_triage_weight, 1.0)
    losses = functional.cross_entropy(level_logits, wanted, reduction="none")
    loss = (losses * weights).sum() / weights.sum()
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


def _level_targets(batch: Sequence[_Encoded], teacher_weight: float) -> torch.Tensor:
    """What the five digits' probabilities should be: the label, mixed with a teacher's where there is one."""
    rows = []
    for item in batch:
        share = teacher_weight if item.soft is not None else 0.0
        soft = item.soft or (0.0,) * 5
        rows.append([share * soft[k] + (1.0 - share) * (item.level == k + 1) for k in range(5)])
    return torch.tensor(rows, dtype=torch.float32)


def level_probabilities(
    model: PeftModel, rows: Sequence[_Encoded], encoder: Encoder, batch_size: int = 32
) -> torch.Tensor:
    """Probabilities of levels 1-5 for each row, shape [len(rows), 5], in the order given."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: rows[i].level_at)
    result = torch.zeros(len(rows), 5)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = [replace(rows[i], ids=rows[i].ids[: rows[i].level_at]) for i in chosen]
        with torch.no_grad():
            hidden, head = _hidden(model, batch)
        for position, index in enumerate(chosen):
            logits = hidden[position, rows[index].level_at - 1].float() @ head[encoder.digits].float().T
            result[index] = logits.softmax(-1).cpu()
    return result.detach()


def evaluate(model: PeftModel, rows: Sequence[_Encoded], encoder: Encoder) -> dict[str, float]:
    """Scores of the most likely level on held-out rows."""
    predicted = (level_probabilities(model, rows, encoder).argmax(-1) + 1).tolist()
    truth = [row.level for row in rows]
    return {
        "accuracy": round(accuracy(truth, predicted), 4),
        "kappa": round(quadratic_weighted_kappa(truth, predicted), 4),
        "recall_high": round(recall_high(truth, predicted), 4),
    }


def corpus_hash(examples: Sequence[TrainingExample]) -> str:
    """One hash over every prompt and target, in order: names the corpus without holding a row of it."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{example.case_id}\0{example.prompt}\0{example.target}\0".encode())
    return digest.hexdigest()


def _hidden(model: PeftModel, batch: Sequence[_Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Final hidden states of a right-padded batch, and the LM head's weights (tied embeddings)."""
    longest = max(len(item.ids) for item in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    for row, item in enumerate(batch):
        ids[row, : len(item.ids)] = torch.tensor(item.ids)
        mask[row, : len(item.ids)] = 1
    causal = model.get_base_model()
    head = causal.lm_head.weight
    with torch.autocast(head.device.type, torch.bfloat16, enabled=head.dtype == torch.bfloat16):
        hidden = causal.model(
            input_ids=ids.to(head.device), attention_mask=mask.to(head.device), use_cache=False
        ).last_hidden_state
    return hidden, head


def _batches(rows: Sequence[_Encoded], config: FinetuneConfig) -> Iterator[list[_Encoded]]:
    """Endless batches of similar length: padding is wasted time on a CPU."""
    rng = random.Random(config.seed)  # noqa: S311 - shuffling, not secrecy
    while True:
        order = list(rows)
        rng.shuffle(order)
        pool = 24 * config.batch_size
        for start in range(0, len(order), pool):
            bucket = sorted(order[start : start + pool], key=lambda item: len(item.ids))
            chunks = [bucket[i : i + config.batch_size] for i in range(0, len(bucket), config.batch_size)]
            rng.shuffle(chunks)
            yield from (chunk for chunk in chunks if len(chunk) == config.batch_size or len(rows) < pool)


def _schedule(step: int, progress: float, config: FinetuneConfig) -> float:
    if step < config.warmup_steps:
        return step / config.warmup_steps
    return 0.5 * (1.0 + math.cos(math.pi * progress)) * 0.95 + 0.05
