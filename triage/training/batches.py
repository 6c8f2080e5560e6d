"""The order of the examples: batches of similar length, the same again for the same seed and position."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triage.training.config import RecipeError
from triage.training.encoding import Encoded

_POOL = 24
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the stream stands: ``batch`` batches of ``epoch`` were taken."""

    epoch: int = 0
    batch: int = 0


class BatchStream:
    """Endless batches, each epoch in an order of its own that depends on seed and epoch alone.

    So a position of two numbers is enough to go on from, without the state of a random generator.
    """

    def __init__(self, rows: Sequence[Encoded], batch_size: int, seed: int, start: Position | None = None):
        if not rows:
            raise RecipeError("there is no example to train on")
        self._rows, self._size, self._seed = rows, batch_size, seed
        self.position = start or Position()
        self._batches = self._epoch(self.position.epoch)

    @property
    def batches_per_epoch(self) -> int:
        """The same in every epoch."""
        return len(self._batches)

    def __iter__(self) -> Iterator[list[Encoded]]:
        return self

    def __next__(self) -> list[Encoded]:
        if self.position.batch >= len(self._batches):
            self.position = Position(self.position.epoch + 1, 0)
            self._batches = self._epoch(self.position.epoch)
        batch = self._batches[self.position.batch]
        self.position = Position(self.position.epoch, self.position.batch + 1)
        return batch

    def _epoch(self, number: int) -> list[list[Encoded]]:
        rng = random.Random(f"{self._seed}:{number}")  # noqa: S311 - shuffling, not secrecy
        order = list(self._rows)
        rng.shuffle(order)
        batches: list[list[Encoded]] = []
        pool = _POOL * self._size
        for start in range(0, len(order), pool):
            bucket = sorted(order[start : start + pool], key=lambda item: len(item.ids))
            chunks = [bucket[i : i + self._size] for i in range(0, len(bucket), self._size)]
            # A batch cut short would weigh its few examples more; they come in another epoch.
            chunks = [chunk for chunk in chunks if len(chunk) == self._size or len(self._rows) < self._size]
            rng.shuffle(chunks)
            batches += chunks
        return batches
