"""Three-valued logic with its evidence: what is not known is neither true nor false."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Truth(Enum):
    """Kleene's three values. UNKNOWN comes from a fact that is missing, never from a normal one."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``[start, end)`` of the text of one fact."""

    fact_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a condition came out, the facts that decided it and the values in words."""

    truth: Truth
    fact_ids: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()


UNKNOWN = Outcome(Truth.UNKNOWN)
FALSE = Outcome(Truth.FALSE)


def merged(truth: Truth, outcomes: Iterable[Outcome]) -> Outcome:
    """One outcome with the evidence of several, each fact and sentence once, in order."""
    kept = tuple(outcomes)
    return Outcome(
        truth,
        tuple(dict.fromkeys(fact for item in kept for fact in item.fact_ids)),
        tuple(dict.fromkeys(words for item in kept for words in item.explanation)),
        tuple(dict.fromkeys(span for item in kept for span in item.spans)),
    )
