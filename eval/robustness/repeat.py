"""The same cases asked again: how much of the variance of the level is the model's own."""

from collections.abc import Sequence

import numpy as np

from eval.predictions import Prediction
from eval.robustness.outcome import share
from eval.suite.result import Repeatability


def share_between_runs(levels: Sequence[Sequence[int]]) -> float | None:
    """Part of the variance of a level that is between runs on the same case, 0 to 1.

    Args:
        levels: of each case, the levels of its runs; every case with the same number of them.

    One-way random effects by analysis of variance (Searle, Casella and McCulloch, Variance Components, 1992, section
    3.5): the variance within cases is MSW, that between cases (MSB - MSW) / runs, at least 0; the share is the first
    of their sum, that is 1 - ICC(1) (Shrout and Fleiss, Psychol Bull 1979;86:420-428). None with fewer than two cases
    or runs, or where nothing varies.
    """
    table = np.asarray(levels, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        return None
    cases, runs = table.shape
    means = table.mean(axis=1)
    within = float(((table - means[:, None]) ** 2).sum()) / (cases * (runs - 1))
    between = max(0.0, (runs * float(means.var(ddof=1)) - within) / runs)
    total = within + between
    return within / total if total > 0 else None


def repeatability(row: str, runs: Sequence[Sequence[Prediction]]) -> Repeatability:
    """What a row's runs on the same cases in the same order agree on.

    A case that a run gave no level for is not the same in all unless every run gave none, and is left out of
    ``share_model``.

    Raises:
        ValueError: no runs, or runs of different cases.
    """
    if not runs or len({len(run) for run in runs}) != 1:
        raise ValueError("give at least one run, and every run with an answer for each case")
    answers = list(zip(*runs, strict=True))
    levels = [[item.predicted for item in answer] for answer in answers]
    full = [[level for level in case if level is not None] for case in levels if None not in case]
    return Repeatability(
        row=row,
        cases=len(answers),
        runs=len(runs),
        same_in_all=share(len(set(case)) == 1 for case in levels),
        share_model=share_between_runs(full),
        largest_p_change=_largest_change(answers),
    )


def _largest_change(answers: Sequence[Sequence[Prediction]]) -> float | None:
    """The largest difference between two runs in any case's probability of any level."""
    changes = [
        float(
            np.ptp(np.asarray([item.probabilities.p for item in answer if item.probabilities]), axis=0).max()
        )
        for answer in answers
        if all(item.probabilities is not None for item in answer)
    ]
    return max(changes, default=None)
