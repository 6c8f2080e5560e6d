"""The preference stage from a recipe file and an adapter to a new adapter folder."""

import json
import math
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import trl
from peft import PeftModel
from tokenizers import Tokenizer

from triage.guidelines import GuidelineLibrary
from triage.slm.adapter import adapter_sha256
from triage.slm.calibration import CalibrationFile, ScaleCalibration
from triage.slm.prompt import PROMPT_VERSION, asked_scale
from triage.training import base_model
from triage.training.calibrate import LEAST_CASES, fit
from triage.training.config import FinetuneConfig, TrainingError
from triage.training.encoding import Encoder
from triage.training.lora import attach_lora
from triage.training.preference.cases import PreferenceCase, read_cases
from triage.training.preference.config import CorpusConfig, PreferenceConfig, load_base_config
from triage.training.preference.pairs import build_pairs, summary
from triage.training.preference.sampling import Sampler
from triage.training.preference.store import Pairs, ResumeError, fingerprint, load_pairs, save_pairs
from triage.training.preference.trainers import POLICY, Report, dpo_trainer, grpo_trainer, train
from triage.training.scoring import evaluate, level_probabilities

WORK = "unfinished"
"""Folder in the output folder with what a killed run needs to go on; gone when the run is done."""

_HELD_OUT_SAMPLES = 2


