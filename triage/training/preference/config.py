"""The recipe of the preference stage, and which cases it asks the model about."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from data_schemas._base import Frozen
from triage.training.config import EMBEDDED, BaseConfig
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
    constructed: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the cases without a worse answer of the model's own that get a made-up one."""

    max_steps: int = Field(default=500, ge=1)
    """GRPO only."""
    reward: RewardWeights = RewardWeights()

    @classmethod
    def load(cls, path: Path) -> "PreferenceConfig":
        """Read the ``preference`` section; unknown keys are refused."""
        return cls.model_validate(sections(path)["preference"])


class PartConfig(Frozen):
    """One data set.

    ``path``: a file; ``authored``, the teaching cases that ship with the project, has none. ``groups``: keep only cases
    whose group starts with one of these. ``held_groups``: one in this many groups (NHAMCS: hospital and year) is held
    out whole. ``hold_out``: how many cases are kept for calibration and measurement, of the groups held out where there
    are such. Both are chosen by hash, so every recipe holds out the same ones. ``count`` and ``shares``: sample this
    many of the others, with these shares of levels 1-5.
    """

    dataset: Literal["nhamcs", "ktas", "vignettes", "authored"]
    path: Path | None = None
    groups: tuple[str, ...] = ()
    held_groups: int | None = Field(default=None, ge=2)
    hold_out: int = Field(default=0, ge=0)
    count: int | None = Field(default=None, ge=0)
    shares: tuple[float, float, float, float, float] | None = None

    @model_validator(mode="after")
    def _has_a_path(self) -> Self:
        if (self.path is None) != (self.dataset == "authored"):
            raise ValueError(f"{self.dataset}: " + ("takes no path" if self.path else "needs a path"))
        return self


class CorpusConfig(Frozen):
    """The ``corpus`` section.

    ``drop``: share of vital signs left out. ``unaided``: share of prompts without what the rules found.
    """

    parts: tuple[PartConfig, ...] = Field(min_length=1)
    drop: float = Field(default=0.05, ge=0.0, lt=1.0)
    unaided: float = Field(default=0.2, ge=0.0, lt=1.0)
    seed: int = 7

    @classmethod
    def load(cls, path: Path) -> "CorpusConfig":
        """Read the ``corpus`` section; unknown keys are refused."""
        return cls.model_validate(sections(path)["corpus"])


def load_base_config(path: Path) -> BaseConfig:
    """The ``base`` section as in ``triage train finetune``: a name or folder, or all fields; absent is embedded."""
    section = sections(path).get("base", EMBEDDED)
    return BaseConfig.model_validate({"model": section} if isinstance(section, str) else section)


def sections(path: Path) -> dict[str, Any]:
    """The file's sections.

    Raises:
        ValueError: not a YAML mapping, a section is missing, or one means nothing.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is not YAML: {error}") from None
    if not isinstance(content, dict) or not {"preference", "corpus"} <= content.keys():
        raise ValueError(
            f"{path.name} is not a preference recipe: it needs the sections preference and corpus"
        )
    unknown = content.keys() - {"preference", "base", "corpus"}
    if unknown:
        raise ValueError(
            f"{path.name} has sections that mean nothing: {', '.join(sorted(map(str, unknown)))}"
        )
    return content
