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
    for one, middle, other in zip(low.blocks, check.blocks, high.blocks, strict=True):
        if other.reading.wh <= one.reading.wh:
            raise EnergyError("more layers took no more energy: the machine is too busy for this; try again")
        step = depths.high - depths.low
        at = (depths.check - depths.low) / step
        expected = one.reading.wh + at * (other.reading.wh - one.reading.wh)
        off.append(middle.reading.wh / expected - 1)
        to = (shape.layers - depths.low) / step
        found.append(Block(_scaled(one, other, to), one.times))
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


def _scaled(low: Block, high: Block, to: float) -> Reading:
    one, other = low.reading, high.reading

    def line(name: str) -> float:
        start: float = getattr(one, name)
        end: float = getattr(other, name)
        return max(0.0, start + to * (end - start))

    changed = {name: line(name) for name in ("seconds", "cpu_wh", "gpu_wh", "ram_wh", "processor_seconds")}
    return one.model_copy(update={**changed, "source": "modelled"})
