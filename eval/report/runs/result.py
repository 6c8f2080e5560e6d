"""What a comparison of two runs found."""

from typing import Literal

from data_schemas._base import Frozen
from eval.comparison.result import Difference, Estimate

Verdict = Literal["better", "no difference shown", "worse"]

GATED: tuple[str, ...] = (
    "accuracy",
    "quadratic_weighted_kappa",
    "recall_high",
    "under_triage",
    "over_triage",
    "strict_under_triage",
    "unreadable",
)
"""The scores that make a verdict where none are named."""


class ScoreChange(Frozen):
    """A score before and after. ``difference``: after minus before; ``test`` says how, ``p_holm`` over all rows.

    ``verdict`` is of the interval alone: better or worse where it leaves zero out.
    """

    score: str
    before: Estimate
    after: Estimate
    difference: Difference
    verdict: Verdict


class RowChange(Frozen):
    """A row of a task. The ids are of cases whose answer changed; empty, and meaningless, where it is not paired.

    ``now_wrong``: right before, wrong now. ``now_right``: the reverse. ``now_strict``: level 1 or 2, now at 4 or 5 and
    not before.
    """

    task: str
    row: str
    cases: int
    paired: bool
    how: str
    verdict: Verdict
    scores: tuple[ScoreChange, ...]
    now_wrong: tuple[str, ...] = ()
    now_right: tuple[str, ...] = ()
    now_strict: tuple[str, ...] = ()


class RunComparison(Frozen):
    """Two runs. ``verdict``: worse where any row is worse by any score, else better where any is, else neither."""

    before: str
    after: str
    verdict: Verdict
    rows: tuple[RowChange, ...]
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def regression(self) -> bool:
        """Whether a gate should fail."""
        return self.verdict == "worse"
