"""How many planted claims the verifier strikes, with exact intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from data_schemas import Check, Verdict
from data_schemas._base import Frozen
from eval.citations.planted import KINDS, Planted
from triage.guidelines import GuidelineLibrary
from triage.metrics import clopper_pearson_interval
from triage.verifying import verify_claim

LEAST_FALSE_STRUCK = 0.99
MOST_TRUE_STRUCK = 0.01


class Struck(Frozen):
    """``struck`` of ``total`` claims, with the exact 95 % interval of the share (Clopper-Pearson)."""

    struck: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share struck."""
        return self.struck / self.total


class KindOfStrike(Frozen):
    """One kind of falsehood: the false claims, how many of them were struck by its very name, and the true ones."""

    kind: Check
    false: Struck
    by_name: int
    true: Struck


class CitationScore(Frozen):
    """The whole table. ``good``: enough of the false claims struck, and few enough of the true ones."""

    kinds: tuple[KindOfStrike, ...]
    false: Struck
    true: Struck

    @property
    def good(self) -> bool:
        """Whether both shares keep to their limits."""
        return self.false.share >= LEAST_FALSE_STRUCK and self.true.share <= MOST_TRUE_STRUCK


@dataclass(frozen=True, slots=True)
class Miss:
    """A claim on which the verifier was wrong: a false one that stood, or a true one that it struck."""

    planted: Planted
    verdict: Verdict


def score_planted(planted: Sequence[Planted], library: GuidelineLibrary) -> tuple[CitationScore, list[Miss]]:
    """Verify every planted claim.

    Raises:
        ValueError: there is none.
    """
    if not planted:
        raise ValueError("no claim was planted: the records allow none")
    verdicts = [(item, verify_claim(item.claim, item.record, library)) for item in planted]
    kinds = []
    for kind in KINDS:
        mine = [(item, verdict) for item, verdict in verdicts if item.of is kind]
        false = [verdict for item, verdict in mine if item.false_by is not None]
        true = [verdict for item, verdict in mine if item.false_by is None]
        if not mine:
            continue
        by_name = sum(any(refusal.check is kind for refusal in verdict.refusals) for verdict in false)
        kinds.append(KindOfStrike(kind=kind, false=_struck(false), by_name=by_name, true=_struck(true)))
    whole = CitationScore(
        kinds=tuple(kinds),
        false=_struck([verdict for item, verdict in verdicts if item.false_by is not None]),
        true=_struck([verdict for item, verdict in verdicts if item.false_by is None]),
    )
    misses = [Miss(item, verdict) for item, verdict in verdicts if verdict.stands != (item.false_by is None)]
    return whole, misses


def struck_share(struck: int, total: int) -> Struck:
    """``struck`` of ``total`` with its exact interval.

    Raises:
        ValueError: not 0 <= struck <= total, or nothing at all.
    """
    bounds = clopper_pearson_interval(struck, total)
    return Struck(struck=struck, total=total, low=bounds.low, high=bounds.high)


def _struck(verdicts: Sequence[Verdict]) -> Struck:
    return struck_share(sum(not verdict.stands for verdict in verdicts), len(verdicts))
