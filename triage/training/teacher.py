"""A teacher's probabilities for training cases, and how they shift when levels are sampled otherwise than they occur.

The teacher must not have seen the case (``triage.baselines.out_of_fold``): what it knows by heart is the label again.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from triage.training.corpus import CorpusError
from triage.training.corpus.tables import number_cell, read_rows, text_cell

Soft = tuple[float, float, float, float, float]
COLUMNS = ("case_id", "p1", "p2", "p3", "p4", "p5")


def read_teacher(path: Path) -> dict[str, Soft]:
    """Probabilities of levels 1-5 by case id, from a file with ``COLUMNS``.

    Raises:
        CorpusError: the file is not there, lacks a column, or a row is no probability distribution.
    """
    if not path.is_file():
        raise CorpusError(
            f"the teacher's file {path.name} is not there: make it with `triage train teacher`, "
            "or take `teacher` out of the recipe"
        )
    found: dict[str, Soft] = {}
    for number, row in enumerate(read_rows(path, required=COLUMNS), start=1):
        try:
            p = tuple(float(number_cell(row, column) or 0) for column in COLUMNS[1:])
        except ValueError as error:
            raise CorpusError(f"{path.name}, row {number}: {error}") from None
        if min(p) < 0 or not math.isclose(sum(p), 1.0, abs_tol=1e-3):
            raise CorpusError(f"{path.name}, row {number}: p1 to p5 are not probabilities that sum to 1")
        found[text_cell(row, "case_id") or ""] = (p[0], p[1], p[2], p[3], p[4])
    return found


def ratios(shares: Soft, natural: Mapping[int, int]) -> Soft:
    """How much more often each level is sampled than it occurs; 0 for a level that does not occur.

    Args:
        shares: of levels 1-5 among the sampled cases.
        natural: how many cases of each level there are to sample from.
    """
    total = sum(natural.values())
    r1, r2, r3, r4, r5 = (
        share * total / natural[level] if natural.get(level) else 0.0
        for level, share in enumerate(shares, start=1)
    )
    return r1, r2, r3, r4, r5


def shifted(probabilities: Sequence[float], ratio: Soft) -> Soft | None:
    """The teacher's probabilities under the sampled shares: ``soft_k`` proportional to ``p_k * ratio_k``.

    By Bayes' rule, what the teacher would say where only the shares of the levels differ (Saerens et al. 2002, equation
    2.4). None where nothing is left.
    """
    raised = [p * r for p, r in zip(probabilities, ratio, strict=True)]
    total = sum(raised)
    if total <= 0:
        return None
    s1, s2, s3, s4, s5 = (value / total for value in raised)
    return s1, s2, s3, s4, s5
