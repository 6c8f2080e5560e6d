"""Several pieces of work metered in turns."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.energy.meter import EnergyError, Reading, metered
from eval.energy.processor_time import processor_seconds
from eval.energy.statistics import INTERVAL, Interval, mean_interval, ratio_interval
from eval.suite.result import EnergyRow

Progress = Callable[[str], None]

_SHORTEST = 0.1  # seconds of processor time, which is counted in ticks of _TICK
_TICK = 0.01


@dataclass(frozen=True, slots=True)
class Work:
    """One row: ``run`` does all ``cases`` once.

    ``prompt_tokens``, ``decoded_tokens``: means of a case, None where no language model reads. ``what``: what exactly
    was run, for the reader. ``times``: how often ``run`` is done in a block at least; None finds it out, and warms up
    meanwhile.
    """

    row: str
    run: Callable[[], None]
    cases: int
    what: str
    prompt_tokens: float | None = None
    decoded_tokens: float | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One metered block: the work ``times`` over."""

    reading: Reading
    times: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """All blocks of one row, in the order of the rounds."""

    work: Work
    blocks: tuple[Block, ...]

    @property
    def wh_per_1000(self) -> list[float]:
        """Of each block."""
        return [1000 * one.reading.wh / (one.times * self.work.cases) for one in self.blocks]

    @property
    def processor_seconds_per_case(self) -> float:
        """Processor time of this process, over all blocks."""
        done = sum(one.times for one in self.blocks) * self.work.cases
        return math.fsum(one.reading.processor_seconds for one in self.blocks) / done

    @property
    def seconds_per_case(self) -> float:
        """Over all blocks."""
        done = sum(one.times for one in self.blocks) * self.work.cases
        return math.fsum(one.reading.seconds for one in self.blocks) / done


def in_turns(
    works: Sequence[Work],
    *,
    rounds: int = 3,
    seconds: float = 2.0,
    cpu_watts: float | None = None,
    progress: Progress = lambda row: None,
) -> list[Blocks]:
    """Meter every work once a round.

    Each is done unmetered first (but see ``Work.times``), which warms it up and says how often it must be repeated to
    fill a block. A block that comes out shorter is filled up: what the first pass took does not bind the next, on a
    busy machine least of all.

    Args:
        works: the rows.
        rounds: blocks of each row.
        seconds: processor time of the shortest block; shorter ones drown in its clock ticks.
        cpu_watts: see ``metered``.
        progress: told the row that begins.

    Raises:
        EnergyError: the meter gave nothing.
    """
    times = [_times(work, seconds, progress) for work in works]
    found: list[list[Block]] = [[] for _ in works]
    for _ in range(rounds):
        for work, count, blocks in zip(works, times, found, strict=True):
            progress(work.row)
            with metered(cpu_watts) as taken:
                done = _filled(work, count, seconds)
            if not _seen(taken.reading):
                raise EnergyError(
                    f"{work.row}: a block of {taken.reading.processor_seconds:.2f} s of processor time is too short "
                    "for the meter; give more seconds a block"
                )
            blocks.append(Block(taken.reading, done))
    return [Blocks(work, tuple(blocks)) for work, blocks in zip(works, found, strict=True)]


def to_row(done: Blocks, *, against: Blocks | None = None, idle: float | None = None) -> EnergyRow:
    """The row of these blocks, with the ratio of its energy to that of ``against`` in the same rounds.

    Args:
        done: the blocks.
        against: another row of the same rounds.
        idle: watts while nothing ran, of ``idle_watts``; None where it was not looked at.
    """
    reading = done.blocks[0].reading
    each = mean_interval(done.wh_per_1000)
    ratio = ratio_interval(done.wh_per_1000, against.wh_per_1000) if against else None
    return _row(done, reading, each, ratio, against.work.row if against else None, idle)


def _row(
    done: Blocks,
    reading: Reading,
    each: Interval,
    ratio: Interval | None,
    against: str | None,
    idle: float | None,
) -> EnergyRow:
    cases = sum(one.times for one in done.blocks) * done.work.cases
    parts = {
        name: 1000 * math.fsum(values) / cases
        for name, values in {
            "processor": [one.reading.cpu_wh for one in done.blocks],
            "gpu": [one.reading.gpu_wh for one in done.blocks],
            "memory (guessed, not in the sum)": [one.reading.ram_wh for one in done.blocks],
        }.items()
    }
    net = None if idle is None else max(0.0, each.value - 1000 * idle * done.seconds_per_case / 3600)
    return EnergyRow(
        row=done.work.row,
        source=reading.source,
        meter=reading.meter,
        wh_per_1000=each.value,
        low=each.low,
        high=each.high,
        cases=done.work.cases,
        seconds=done.seconds_per_case * done.work.cases,
        prompt_tokens=done.work.prompt_tokens,
        decoded_tokens=done.work.decoded_tokens,
        against=against,
        ratio=ratio.value if ratio else None,
        ratio_low=ratio.low if ratio else None,
        ratio_high=ratio.high if ratio else None,
        what=done.work.what,
        blocks=len(done.blocks),
        processor_seconds=done.processor_seconds_per_case * done.work.cases,
        interval=INTERVAL.format(blocks=len(done.blocks)),
        idle_watts=idle,
        net_wh_per_1000=net,
        parts=parts,
    )


def _seen(reading: Reading) -> bool:
    if reading.source == "modelled" and reading.gpu_wh == 0 and reading.processor_seconds < _SHORTEST:
        return False
    return reading.wh > 0


def _times(work: Work, seconds: float, progress: Progress) -> int:
    if work.times is not None:
        return work.times
    progress(f"{work.row}, once to warm up")
    work.run()
    began = processor_seconds()
    work.run()
    return _needed(seconds, max(processor_seconds() - began, _TICK))


def _filled(work: Work, count: int, seconds: float) -> int:
    """Do the work ``count`` times, and more where that took less than ``seconds`` of processor time; how often in all.

    Not the clock's time: a block on a busy machine must hold as much work as on an idle one. What takes less than a
    tick in all is not repeated: it would take for ever.
    """
    began = processor_seconds()
    for _ in range(count):
        work.run()
    took = processor_seconds() - began
    more = _needed(seconds - took, took / count) if _TICK < took < seconds else 0
    for _ in range(more):
        work.run()
    return count + more


def _needed(seconds: float, each: float) -> int:
    return max(1, math.ceil(seconds / each))
