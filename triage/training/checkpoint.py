"""The state of an unfinished run in one file, so that a killed run goes on as if it had not been.

One file, written beside its place, flushed to the disk and then renamed: at every moment there is the old state or the
new one, whole.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.utils import set_peft_model_state_dict

from triage.training.averaging import WeightAverage
from triage.training.batches import Position
from triage.training.config import TrainingError
from triage.training.files import write_safely

FILE = "checkpoint.pt"


class CheckpointError(TrainingError):
    """There is no state to go on from, or it is of another run."""


@dataclass(slots=True)
class Progress:
    """How far a run has come. ``seconds``: of training, over all its sittings."""

    step: int = 0
    position: Position = field(default_factory=Position)
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last evaluation."""
    curve: list[dict[str, Any]] = field(default_factory=list)
    best: float | None = None
    best_step: int | None = None
    waited: int = 0
    """Evaluations since the best one."""
    evaluated_at: float = 0.0
    resumed: int = 0
    stopped: str | None = None
    """Why training ended; None while it goes on."""


def save_checkpoint(
    folder: Path,
    model: PeftModel,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    fingerprint: str,
    average: WeightAverage | None = None,
) -> None:
    """Write everything that the next step depends on."""
    state = {
        "fingerprint": fingerprint,
        "progress": asdict(progress),
        "adapter": get_peft_model_state_dict(model),
        "optimiser": optimiser.state_dict(),
        "average": None if average is None else average.state(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    write_safely(folder / FILE, lambda path: torch.save(state, path))


def load_checkpoint(
    folder: Path,
    model: PeftModel,
    optimiser: torch.optim.Optimizer,
    fingerprint: str,
    average: WeightAverage | None = None,
) -> Progress:
    """Put a saved state back into ``model``, ``optimiser``, ``average`` and torch's random generators.

    Raises:
        CheckpointError: there is none, it cannot be read, or it is of another recipe, base model or corpus.
    """
    path = folder / FILE
    if not path.is_file():
        raise CheckpointError(f"nothing to resume: {folder.name} holds no {FILE}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path.name} cannot be read ({type(error).__name__}): start anew") from error
    if state["fingerprint"] != fingerprint:
        raise CheckpointError(
            f"{path.name} is of another run: the recipe, the base model or the corpus is not the same; "
            "give the same ones, or another --out"
        )
    set_peft_model_state_dict(model, state["adapter"])
    optimiser.load_state_dict(state["optimiser"])
    if average is not None and state.get("average") is not None:
        average.restore(state["average"])
    torch.set_rng_state(state["random"])
    if torch.cuda.is_available() and len(state["random_cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["random_cuda"])
    progress = state["progress"]
    return Progress(**{**progress, "position": Position(**progress["position"])})
