"""Cases without persons: every field drawn, as hypothesis finds them or as a fixed seed gives them."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from agents.quality import Decided, Suggested, Visit
from data_schemas import VITAL_SIGNS, AssessmentMode, FactKind, OverrideReason

START = datetime(2026, 3, 1, tzinfo=UTC)


def drawn_visit(rng: random.Random, number: int) -> Visit:
    """A case with everything that may be absent sometimes absent."""
    opened = START + timedelta(minutes=rng.randrange(0, 60 * 24 * 28))
    arrived = None if rng.random() < 0.1 else opened - timedelta(minutes=rng.randrange(0, 20))
    level = rng.choices(range(1, 6), (3, 15, 45, 25, 12))[0]
    rules = rng.random() < 0.1
    suggested = None
    if rng.random() > 0.02:
        suggested = Suggested(
            level,
            AssessmentMode.RULES_ONLY if rules else AssessmentMode.MODEL,
            None if rules else rng.uniform(0.2, 1),
            rng.randrange(1, 6),
        )
    decided = None
    if suggested is not None and rng.random() > 0.1:
        final = min(5, max(1, level + rng.choice((0, 0, 0, 0, -1, -1, 1, 2))))
        decided = Decided(
            final,
            None if final == level else rng.choice(list(OverrideReason)),
            opened + timedelta(minutes=rng.uniform(-5, 60)),
            scripted=rng.random() < 0.05,
            unaided_level=rng.randrange(1, 6) if rng.random() < 0.4 else None,
        )
    return Visit(
        case_id=f"case-{number}",
        encounter_key=f"tests|Encounter/{number}",
        opened_at=opened,
        arrived_at=arrived,
        age_years=None if rng.random() < 0.05 else rng.uniform(0, 99),
        sex=rng.choice(("female", "male", "other", "unknown")),
        arrival_mode=rng.choice(("ambulance", "walk-in", "unknown")),
        missing=frozenset(kind for kind in (*VITAL_SIGNS, FactKind.PAIN) if rng.random() < 0.2),
        runs=rng.choice((1, 1, 1, 2)),
        suggested=suggested,
        decided=decided,
    )


@pytest.fixture
def drawn() -> Callable[[int, int], list[Visit]]:
    """``drawn(seed, n)`` cases, always the same for a seed."""

    def make(seed: int, n: int) -> list[Visit]:
        rng = random.Random(seed)
        return [drawn_visit(rng, number) for number in range(n)]

    return make
