"""A process dies at a chosen point; a new one finishes the case: one review, one final write, an intact chain."""

import asyncio
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from agent_parts import Recorded, SqliteSink, accept, service
from sqlalchemy import text

from agents import CasePhase, Step

PARTS = Path(__file__).parent / "agent_parts.py"


def child(folder: Path, action: str, die: str = "") -> int:
    run = subprocess.run(
        [sys.executable, str(PARTS), str(folder), action, die],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode in {0, 9}, run.stderr
    return run.returncode


@pytest.fixture(scope="module")
def waiting_folder(tmp_path_factory) -> Path:
    """The files of one case that waits for a clinician, made by a process that has ended."""
    folder = tmp_path_factory.mktemp("waiting")
    assert child(folder, "assess") == 0
    return folder


@pytest.fixture
def waiting(waiting_folder, tmp_path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(waiting_folder, tmp_path / "case"))


async def check_finished(opened, folder: Path) -> None:
    """What must hold at the end of every story."""
    (case,) = await opened.list()
    assert case.phase is CasePhase.WRITTEN
    assert case.review is not None
    steps = Counter(h.step for h in await opened.history(case.id))
    for step in (
        Step.READ,
        Step.SCREENED,
        Step.ASSESSED,
        Step.VERIFIED,
        Step.RECONCILED,
        Step.REVIEWED,
        Step.CLOSED,
    ):
        assert steps[step] == 1, step
    assert steps[Step.WRITTEN] == 1
    assert (await opened.verify_chain()).ok
    statuses = Counter(row[1] for row in SqliteSink(folder / "hospital.db").log())
    assert statuses["final"] == 1
    assert statuses["preliminary"] <= 1
    assert await opened.pending() == ()
    with opened._store.database.engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM reviews")).scalar() == 1
        assert db.execute(text("SELECT count(*) FROM outbox")).scalar() == 2


@pytest.mark.parametrize("die", ["assess", "stored", "before-propose", "after-propose", "releasing"])
async def test_killed_on_the_way_to_the_clinician(tmp_path, die):
    assert child(tmp_path, "assess", die) == 9
    triager = Recorded()
    async with service(tmp_path, triager=triager) as opened:
        assert [c.phase for c in await opened.list()] == [CasePhase.ASSESSING]
        recovery = await opened.recover()
        (case,) = await opened.list()
        assert recovery.resumed == (case.id,)
        assert case.phase is CasePhase.AWAITING_REVIEW
        # The model is asked again only where its answer was not kept.
        assert triager.asked == (1 if die == "assess" else 0)
        assert (await accept(opened, case.id)).written
        await check_finished(opened, tmp_path)


@pytest.mark.parametrize(
    "die", ["claimed", "before-finalize", "after-finalize", "read-back", "settled", "releasing"]
)
async def test_killed_after_the_decision(waiting, die):
    assert child(waiting, "review", die) == 9
    async with service(waiting) as opened:
        await opened.recover()
        await check_finished(opened, waiting)
        # A second recovery finds nothing to do.
        again = await opened.recover()
        assert again.resumed == again.delivered == again.failed == ()
        await check_finished(opened, waiting)


async def test_a_recovery_that_dies_too_is_recovered(waiting):
    assert child(waiting, "review", "claimed") == 9
    assert child(waiting, "recover", "after-finalize") == 9
    assert child(waiting, "recover") == 0
    async with service(waiting) as opened:
        await check_finished(opened, waiting)


async def test_two_processes_that_recover_at_once_write_once(waiting):
    assert child(waiting, "review", "claimed") == 9
    first, second = await asyncio.gather(
        asyncio.to_thread(child, waiting, "recover"), asyncio.to_thread(child, waiting, "recover")
    )
    assert (first, second) == (0, 0)
    async with service(waiting) as opened:
        await check_finished(opened, waiting)


async def test_a_decision_survives_the_loss_of_all_checkpoints(waiting):
    assert child(waiting, "review", "claimed") == 9
    for path in waiting.glob("triage-checkpoints*"):
        path.unlink()
    async with service(waiting) as opened:
        await opened.recover()
        await check_finished(opened, waiting)


async def test_a_waiting_case_can_be_decided_after_the_loss_of_all_checkpoints(waiting):
    for path in waiting.glob("triage-checkpoints*"):
        path.unlink()
    async with service(waiting) as opened:
        (case,) = await opened.list()
        assert (await accept(opened, case.id)).written
        await check_finished(opened, waiting)


async def test_a_living_process_is_left_alone(tmp_path):
    """A run of a living process, here a child that waits for its model, is not resumed by another."""
    script = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from agent_parts import *\n"
        "async def main():\n"
        "    async def wait(): print('asking', flush=True); await asyncio.sleep(30)\n"
        "    async with service(Path(sys.argv[1]), triager=Recorded(wait)) as s: await s.assess(record())\n"
        "asyncio.run(main())"
    )
    args = [sys.executable, "-c", script, str(tmp_path), str(PARTS.parent)]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        try:
            assert await asyncio.to_thread(process.stdout.readline) == "asking\n"
            async with service(tmp_path) as opened:
                assert (await opened.recover()).resumed == ()
                assert [c.phase for c in await opened.list()] == [CasePhase.ASSESSING]
                process.kill()
                process.wait()
                assert len((await opened.recover()).resumed) == 1
                assert [c.phase for c in await opened.list()] == [CasePhase.AWAITING_REVIEW]
        finally:
            process.kill()
