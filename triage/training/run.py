"""One training run from a recipe file to an adapter folder: corpus, fine-tuning, calibration, record."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_schemas import AcuityScale
from triage.guidelines import GuidelineLibrary
from triage.slm.adapter import adapter_sha256
from triage.slm.calibration import CalibrationFile
from triage.slm.prompt import PROMPT_VERSION, asked_scale
from triage.training import base_model
from triage.training.calibrate import LEAST_CASES, fit
from triage.training.checkpoint import FILE as CHECKPOINT
from triage.training.checkpoint import CheckpointError
from triage.training.config import BaseConfig, FinetuneConfig
from triage.training.encoding import Encoder
from triage.training.energy import EnergyMeter
from triage.training.examples import TrainingExample
from triage.training.loop import OnStep, Report, train
from triage.training.lora import attach_lora, load_weights
from triage.training.mixture import MixtureConfig, build_mixture
from triage.training.record import FILE as RECORD
from triage.training.record import write_record
from triage.training.scoring import level_probabilities


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line may say beside the recipe."""

    start_from: Path | None = None
    resume: bool = False
    base: str | None = None
    """Instead of the recipe's base model."""
    minutes: float | None = None
    """Instead of the recipe's."""


def run(
    config_file: Path,
    out: Path,
    options: RunOptions | None = None,
    *,
    report: Report = print,
    on_step: OnStep = lambda step, done, loss: None,
    say: Any = lambda text: None,
) -> dict[str, Any]:
    """Fine-tune by the recipe and leave an adapter in ``out``: weights, calibration, run record, curve.

    Args:
        config_file: a recipe (see ``configs/``).
        out: the adapter's folder.
        options: what differs from the recipe.
        report: called with each row of the curve, then with the calibration.
        on_step: called after each step.
        say: called with a line before each stage.

    Returns:
        The record, as in ``run.json``.

    Raises:
        ModelMissingError: the base model is not on this machine.
        TrainingError: a wrong recipe (``RecipeError``), a base model that cannot be trained as it asks
            (``BaseModelError``), nothing to resume, or a run in ``out`` already (``CheckpointError``).
        ChatFormatError: a tokenizer that the prompt cannot be written for.
        CorpusError: a data set is not of its form.
        FloatingPointError: training diverged.
    """
    options = options or RunOptions()
    recipe, base_config, corpus = _recipe(config_file, options)
    _check_out(out, options.resume)
    say("base model")
    base = base_model.load(base_config, recipe.precision)
    encoder = Encoder(base.tokenizer)
    say("corpus")
    mixture = build_mixture(corpus, GuidelineLibrary.load())
    start = adapter_sha256(options.start_from) if options.start_from else None
    tuned = attach_lora(base.model, recipe, options.start_from)
    say(f"{len(mixture.training)} examples, {base.name} on {base.device}")
    with EnergyMeter() as meter:
        progress = train(
            tuned,
            encoder,
            mixture.training,
            mixture.validation,
            recipe,
            out,
            report,
            on_step,
            resume=options.resume,
            fingerprint=_fingerprint(recipe, base.sha256, base_config, mixture.sha256, start),
        )
    energy = meter.result
    if progress.resumed and "kwh" in energy:
        energy = {**energy, "metered": energy["metered"] + "; only the last sitting of a resumed run"}
    # The best checkpoint is on disk; the model in memory is the last one. Calibrate what is kept.
    load_weights(tuned, out)
    say("calibration")
    calibrated = {
        part.title: mixture.validation.get(part.title, []) for part in corpus.parts if part.calibrate
    }
    report({"calibration": _calibrate(calibrated, tuned, encoder, recipe.name, out)})
    record = write_record(
        out,
        recipe=recipe,
        base_config=base_config,
        corpus=corpus,
        base=base,
        mixture=mixture,
        progress=progress,
        energy=energy,
        start_from=start,
    )
    (out / CHECKPOINT).unlink()  # last: a run killed before this line is finished by --resume
    return record


def _recipe(path: Path, options: RunOptions) -> tuple[FinetuneConfig, BaseConfig, MixtureConfig]:
    recipe, base = FinetuneConfig.load(path), BaseConfig.load(path)
    if options.minutes is not None:
        recipe = recipe.model_copy(update={"minutes": options.minutes})
    if options.base is not None:
        base = base.model_copy(update={"model": options.base})
    return recipe, base, MixtureConfig.load(path)


def _check_out(out: Path, resume: bool) -> None:
    if resume:
        if not (out / CHECKPOINT).is_file():
            why = "its run is finished" if (out / RECORD).is_file() else f"it holds no {CHECKPOINT}"
            raise CheckpointError(f"nothing to resume in {out.name}: {why}")
    elif (out / CHECKPOINT).exists():
        raise CheckpointError(
            f"{out.name} holds an unfinished run: go on with --resume, or give another --out"
        )
    elif out.exists() and any(out.iterdir()):
        raise CheckpointError(f"{out.name} is not empty: give another --out")


def _fingerprint(
    recipe: FinetuneConfig, base_sha256: str, base: BaseConfig, corpus_sha256: str, start: str | None
) -> str:
    """What must be the same to go on; the number of threads and the time allowed may change."""
    said = recipe.model_dump(mode="json", exclude={"threads", "minutes", "checkpoint_every"})
    parts = [said, base_sha256, base.quantisation, corpus_sha256, start]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _calibrate(
    held_out: Mapping[str, Sequence[TrainingExample]], model: Any, encoder: Encoder, name: str, out: Path
) -> dict[str, Any]:
    """Fit each asked scale on its held-out cases, and write ``calibration.json``; too few cases leave a scale out."""
    by_scale: dict[AcuityScale, list[tuple[str, TrainingExample]]] = {}
    for title, examples in held_out.items():
        for example in examples:
            by_scale.setdefault(asked_scale(example.scale), []).append((title, example))
    scales = {}
    for scale, cases in by_scale.items():
        if len(cases) < LEAST_CASES:
            continue
        rows = [encoder.encode(example) for _, example in cases]
        probabilities = level_probabilities(model, rows, encoder).numpy().astype(np.float64)
        titles = " and ".join(dict.fromkeys(title for title, _ in cases))
        scales[scale] = fit(
            probabilities, [row.level for row in rows], fitted_on=f"{len(rows)} held-out {titles} cases"
        )
    calibration = CalibrationFile(
        name=name, adapter_sha256=adapter_sha256(out), prompt_version=PROMPT_VERSION, scales=scales
    )
    (out / "calibration.json").write_text(calibration.model_dump_json(indent=1) + "\n")
    content: dict[str, Any] = json.loads(calibration.model_dump_json())
    return content
