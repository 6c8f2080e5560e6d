"""Whether a model's level holds when what is not clinical changes: variants of a case, and what they moved."""

from eval.robustness.collection import FAMILIES, VARIANTS, choose
from eval.robustness.once import SharedModel
from eval.robustness.plots import PlotError, family_plot, family_plots, variant_plot
from eval.robustness.repeat import repeatability, share_between_runs
from eval.robustness.running import (
    Again,
    Answer,
    Progress,
    as_answer,
    estimated_seconds,
    questions,
    run_variants,
)
from eval.robustness.variant import Arm, Variant

__all__ = [
    "FAMILIES",
    "VARIANTS",
    "Again",
    "Answer",
    "Arm",
    "PlotError",
    "Progress",
    "SharedModel",
    "Variant",
    "as_answer",
    "choose",
    "estimated_seconds",
    "family_plot",
    "family_plots",
    "questions",
    "repeatability",
    "run_variants",
    "share_between_runs",
    "variant_plot",
]
