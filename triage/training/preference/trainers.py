"""DPO and GRPO by ``trl``, on the model that goes on from an adapter; the reference is a frozen copy of that adapter.

``trl`` makes the copy itself under the name ``ref`` when it is given a ``PeftModel``.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer

from triage.guidelines import GuidelineLibrary
from triage.training.encoding import Encoder
from triage.training.lora import load_weights
from triage.training.preference.cases import PreferenceCase
from triage.training.preference.config import PreferenceConfig
from triage.training.preference.pairs import PreferencePair
from triage.training.preference.reward import reward
from triage.training.preference.sampling import MAX_ANSWER_TOKENS, question

Report = Callable[[dict[str, Any]], None]

POLICY = "default"
"""The name of the adapter that is trained."""


def dpo_trainer(
    model: PeftModel,
    tokenizer: Tokenizer,
    encoder: Encoder,
    pairs: Sequence[PreferencePair],
    held_out: Sequence[PreferencePair],
    config: PreferenceConfig,
    work: Path,
    report: Report = lambda row: None,
) -> DPOTrainer:
    """A trainer over ``pairs``; its checkpoints go to ``work``."""
    losses, weights = ["robust" if config.label_smoothing else "sigmoid"], [1.0]
    if config.sft_weight:
        losses, weights = [*losses, "sft"], [*weights, config.sft_weight]
    arguments = DPOConfig(
        **_common(config, work),
        loss_type=losses,
        loss_weights=weights,
        beta=config.beta,
        label_smoothing=config.label_smoothing,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        max_length=None,
        precompute_ref_log_probs=True,  # once, and not again in each evaluation
    )
    return DPOTrainer(
        model=model,
        args=arguments,
        train_dataset=_pair_rows(pairs, encoder),
        eval_dataset=_pair_rows(held_out, encoder) if held_out else None,
        processing_class=_for_trl(tokenizer, encoder.end),
        callbacks=[_Reporter(report)],
    )


def grpo_trainer(
    model: PeftModel,
    tokenizer: Tokenizer,
    encoder: Encoder,
    cases: Sequence[PreferenceCase],
    library: GuidelineLibrary,
    config: PreferenceConfig,
    work: Path,
    report: Report = lambda row: None,
) -> GRPOTrainer:
    """A trainer that samples and rewards all along.

    It samples without the grammar, because ``trl`` takes one expression for all prompts and ours names each prompt's
    own facts: the model must keep to the form by itself, and an answer outside it earns the least.
    """
    by_question = {question(case.judged, encoder.chat): case.judged for case in cases}

    def rewards(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        return [
            reward(text.strip(), by_question[prompt], library, config.reward)
            for prompt, text in zip(prompts, completions, strict=True)
        ]

    arguments = GRPOConfig(
        **_common(config, work),
        beta=config.beta,
        max_steps=config.max_steps,
        per_device_train_batch_size=config.batch_size,
        num_generations=config.samples,
        temperature=config.temperature,
        max_completion_length=MAX_ANSWER_TOKENS,
        use_vllm=False,
    )
    return GRPOTrainer(
        model=model,
        reward_funcs=rewards,
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": text} for text in by_question]),
        processing_class=_for_trl(tokenizer, encoder.end),
        callbacks=[_Reporter(report)],
    )


def train(trainer: DPOTrainer | GRPOTrainer, model: PeftModel, work: Path) -> None:
    """Train to the end, from the last whole checkpoint in ``work`` where there is one.

    A checkpoint holds the trained adapter in its root and the reference in a folder ``ref``. transformers 5.19 then
    reads back the folders only: it would go on from the start's weights at the stopped run's step, and not say so. The
    trained weights are put back here first.
    """
    trainer.remove_callback(PrinterCallback)  # the reporter says it already
    checkpoint = last_checkpoint(work)
    if checkpoint is not None:
        load_weights(model, checkpoint)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def last_checkpoint(work: Path) -> Path | None:
    """The last whole checkpoint; one that the process died in lacks the state, which is written last."""
    whole = [path for path in work.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return max(whole, key=lambda path: int(path.name.partition("-")[2]), default=None)


class _Reporter(TrainerCallback):  # type: ignore[misc] # transformers is not typed here
    """Hands each row of the log on, rounded. ``trl`` logs means only: nothing of a case."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        if logs:
            numbers = {key: round(float(value), 5) for key, value in logs.items() if _is_number(value)}
            self._report({"step": int(state.global_step), **numbers})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _common(config: PreferenceConfig, work: Path) -> dict[str, Any]:
    return {
        "output_dir": str(work),
        "seed": config.seed,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": config.warmup_steps,
        "max_grad_norm": config.clip,
        "bf16": config.precision == "bfloat16",
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": False,
        "logging_steps": 5,
        "save_steps": config.save_every,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
    }


def _pair_rows(pairs: Sequence[PreferencePair], encoder: Encoder) -> Dataset:
    return Dataset.from_list(
        [
            {
                "prompt": question(pair.case.judged, encoder.chat),
                "chosen": pair.chosen,
                "rejected": pair.rejected,
            }
            for pair in pairs
        ]
    )


def _for_trl(tokenizer: Tokenizer, end: int) -> PreTrainedTokenizerFast:
    """The same tokenizer in the dress that ``trl`` expects; the end of an answer is the end of a turn."""
    token = tokenizer.id_to_token(end)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=token,
        pad_token=token,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
