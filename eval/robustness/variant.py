"""What a variant is: a named way to change a record in which nothing, or nothing reassuring, is clinical."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from data_schemas import IntakeRecord

Family = Literal["counterfactual", "anchoring", "prompt", "missing", "typing", "units", "injection"]
Wanted = Literal["same", "no less urgent"]

Change = Callable[[IntakeRecord, int], IntakeRecord | None]
"""A pure function of a record and a seed; None where it cannot be applied to this record."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the things that a variant changes to, such as one of the languages.

    ``control`` makes the record that the changed one is compared with: a neutral twin as long as the change, so that
    the effect of any further sentence is taken away. None compares with the record unchanged.
    """

    name: str
    change: Change
    control: Change | None = None

    def pair(self, record: IntakeRecord, seed: int) -> tuple[IntakeRecord, IntakeRecord] | None:
        """(control, changed), or None where the arm cannot be applied."""
        changed = self.change(record, seed)
        control = record if self.control is None else self.control(record, seed)
        return None if changed is None or control is None else (control, changed)


@dataclass(frozen=True, slots=True)
class Variant:
    """A named change of a record with all that it changes to.

    ``wanted``: what a good model does with its level. ``against``: what is compared with, in words. ``draw``: so many
    of its arms each case is given, drawn by the seed, so that a run's time goes into different cases; None: all.
    """

    name: str
    family: Family
    wanted: Wanted
    description: str
    arms: tuple[Arm, ...]
    against: str = "the case unchanged"
    draw: int | None = None

    def seed_of(self, seed: int, case_id: str) -> int:
        """The seed of one case: the same for every arm, every variant of the family, and every model."""
        digest = hashlib.sha256(f"{seed}|{self.family}|{case_id}".encode()).digest()
        return int.from_bytes(digest[:8], "big")

    def pairs(
        self, record: IntakeRecord, case_id: str, seed: int
    ) -> Iterator[tuple[str, IntakeRecord, IntakeRecord]]:
        """(arm, control, changed) of one case: its drawn arms of those that can be applied, in their order."""
        own = self.seed_of(seed, case_id)
        order = random.Random(own).sample(range(len(self.arms)), len(self.arms))  # noqa: S311 - repeatable
        found: dict[int, tuple[str, IntakeRecord, IntakeRecord]] = {}
        for place in order:
            if self.draw is not None and len(found) == self.draw:
                break
            pair = self.arms[place].pair(record, own)
            if pair is not None:
                found[place] = (self.arms[place].name, *pair)
        yield from (found[place] for place in sorted(found))
