"""Energy of a triage: metered around each model's run, what was metered said; closed models by published estimates."""

from eval.energy.blocks import Block, Blocks, Work, in_turns, to_row
from eval.energy.depths import Depths
from eval.energy.estimates import PublishedEstimate, estimate_rows, published_estimates
from eval.energy.file import EnergyFile, load_energy, machine_words
from eval.energy.meter import EnergyError, Metered, Reading, idle_watts, metered
from eval.energy.reference import REFERENCE_CASES, has_room, measure_reference
from eval.energy.rows import QUICK_CASES, measure
from eval.energy.shapes import QWEN25_7B, Shape, slm_shape
from eval.energy.statistics import Interval, mean_interval, ratio_interval

__all__ = [
    "QUICK_CASES",
    "QWEN25_7B",
    "REFERENCE_CASES",
    "Block",
    "Blocks",
    "Depths",
    "EnergyError",
    "EnergyFile",
    "Interval",
    "Metered",
    "PublishedEstimate",
    "Reading",
    "Shape",
    "Work",
    "estimate_rows",
    "has_room",
    "idle_watts",
    "in_turns",
    "load_energy",
    "machine_words",
    "mean_interval",
    "measure",
    "measure_reference",
    "metered",
    "published_estimates",
    "ratio_interval",
    "slm_shape",
    "to_row",
]
