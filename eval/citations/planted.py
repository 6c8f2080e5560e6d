"""Planted citations: true claims made from real records, and false ones made from those by one change of a known kind.

Nothing here uses the verifier: how a claim is made, what makes it false and how that is checked are written apart from
it, so that a mistake of the verifier is not copied into its own test.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data_schemas import Check, Claim, EsiVersion, IntakeRecord
from eval.citations import mutations
from eval.citations.mutations import Pair
from triage.esi import screen
from triage.guidelines import GuidelineLibrary

KINDS: tuple[Check, ...] = (
    Check.FACT,
    Check.VALUE,
    Check.UNIT,
    Check.DIRECTION,
    Check.NEGATION,
    Check.TIME,
    Check.PATIENT,
    Check.AGE,
    Check.PREGNANCY,
    Check.SCALE,
)
_MOST_TRIES = 400
"""Draws for one pair before the cases are taken to allow none of its kind."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A claim about ``record``; ``false_by`` says what was made wrong, ``of`` what kind its pair is of."""

    record: IntakeRecord
    claim: Claim
    of: Check
    false_by: Check | None


def plant(
    records: Sequence[IntakeRecord],
    *,
    each: int = 100,
    seed: int = 20261122,
    version: EsiVersion = EsiVersion.V5,
) -> list[Planted]:
    """``each`` true and ``each`` false claims of every kind in ``KINDS``, the same for the same seed and records.

    A false claim is a true one with one thing changed, checked to be false; no pair stands twice. Where the records
    allow fewer of a kind, there are fewer.

    Raises:
        ValueError: fewer than two records: another patient's fact needs another patient.
    """
    if len(records) < 2:
        raise ValueError("planting needs at least two records")
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    library = GuidelineLibrary.load(version)
    planted: list[Planted] = []
    for kind in KINDS:
        make = _makers(records, library)[kind]
        seen: set[tuple[str, Claim]] = set()
        tries = 0
        while len(seen) < each and tries < _MOST_TRIES * each:
            tries += 1
            record = rng.choice(records)
            pair = make(record, rng)
            if pair is None or (record.encounter_key, pair.false) in seen:
                continue
            if not mutations.really_false(kind, pair, record, library):
                continue
            seen.add((record.encounter_key, pair.false))
            planted.append(Planted(record, pair.true, kind, None))
            planted.append(Planted(record, pair.false, kind, kind))
    return planted


_Maker = Callable[[IntakeRecord, random.Random], Pair | None]


def _makers(records: Sequence[IntakeRecord], library: GuidelineLibrary) -> dict[Check, _Maker]:
    def held(record: IntakeRecord, rng: random.Random) -> Claim | None:
        return mutations.statement_claim(screen(record, library.version, library), rng)

    return {
        Check.FACT: mutations.wrong_fact,
        Check.VALUE: mutations.wrong_value,
        Check.UNIT: mutations.wrong_unit,
        Check.DIRECTION: mutations.wrong_side,
        Check.NEGATION: mutations.wrong_denial,
        Check.TIME: mutations.wrong_time,
        Check.PATIENT: lambda record, rng: mutations.another_patient(record, rng, records),
        Check.AGE: lambda record, rng: mutations.out_of_age(held(record, rng), record, rng, library),
        Check.PREGNANCY: lambda record, rng: mutations.not_pregnant(held(record, rng), record, rng, library),
        Check.SCALE: lambda record, rng: mutations.other_scale(held(record, rng), rng, library),
    }