def run(config_file: Path, start_from: Path, out: Path, *, report: Report = print) -> dict[str, Any]:
    """Go on from ``start_from`` by the recipe and leave an adapter in ``out``: weights, calibration, run record.

    A run that was killed goes on from its last checkpoint when it is started again with the same arguments.

    Args:
        config_file: a recipe (``configs/preference_*.yaml``).
        start_from: the adapter to go on from; it is also the reference that the new one is held to.
        out: the new adapter's folder.
        report: called with each row of the log.

    Returns:
        The record, as in ``run.json``.

    Raises:
        ModelMissingError: the base model or the adapter is not on this machine.
        CorpusError: a data set is not of its form.
        ResumeError: ``out`` holds a finished run, or an unfinished one of something else.
        TrainingError: the recipe says something that means nothing, or there is no pair to learn from.
    """
    if (out / "run.json").is_file():
        raise ResumeError(f"{out} holds a finished run: give another --out")
    config, corpus = PreferenceConfig.load(config_file), CorpusConfig.load(config_file)
    base_config = load_base_config(config_file)
    started = time.monotonic()
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    base = base_model.load(base_config, config.precision)
    encoder = Encoder(base.tokenizer)
    model = attach_lora(base.model, FinetuneConfig(name=config.name, precision=config.precision), start_from)
    library = GuidelineLibrary.load()
    training, held_out = read_cases(corpus, library)
    report({"cases": len(training), "held_out": {name: len(cases) for name, cases in held_out.items()}})
    before = scores(model, encoder, held_out)
    report({"before": before})
    work = out / WORK
    work.mkdir(parents=True, exist_ok=True)
    start_sha = adapter_sha256(start_from)
    record: dict[str, Any] = {
        "stage": f"preference ({config.method})",
        "recipe": config.model_dump(mode="json"),
        "start_from_sha256": start_sha,
        "base": base.name,
        "base_sha256": base.sha256,
        "prompt_version": PROMPT_VERSION,
        "torch": torch.__version__,
        "trl": trl.__version__,
    }
    if config.method == "dpo":
        mark = fingerprint({**record, "corpus": corpus.model_dump(mode="json")})
        flat = [case for cases in held_out.values() for case in cases]
        random.Random(config.seed).shuffle(flat)  # noqa: S311 - sampling, not secrecy
        flat = flat[: config.held_out_pairs]
        pairs = load_pairs(work, [*training, *flat], mark)
        if pairs is None:
            pairs = sample_pairs(model, base.tokenizer, encoder, training, flat, library, config)
            save_pairs(work, pairs, mark)
        if not pairs[0]:
            raise TrainingError("no pair to learn from: more cases, more samples or a smaller min_gap")
        record["pairs"] = {"training": summary(pairs[0]), "held_out": summary(pairs[1])}
        report({**record["pairs"], "seconds": round(time.monotonic() - started)})
        trainer = dpo_trainer(model, base.tokenizer, encoder, pairs[0], pairs[1], config, work, report)
    else:
        trainer = grpo_trainer(model, base.tokenizer, encoder, training, library, config, work, report)
    train(trainer, model, work)
    if config.method == "dpo" and trainer.eval_dataset is not None:
        record["held_out_pairs"] = _rounded(trainer.evaluate())
    after = scores(model, encoder, held_out)
    report({"after": after})
    model.save_pretrained(str(out), selected_adapters=[POLICY])
    fitting = {part.title: held_out.get(part.title, []) for part in corpus.parts if part.calibrate}
    calibration = _calibrate(model, encoder, fitting, config.name, out)
    report({"calibration": json.loads(calibration.model_dump_json())})
    record |= {"before": before, "after": after, "seconds": round(time.monotonic() - started, 1)}
    (out / "run.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work)
    return record


def sample_pairs(
    model: PeftModel,
    tokenizer: Tokenizer,
    encoder: Encoder,
    training: Sequence[PreferenceCase],
    held_out: Sequence[PreferenceCase],
    library: GuidelineLibrary,
    config: PreferenceConfig,
) -> Pairs:
    """Pairs to learn from and held-out ones, from answers that the model samples now."""
    sampler = Sampler(model, tokenizer, encoder, temperature=config.temperature)

    def pairs(cases: Sequence[PreferenceCase], count: int, seed: int) -> Any:
        answers = sampler.sample([case.judged for case in cases], count, seed)
        return build_pairs(cases, answers, library, config)

    return (
        pairs(training, config.samples, config.seed),
        pairs(held_out, _HELD_OUT_SAMPLES, config.seed + 1),
    )


def scores(
    model: PeftModel, encoder: Encoder, held_out: Mapping[str, Sequence[PreferenceCase]]
) -> dict[str, dict[str, float | None]]:
    """Per data set: likelihood and scores of the level, no calibration, and the probability that is too calm.

    ``too_calm``: mean probability of a level less urgent than the true one; ``strict``: of levels 4-5, where the true
    one is 1-2. None where there is no such case: JSON has no NaN.
    """
    result = {}
    for name, cases in held_out.items():
        rows = [encoder.encode(case.example) for case in cases]
        p = level_probabilities(model, rows, encoder)
        calm = [float(p[i, row.level :].sum()) for i, row in enumerate(rows)]
        strict = [float(p[i, 3:].sum()) for i, row in enumerate(rows) if row.level <= 2]
        measured = {
            **evaluate(model, rows, encoder),
            "too_calm": sum(calm) / len(calm),
            "strict": sum(strict) / len(strict) if strict else math.nan,
        }
        result[name] = {
            key: None if math.isnan(value) else round(value, 5) for key, value in measured.items()
        }
    return result


def _calibrate(
    model: PeftModel,
    encoder: Encoder,
    held_out: Mapping[str, Sequence[PreferenceCase]],
    name: str,
    out: Path,
) -> CalibrationFile:
    """Fitted anew, because the old one belongs to other probabilities; one scale from all its held-out cases."""
    by_scale: dict[Any, list[PreferenceCase]] = {}
    sources: dict[Any, list[str]] = {}
    for dataset, cases in held_out.items():
        for scale in {asked_scale(case.example.scale) for case in cases}:
            mine = [case for case in cases if asked_scale(case.example.scale) == scale]
            by_scale.setdefault(scale, []).extend(mine)
            sources.setdefault(scale, []).append(f"{len(mine)} held-out {dataset} cases")
    scales: dict[Any, ScaleCalibration] = {}
    for scale, cases in by_scale.items():
        if len(cases) >= LEAST_CASES:
            rows = [encoder.encode(case.example) for case in cases]
            p = level_probabilities(model, rows, encoder).numpy().astype(np.float64)
            scales[scale] = fit(p, [row.level for row in rows], fitted_on=", ".join(sources[scale]))
    calibration = CalibrationFile(
        name=name, adapter_sha256=adapter_sha256(out), prompt_version=PROMPT_VERSION, scales=scales
    )
    (out / "calibration.json").write_text(calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return calibration


def _rounded(metrics: Mapping[str, Any]) -> dict[str, float]:
    kept = ("loss", "rewards/margins", "rewards/accuracies", "rewards/chosen", "rewards/rejected")
    return {name: round(float(metrics[f"eval_{name}"]), 5) for name in kept if f"eval_{name}" in metrics}
