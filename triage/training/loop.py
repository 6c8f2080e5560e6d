"""The training loop: steps, evaluations, the best adapter kept, and a state to resume from."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import PeftModel

from triage.training.averaging import WeightAverage
from triage.training.batches import BatchStream
from triage.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from triage.training.config import FinetuneConfig, RecipeError
from triage.training.curve import write_curve
from triage.training.encoding import Encoded, Encoder
from triage.training.examples import TrainingExample
from triage.training.files import write_safely
from triage.training.loss import batch_loss
from triage.training.scoring import evaluate

Report = Callable[[dict[str, Any]], None]
OnStep = Callable[[int, float, float], None]
"""Told the step, the share of the run that is done (0 to 1) and the loss."""


def train(
    model: PeftModel,
    encoder: Encoder,
    training: Sequence[TrainingExample],
    validation: Mapping[str, Sequence[TrainingExample]],
    config: FinetuneConfig,
    out: Path,
    report: Report = lambda row: None,
    on_step: OnStep = lambda step, done, loss: None,
    *,
    resume: bool = False,
    fingerprint: str = "",
) -> Progress:
    """Train, and keep the adapter with the best held-out likelihood in ``out``, beside curve and checkpoint.

    Where nothing is held out, the training loss chooses. A run resumed on the same machine, with an end in steps or
    epochs, gives the very adapter that it would have given unbroken; an end in minutes depends on the clock.

    Args:
        model: with LoRA attached; only what requires a gradient is trained.
        encoder: of the model's tokenizer.
        training: in any order.
        validation: held-out sets by name.
        config: the recipe.
        out: a folder; made if need be.
        report: called with each row of the curve.
        on_step: called after each step.
        resume: go on from the checkpoint in ``out``.
        fingerprint: what the checkpoint must have been made with.

    Raises:
        CheckpointError: with ``resume``, no checkpoint that fits.
        FloatingPointError: the loss is no longer a number; the last checkpoint is from before.
        RecipeError: no example, or ``select_on`` names a set that is not held out.
    """
    unknown = set(config.select_on) - set(validation)
    if unknown:
        raise RecipeError(f"select_on names {', '.join(sorted(unknown))}, of which nothing is held out")
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    average = WeightAverage(parameters, config.average_decay) if config.average_decay else None
    state = Progress()
    if resume:
        state = load_checkpoint(out, model, optimiser, fingerprint, average)
        state.resumed += 1
    rows = [encoder.encode(example) for example in training]
    held_out = {name: [encoder.encode(e) for e in examples] for name, examples in validation.items()}
    stream = BatchStream(rows, config.batch_size, config.seed, state.position)
    limit = _steps(config, stream.batches_per_epoch)
    started = time.monotonic() - state.seconds
    while state.stopped is None:
        done = _done(state.step + 1, time.monotonic() - started, limit, config)
        rate = config.learning_rate * schedule(state.step + 1, done, config)
        loss = _step(model, stream, encoder, config, optimiser, parameters, rate)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss of step {state.step + 1} is {loss}: lower learning_rate")
        if average is not None:
            average.update()
        state.step += 1
        state.losses.append(loss)
        state.position = stream.position
        state.seconds = time.monotonic() - started
        done = _done(state.step, state.seconds, limit, config)
        on_step(state.step, done, loss)
        if done >= 1.0:
            state.stopped = "steps" if limit is not None and state.step >= limit else "minutes"
        if state.stopped is not None or _due(state, config):
            with average.in_place() if average is not None else nullcontext():
                row = _evaluate(model, held_out, encoder, config, state)
                if row["best"]:
                    _keep(model, out)
            state.seconds = time.monotonic() - started
            state.evaluated_at = state.seconds
            if state.stopped is None and config.patience is not None and state.waited >= config.patience:
                state.stopped = "patience"
            write_curve(state.curve, out)
            save_checkpoint(out, model, optimiser, state, fingerprint, average)
            report(row)
        elif state.step % config.checkpoint_every == 0:
            save_checkpoint(out, model, optimiser, state, fingerprint, average)
    return state


def schedule(step: int, done: float, config: FinetuneConfig) -> float:
    """The learning rate of a step as a share of the recipe's: linear warm-up times a cosine down to ``final_rate``."""
    warm = min(1.0, step / config.warmup_steps) if config.warmup_steps else 1.0
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
    return warm * (cosine * (1.0 - config.final_rate) + config.final_rate)


def _steps(config: FinetuneConfig, batches_per_epoch: int) -> int | None:
    limits = [] if config.steps is None else [config.steps]
    if config.epochs is not None:
        limits.append(max(1, round(config.epochs * batches_per_epoch / config.accumulate)))
    return min(limits) if limits else None


def _done(step: int, seconds: float, limit: int | None, config: FinetuneConfig) -> float:
    shares = [step / limit] if limit is not None else []
    if config.minutes is not None:
        shares.append(seconds / 60 / config.minutes)
    return max(shares)


def _due(state: Progress, config: FinetuneConfig) -> bool:
    if config.evaluate_minutes is not None:
        return state.seconds - state.evaluated_at >= 60 * config.evaluate_minutes
    return state.step % config.evaluate_every == 0


def _step(
    model: PeftModel,
    stream: BatchStream,
    encoder: Encoder,
    config: FinetuneConfig,
    optimiser: torch.optim.Optimizer,
    parameters: Sequence[torch.nn.Parameter],
    rate: float,
) -> float:
    model.train()
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for _ in range(config.accumulate):
        loss = batch_loss(model, next(stream), encoder, config) / config.accumulate
        loss.backward()
        total += float(loss.item())
    torch.nn.utils.clip_grad_norm_(parameters, config.clip)
    optimiser.step()
    return total


def _evaluate(
    model: PeftModel,
    held_out: Mapping[str, Sequence[Encoded]],
    encoder: Encoder,
    config: FinetuneConfig,
    state: Progress,
) -> dict[str, Any]:
    """One row of the curve; ``state`` learns whether it is the best so far."""
    row: dict[str, Any] = {
        "step": state.step,
        "seconds": round(state.seconds, 1),
        "loss": round(sum(state.losses) / len(state.losses), 4),
    }
    state.losses = []
    for name, rows in held_out.items():
        row[name] = evaluate(model, rows, encoder)
    chosen = config.select_on or tuple(held_out)
    value = sum(row[name]["nll"] for name in chosen) / len(chosen) if chosen else row["loss"]
    row["best"] = state.best is None or value < state.best
    if row["best"]:
        state.best, state.best_step, state.waited = value, state.step, 0
    else:
        state.waited += 1
    state.curve.append(row)
    return row


def _keep(model: PeftModel, out: Path) -> None:
    """The adapter's files, each renamed into its place: a killed run leaves the old weights or the new ones."""
    with TemporaryDirectory(dir=out, prefix=".keep-") as folder:
        model.save_pretrained(folder, save_embedding_layers=False)
        _in_order(Path(folder) / "adapter_config.json")
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            content = (Path(folder) / name).read_bytes()
            write_safely(out / name, lambda path, content=content: path.write_bytes(content))  # type: ignore[misc]


def _in_order(config: Path) -> None:
    """peft writes a set as it falls: the same adapter would have another hash from process to process."""
    content = json.loads(config.read_text(encoding="utf-8"))
    content["target_modules"] = sorted(content["target_modules"])
    config.write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")
