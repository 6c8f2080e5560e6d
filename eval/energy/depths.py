"""The reference from fewer of its layers, where the memory does not hold all of them.

Every layer of a decoder does the same work, so a case's energy is a straight line in their number: embeddings, head and
overhead, plus so much a layer. The line goes through two depths and is checked at a third.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from pydantic import Field, model_validator

from data_schemas._base import Frozen
from eval.energy.blocks import Block, Blocks
from eval.energy.meter import EnergyError, Reading
from eval.energy.shapes import Shape

TOLERANCE = 0.15
"""Largest relative distance of the third depth from the line, over all rounds."""

_AMOUNTS = ("seconds", "cpu_wh", "gpu_wh", "ram_wh", "processor_seconds")


class Depths(Frozen):
    """Layers measured: the line goes through ``low`` and ``high``; ``check`` lies on neither."""

    low: int = Field(default=2, ge=1)
    check: int = Field(default=5, ge=2)
    high: int = Field(default=8, ge=3)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if not self.low < self.check < self.high:
            raise ValueError("the three depths must grow: low < check < high")
        return self

    @property
    def all(self) -> tuple[int, int, int]:
        """In the order they are measured."""
        return self.low, self.check, self.high


def extrapolated(done: Sequence[Blocks], depths: Depths, shape: Shape, row: str) -> Blocks:
    """The blocks of all ``shape.layers`` layers, round by round, from those of the three depths.

    Raises:
        EnergyError: the third depth is off the line by more than ``TOLERANCE``, or a layer costs nothing.
    """
    low, check, high = done
    found: list[Block] = []
    off: list[float] = []
    for one, middle, other in zip(
        map(_a_pass, low.blocks), map(_a_pass, check.blocks), map(_a_pass, high.blocks), strict=True
    ):
        if other.wh <= one.wh:
            raise EnergyError("more layers took no more energy: the machine is too busy for this; try again")
        step = depths.high - depths.low
        at = (depths.check - depths.low) / step
        expected = one.wh + at * (other.wh - one.wh)
        off.append(middle.wh / expected - 1)
        to = (shape.layers - depths.low) / step
        found.append(Block(_scaled(one, other, to), times=1))
    mean = sum(off) / len(off)
    if abs(mean) > TOLERANCE:
        raise EnergyError(
            f"at {depths.check} layers the energy is {mean:+.0%} off the line through {depths.low} and {depths.high}: "
            "not a line, so nothing can be said of all layers; try again on a quieter machine, or measure all of them"
        )
    what = (
        f"extrapolated to {shape.layers} layers from {depths.low} and {depths.high}, not run as a whole; at "
        f"{depths.check} layers {mean:+.1%} off that line. {low.work.what}"
    )
    return Blocks(replace(low.work, row=row, what=what), tuple(found))


def _a_pass(block: Block) -> Reading:
    """What doing the work once took: a shallow model's block holds more passes than a deep one's."""
    each = {name: getattr(block.reading, name) / block.times for name in _AMOUNTS}
    return block.reading.model_copy(update=each)


def _scaled(one: Reading, other: Reading, to: float) -> Reading:
    def line(name: str) -> float:
        start: float = getattr(one, name)
        end: float = getattr(other, name)
        return max(0.0, start + to * (end - start))

    return one.model_copy(update={**{name: line(name) for name in _AMOUNTS}, "source": "modelled"})
