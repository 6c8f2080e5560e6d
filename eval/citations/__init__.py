"""Whether citations can be trusted: planted false ones, the model's own, and whether they carry the level."""

from eval.citations.asked import OwnCitations, own_citations
from eval.citations.faithful import measure_faithfulness
from eval.citations.planted import KINDS, Planted, plant
from eval.citations.struck import CitationScore, KindOfStrike, Miss, Struck, score_planted

__all__ = [
    "KINDS",
    "CitationScore",
    "KindOfStrike",
    "Miss",
    "OwnCitations",
    "Planted",
    "Struck",
    "measure_faithfulness",
    "own_citations",
    "plant",
    "score_planted",
]
