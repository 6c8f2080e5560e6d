"""The record of a run, ``run.json``: enough to judge it and to do it again, and no row of the data."""

import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from triage.slm.prompt import PROMPT_VERSION
from triage.training.base_model import Base
from triage.training.checkpoint import Progress
from triage.training.config import BaseConfig, FinetuneConfig
from triage.training.files import write_safely
from triage.training.mixture import Mixture, MixtureConfig

FILE = "run.json"
_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "bitsandbytes")
_REPOSITORY = Path(__file__).resolve().parents[2]


def write_record(
    out: Path,
    *,
    recipe: FinetuneConfig,
    base_config: BaseConfig,
    corpus: MixtureConfig,
    base: Base,
    mixture: Mixture,
    progress: Progress,
    energy: dict[str, Any],
    start_from: str | None,
) -> dict[str, Any]:
    """Write ``run.json`` into ``out`` and return its content. Folders of this machine are left out: only names."""
    corpus_said = corpus.model_dump(mode="json")
    for part in corpus_said["parts"]:
        for key in ("path", "teacher"):
            part[key] = Path(part[key]).name if part[key] else None
    record = {
        "recipe": recipe.model_dump(mode="json"),
        "base": {
            "name": base.name,
            "sha256": base.sha256,
            "quantisation": base_config.quantisation,
            "device": _device(base.device),
        },
        "corpus": corpus_said,
        "start_from_sha256": start_from,
        "prompt_version": PROMPT_VERSION,
        "data": mixture.records,
        "examples": len(mixture.training),
        "corpus_sha256": mixture.sha256,
        "steps": progress.step,
        "examples_seen": progress.step * recipe.accumulate * recipe.batch_size,
        "epochs_finished": progress.position.epoch,
        "stopped_by": progress.stopped,
        "best_step": progress.best_step,
        "best_nll": progress.best,
        "seconds": round(progress.seconds, 1),
        "resumed": progress.resumed,
        "energy": energy,
        "git": git_commit(),
        "versions": {"python": platform.python_version(), **_versions()},
    }
    write_safely(out / FILE, lambda path: path.write_text(json.dumps(record, indent=1) + "\n"))
    return record


def git_commit(folder: Path = _REPOSITORY) -> str:
    """The checkout's commit, with ``+changes`` where tracked files differ; ``unknown`` for an installed package."""
    if not (folder / ".git").exists():
        return "unknown: not run from a checkout"
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown: git did not answer"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


def _device(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else f"cpu, {platform.machine()}"


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
