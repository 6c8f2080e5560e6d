"""Quality figures: pure functions from rows without names to rates with their cases and intervals."""

from agents.quality.decisions import Agreement, LevelOverrides, Overrides, agreement, overrides
from agents.quality.drift import ACT, LOOKED_AT, WATCH, Confidence, Drift, Missing, Mix, stability_index
from agents.quality.figures import AlertFigures, Figures, Period, Volumes, Waits, figures
from agents.quality.rates import Rate, Spread
from agents.quality.subgroups import FEWEST, Attribute, Subgroup, subgroups
from agents.quality.table import to_csv
from agents.quality.truth import (
    AgainstTruth,
    Outcome,
    TruthError,
    TruthFault,
    TruthFigures,
    TruthTable,
    read_truth,
)
from agents.quality.visits import AGE_BANDS, UNKNOWN, AlertTimes, Decided, Suggested, Visit

__all__ = [
    "ACT",
    "AGE_BANDS",
    "FEWEST",
    "LOOKED_AT",
    "UNKNOWN",
    "WATCH",
    "AgainstTruth",
    "Agreement",
    "AlertFigures",
    "AlertTimes",
    "Attribute",
    "Confidence",
    "Decided",
    "Drift",
    "Figures",
    "LevelOverrides",
    "Missing",
    "Mix",
    "Outcome",
    "Overrides",
    "Period",
    "Rate",
    "Spread",
    "Subgroup",
    "Suggested",
    "TruthError",
    "TruthFault",
    "TruthFigures",
    "TruthTable",
    "Visit",
    "Volumes",
    "Waits",
    "agreement",
    "figures",
    "overrides",
    "read_truth",
    "stability_index",
    "subgroups",
    "to_csv",
]
