"""Work in turns, rows from blocks, and the line through two depths."""

import math
import time
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from eval.energy import (
    QWEN25_7B,
    Block,
    Blocks,
    Depths,
    EnergyError,
    Reading,
    Work,
    in_turns,
    slm_shape,
    to_row,
)
from eval.energy.depths import extrapolated


def reading(wh: float, seconds: float = 10.0) -> Reading:
    return Reading(
        source="measured",
        meter="a counter",
        seconds=seconds,
        cpu_wh=wh,
        gpu_wh=0.0,
        ram_wh=5.0,
        processor_seconds=seconds,
    )


def blocks(row: str, energies: list[float], *, cases: int = 2, times: int = 1) -> Blocks:
    work = Work(row=row, run=lambda: None, cases=cases, what=f"{row} ran")
    return Blocks(work, tuple(Block(reading(wh), times) for wh in energies))


def test_two_works_of_known_ratio(work_for: Callable[[float], None]) -> None:
    """Three times the work is three times the energy, whatever else the machine does."""
    order: list[str] = []

    def run(name: str, seconds: float) -> None:
        order.append(name)
        work_for(seconds)

    light = Work(row="light", run=lambda: run("light", 0.3), cases=1, what="", times=1)
    heavy = Work(row="heavy", run=lambda: run("heavy", 0.9), cases=1, what="", times=1)
    done = in_turns([light, heavy], rounds=3, seconds=0.2, cpu_watts=50)
    row = to_row(done[1], against=done[0])
    assert order == ["light", "heavy"] * 3
    assert row.against == "light"
    assert row.ratio == pytest.approx(3, rel=0.2)
    assert row.ratio_low is not None
    assert row.ratio_high is not None
    assert row.ratio_low < row.ratio < row.ratio_high
    assert row.source == "modelled"


def test_a_block_is_filled_by_repeating(work_for: Callable[[float], None]) -> None:
    work = Work(row="short", run=lambda: work_for(0.02), cases=5, what="")
    (done,) = in_turns([work], rounds=3, seconds=0.3, cpu_watts=50)
    assert all(10 <= block.times <= 20 for block in done.blocks)
    assert done.processor_seconds_per_case == pytest.approx(0.02 / 5, rel=0.3)


def test_a_block_that_comes_out_short_is_filled_up(work_for: Callable[[float], None]) -> None:
    """The pass that was to say how often took ten times as long as those that followed; and where it was given."""
    takes = iter([0.0, 0.3])

    work = Work(row="slow to start", run=lambda: work_for(next(takes, 0.03)), cases=1, what="")
    given = Work(row="given", run=lambda: work_for(0.03), cases=1, what="", times=1)
    for done in in_turns([work, given], rounds=3, seconds=0.3, cpu_watts=50):
        assert all(7 <= block.times <= 14 for block in done.blocks)
        assert all(block.reading.processor_seconds >= 0.25 for block in done.blocks)


def test_work_that_the_meter_cannot_see_is_an_error() -> None:
    nothing = Work(row="nothing", run=lambda: time.sleep(0.2), cases=1, what="", times=1)
    with pytest.raises(EnergyError, match=r"nothing: a block of .* is too short"):
        in_turns([nothing], rounds=3, cpu_watts=50)


def test_a_row_by_hand() -> None:
    """2 cases done 5 times took 1, 2, 3 Wh: 100, 200, 300 Wh per 1,000; 36 W idle for 1 s a case are 10 Wh of it."""
    row = to_row(blocks("slm", [1, 2, 3], times=5), idle=36)
    assert row.wh_per_1000 == pytest.approx(200)
    assert row.high == pytest.approx(200 + 4.302653 * 100 / math.sqrt(3), rel=1e-6)
    assert row.net_wh_per_1000 == pytest.approx(190)
    assert (row.cases, row.seconds, row.blocks) == (2, 2, 3)
    assert row.parts["processor"] == pytest.approx(200)
    assert row.parts["memory (guessed, not in the sum)"] == pytest.approx(500)
    assert row.ratio is None


def test_a_line_is_drawn_to_all_layers() -> None:
    """1 Wh and 0.5 a layer: 28 layers take 15."""
    done = [blocks(f"{n}", [(1 + 0.5 * n) * slow for slow in (1, 2, 1)]) for n in (2, 5, 8)]
    found = extrapolated(done, Depths(), QWEN25_7B, "reference")
    assert [one.reading.wh for one in found.blocks] == pytest.approx([15, 30, 15])
    assert found.work.row == "reference"
    assert found.work.what.startswith("extrapolated to 28 layers from 2 and 8, not run as a whole")
    assert found.blocks[0].reading.source == "modelled"


def test_a_shallow_models_block_may_hold_more_passes() -> None:
    """1 Wh and 0.5 a layer, the shallow one done four times a block and the middle one twice."""
    done = [blocks(f"{n}", [(1 + 0.5 * n) * times] * 3, times=times) for n, times in ((2, 4), (5, 2), (8, 1))]
    found = extrapolated(done, Depths(), QWEN25_7B, "reference")
    assert [one.reading.wh / one.times for one in found.blocks] == pytest.approx([15] * 3)
    assert found.seconds_per_case == pytest.approx(
        (2.5 + 26 * 1.25) / 2
    )  # 2.5 s a pass of 2 layers, 10 s of 8
    assert found.blocks[0].times == 1


def test_depths_off_the_line_are_refused() -> None:
    done = [blocks("2", [2] * 3), blocks("5", [5] * 3), blocks("8", [5] * 3)]
    with pytest.raises(EnergyError, match=r"\+43% off the line"):
        extrapolated(done, Depths(), QWEN25_7B, "reference")


def test_layers_that_cost_nothing_are_refused() -> None:
    done = [blocks("2", [2] * 3), blocks("5", [2] * 3), blocks("8", [2] * 3)]
    with pytest.raises(EnergyError, match="took no more energy"):
        extrapolated(done, Depths(), QWEN25_7B, "reference")


def test_the_check_lies_between() -> None:
    with pytest.raises(ValidationError, match="must grow"):
        Depths(low=2, check=8, high=5)


def test_shapes_have_their_published_size() -> None:
    """7.62 billion (model card of Qwen2.5-7B) and 134,515,008 (SmolLM2-135M's safetensors header)."""
    assert QWEN25_7B.parameters == 7_615_616_512
    assert slm_shape().parameters == 134_515_008
