"""The recipe of the preference stage, and which cases it asks the model about."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from data_schemas._base import Frozen
from triage.training.config import EMBEDDED, BaseConfig, RecipeError, check
from triage.training.parts import PartConfig
from triage.training.preference.reward import RewardWeights


class PreferenceConfig(Frozen):
    """A recipe: the ``preference`` section of a YAML file, which explains the trade-offs beside each value.

    ``method``: ``dpo`` learns from pairs sampled once (Rafailov et al. 2023, arXiv 2305.18290), ``grpo`` samples and
    rewards all along (Shao et al. 2024, arXiv 2402.03300) and wants a GPU.
    """

    name: str
    method: Literal["dpo", "grpo"] = "dpo"
    seed: int = 7
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: int = Field(default=2, ge=1)
    learning_rate: float = Field(default=5e-5, gt=0.0)
    beta: float = Field(default=0.1, ge=0.0)
    """How strongly the model is held to the one it started from."""
    batch_size: int = Field(default=8, ge=1)
    """DPO: pairs in a step. GRPO: answers in a step, a multiple of ``samples``."""
    warmup_steps: int = Field(default=5, ge=0)
    clip: float = Field(default=1.0, gt=0.0)
    samples: int = Field(default=4, ge=2)
    """Answers sampled to each question."""
    temperature: float = Field(default=1.0, gt=0.0)
    save_every: int = Field(default=10, ge=1)
    """Steps between checkpoints; a stopped run goes on from the last one."""

    epochs: float = Field(default=1.0, gt=0.0)
    sft_weight: float = Field(default=0.3, ge=0.0)
    """DPO alone lets the likelihood of both answers fall; this share of plain likelihood of the better one holds it."""
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=0.5)
    """Share of pairs that may be the wrong way round, because labels are (Chowdhury et al. 2024, arXiv 2403.00409)."""
    min_gap: float = Field(default=0.1, gt=0.0)
    """The least difference of rewards that makes a pair."""
    held_out_pairs: int = Field(default=100, ge=0)
    """Of how many held-out cases pairs are made, for the margin; each costs two sampled answers."""
    constructed: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the cases without a worse answer of the model's own that get a made-up one."""

    max_steps: int = Field(default=500, ge=1)
    """GRPO only."""
    reward: RewardWeights = RewardWeights()

    @classmethod
    def load(cls, path: Path) -> "PreferenceConfig":
        """Read the ``preference`` section.

        Raises:
            RecipeError: not a recipe of this stage, or a field is unknown, missing or wrong.
        """
        return check(cls, _sections(path)["preference"], f"{path.name}, preference")


class CorpusConfig(Frozen):
    """The ``corpus`` section: parts as in fine-tuning, whose held-out cases stay held out here.

    ``drop``: share of vital signs left out. ``unaided``: share of prompts without what the rules found.
    """

    parts: tuple[PartConfig, ...] = Field(min_length=1)
    drop: float = Field(default=0.05, ge=0.0, lt=1.0)
    unaided: float = Field(default=0.2, ge=0.0, lt=1.0)
    seed: int = 7

    @model_validator(mode="after")
    def _without_what_means_nothing_here(self) -> Self:
        for part in self.parts:
            if part.teacher is not None or part.repeat != 1:
                raise ValueError(f"{part.title}: teacher and repeat mean nothing in the preference stage")
        return self

    @classmethod
    def load(cls, path: Path) -> "CorpusConfig":
        """Read the ``corpus`` section."""
        return check(cls, _sections(path)["corpus"], f"{path.name}, corpus")


def load_base_config(path: Path) -> BaseConfig:
    """The ``base`` section as in ``triage train finetune``: a name or folder, or all fields; absent is embedded."""
    section = _sections(path).get("base", EMBEDDED)
    values = {"model": section} if isinstance(section, str) else section
    return check(BaseConfig, values, f"{path.name}, base")


def _sections(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path.name} is not YAML: {error}") from None
    if not isinstance(content, dict) or not {"preference", "corpus"} <= content.keys():
        raise RecipeError(
            f"{path.name} is not a preference recipe: it needs the sections preference and corpus"
        )
    unknown = content.keys() - {"preference", "base", "corpus"}
    if unknown:
        raise RecipeError(
            f"{path.name} has sections that mean nothing: {', '.join(sorted(map(str, unknown)))}"
        )
    return content
