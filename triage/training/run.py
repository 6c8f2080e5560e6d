"""One training run from a recipe file to an adapter folder: corpus, fine-tuning, calibration."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_schemas import AcuityScale
from triage.guidelines import GuidelineLibrary
from triage.slm.adapter import adapter_sha256
from triage.slm.calibration import CalibrationFile
from triage.slm.fetch import find_base_model
from triage.slm.prompt import PROMPT_VERSION
from triage.training.base_model import load_base
from triage.training.calibrate import fit
from triage.training.finetune import Encoder, FinetuneConfig, attach_lora, level_probabilities, train
from triage.training.mixture import MixtureConfig, build_mixture

_SCALES = {"nhamcs": AcuityScale.ESI, "ktas": AcuityScale.KTAS}


def run(
    config_file: Path,
    out: Path,
    *,
    start_from: Path | None = None,
    report: Callable[[dict[str, Any]], None] = print,
) -> None:
    """Fine-tune by the recipe and leave an adapter in ``out``: weights, calibration, run record, curve.

    Args:
        config_file: a recipe (see ``configs/``).
        out: the adapter's folder.
        start_from: go on from this adapter.
        report: called with each row of the curve.

    Raises:
        ModelMissingError: the base model is not on this machine.
        CorpusError: a data set is not of its form.
    """
    config = FinetuneConfig.load(config_file)
    training, validation = build_mixture(MixtureConfig.load(config_file), GuidelineLibrary.load())
    model, tokenizer = load_base(find_base_model())
    encoder = Encoder(tokenizer)
    tuned = attach_lora(model, config, start_from)
    train(tuned, encoder, training, validation, config, out, report)
    # The best checkpoint is on disk; the model in memory is the last one. Calibrate what is shipped.
    model, _ = load_base(find_base_model())
    best = attach_lora(model, config, out)
    scales = {}
    for name, examples in validation.items():
        rows = [encoder.encode(example) for example in examples]
        probabilities = level_probabilities(best, rows, encoder).numpy().astype(np.float64)
        fitted = fit(
            probabilities, [row.level for row in rows], fitted_on=f"{len(rows)} held-out {name} cases"
        )
        scales[_SCALES[name]] = fitted
    calibration = CalibrationFile(
        name=config.name, adapter_sha256=adapter_sha256(out), prompt_version=PROMPT_VERSION, scales=scales
    )
    (out / "calibration.json").write_text(calibration.model_dump_json(indent=1) + "\n")
    report({"calibration": json.loads(calibration.model_dump_json())})
