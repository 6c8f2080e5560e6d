"""A process dies at a chosen point; another one finishes the case: one review, one final write, an intact chain.

Every story runs on both databases. The points are taken from the graph and from the database's own work, so that a
node or a transaction that is added is killed, too.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from agent_parts import Recorded, SqliteSink, accept, service
from sqlalchemy import text
from sqlalchemy.engine import make_url

from agents import CasePhase, Step
from agents.graph import NODES
from agents.store.compaction import CHECKPOINT_TABLES
from agents.store.engine import Database

pytestmark = pytest.mark.slow  # eighty killed processes on two databases

PARTS = Path(__file__).parent / "agent_parts.py"


class Forks:
    """Processes that are forked from one that has imported everything. Each has its own pid, lease and connections."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(PARTS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, folder: Path, url: str, action: str, die: str) -> int:
        log = folder / f"{uuid4().hex}.log"
        asked = {"folder": str(folder), "url": url, "action": action, "die": die, "log": str(log)}
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        assert code in {0, 9}, log.read_text()
        return code

    def close(self) -> None:
        self._server.stdin.close()
        assert self._server.wait(timeout=30) == 0
        self._server.stdout.close()


@pytest.fixture(scope="module")
def forks():
    opened = Forks()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def more_forks():
    """For a second process at the same time."""
    opened = Forks()
    yield opened
    opened.close()


@dataclass
class Place:
    """The records of one story and the hospital's record beside them."""

    folder: Path
    url: str
    forks: Forks

    def child(self, action: str, die: str = "", forks: Forks | None = None) -> int:
        """0: it ended by itself; 9: it was killed at ``die``."""
        return (forks or self.forks).run(self.folder, self.url, action, die)

    def open(self, **more):
        return service(self.folder, url=self.url, **more)

    def lose_checkpoints(self) -> None:
        if self.url.startswith("sqlite"):
            for path in self.folder.glob("triage-checkpoints*"):
                path.unlink()
            return
        database = Database(self.url)
        with database.engine.begin() as db:
            for table in CHECKPOINT_TABLES:
                db.execute(text(f"DELETE FROM {table}"))
        database.close()


class Maker:
    """Makes places from a template: an empty, migrated database, or one with a case that waits for a clinician."""

    def __init__(self, kind: str, server, folder: Path, forks: Forks) -> None:
        self._kind, self._server, self._folder, self._forks = kind, server, folder, forks
        self._templates: dict[str, Place] = {}
        self._made = 0

    def __call__(self, action: str, under: Path) -> Place:
        if action not in self._templates:
            self._templates[action] = self._new(self._folder / action, None)
            assert self._templates[action].child(action) == 0
        self._made += 1
        return self._new(under / f"story{self._made}", self._templates[action])

    def _new(self, folder: Path, template: Place | None) -> Place:
        if template is None:
            folder.mkdir()
        else:
            shutil.copytree(template.folder, folder)
        if self._kind == "sqlite":
            return Place(folder, f"sqlite:///{folder / 'triage.db'}", self._forks)
        name = f"t{uuid4().hex}"
        source = "" if template is None else f" TEMPLATE {make_url(template.url).database}"
        self._server.psql(f"CREATE DATABASE {name}{source}")
        return Place(folder, self._server.get_uri(database=name, driver="psycopg"), self._forks)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def make(request, tmp_path_factory, forks) -> Maker:
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    return Maker(request.param, server, tmp_path_factory.mktemp("templates"), forks)


@pytest.fixture
def empty(make, tmp_path) -> Place:
    return make("open", tmp_path)


@pytest.fixture
def waiting(make, tmp_path) -> Place:
    """One case that waits for a clinician, made by a process that has ended."""
    return make("assess", tmp_path)


async def check_finished(opened, folder: Path) -> None:
    """What must hold at the end of every story."""
    (case,) = await opened.list()
    assert case.phase is CasePhase.WRITTEN
    assert case.review is not None
    history = await opened.history(case.id)
    steps = Counter(h.step for h in history)
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
    assert all(h.intact is not False for h in history)
    chain = await opened.verify_chain()
    assert chain.ok, chain.problems
    statuses = Counter(row[1] for row in SqliteSink(folder / "hospital.db").log())
    assert statuses["final"] == 1
    assert statuses["preliminary"] <= 1
    assert await opened.pending() == ()
    with opened._store.database.engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM reviews")).scalar() == 1
        assert db.execute(text("SELECT count(*) FROM outbox")).scalar() == 2
        assert db.execute(text("SELECT count(*) FROM cases WHERE lease_owner IS NOT NULL")).scalar() == 0


async def finish_and_check(place: Place) -> None:
    assert place.child("finish") == 0
    async with place.open() as opened:
        await check_finished(opened, place.folder)
        # Another recovery finds nothing to do.
        again = await opened.recover()
        assert again.resumed == again.delivered == again.failed == ()


BOUNDARIES = [f"{when}:{name}" for name, _ in NODES for when in ("before", "after")]


@pytest.mark.parametrize("die", [*BOUNDARIES, "again:review"])
async def test_killed_at_every_boundary_of_the_graph(empty, die):
    assert empty.child("whole", die) == 9
    await finish_and_check(empty)


@pytest.mark.parametrize("what", ["commit", "committed"])
async def test_killed_before_and_after_every_commit(make, tmp_path, what):
    assert await killed_at_each(make, tmp_path, what) >= 6


@pytest.mark.slow
async def test_killed_at_every_statement_inside_every_transaction(make, tmp_path):
    assert await killed_at_each(make, tmp_path, "statement") >= 20


async def killed_at_each(make: Maker, under: Path, what: str) -> int:
    """Kill at the first, the second ... until there is no such point; how many there are."""
    for number in range(1, 200):
        place = make("open", under)
        ended = place.child("whole", f"{what}:{number}")
        await finish_and_check(place)
        if ended == 0:
            return number - 1
    raise AssertionError("it never ends")


@pytest.mark.parametrize("die", ["assess", "stored", "before-propose", "after-propose", "releasing"])
async def test_killed_on_the_way_to_the_clinician(empty, die):
    assert empty.child("assess", die) == 9
    triager = Recorded()
    async with empty.open(triager=triager) as opened:
        assert [c.phase for c in await opened.list()] == [CasePhase.ASSESSING]
        recovery = await opened.recover()
        (case,) = await opened.list()
        assert recovery.resumed == (case.id,)
        assert case.phase is CasePhase.AWAITING_REVIEW
        # The model is asked again only where its answer was not kept.
        assert triager.asked == (1 if die == "assess" else 0)
        assert (await accept(opened, case.id)).written
        await check_finished(opened, empty.folder)


@pytest.mark.parametrize(
    "die", ["claimed", "before-finalize", "after-finalize", "read-back", "settled", "releasing"]
)
async def test_killed_after_the_decision(waiting, die):
    assert waiting.child("review", die) == 9
    assert waiting.child("recover") == 0
    async with waiting.open() as opened:
        await check_finished(opened, waiting.folder)


async def test_a_recovery_that_dies_too_is_recovered(waiting):
    assert waiting.child("review", "claimed") == 9
    assert waiting.child("recover", "after-finalize") == 9
    assert waiting.child("recover") == 0
    async with waiting.open() as opened:
        await check_finished(opened, waiting.folder)


async def test_two_processes_that_recover_at_once_write_once(waiting, more_forks):
    assert waiting.child("review", "claimed") == 9
    ends = await asyncio.gather(
        asyncio.to_thread(waiting.child, "recover"),
        asyncio.to_thread(waiting.child, "recover", forks=more_forks),
    )
    assert ends == [0, 0]
    async with waiting.open() as opened:
        await check_finished(opened, waiting.folder)


async def test_a_decision_survives_the_loss_of_all_checkpoints(waiting):
    assert waiting.child("review", "claimed") == 9
    waiting.lose_checkpoints()
    async with waiting.open() as opened:
        await opened.recover()
        await check_finished(opened, waiting.folder)


async def test_a_waiting_case_can_be_decided_after_the_loss_of_all_checkpoints(waiting):
    waiting.lose_checkpoints()
    async with waiting.open() as opened:
        (case,) = await opened.list()
        assert (await accept(opened, case.id)).written
        await check_finished(opened, waiting.folder)


@pytest.mark.parametrize("what", ["statement", "commit", "committed"])
async def test_an_erasure_is_whole_or_not_at_all(make, tmp_path, what):
    """Killed anywhere, the case is whole or erased, and erasing again ends it."""
    numbers = (2, 7) if what == "statement" else (1, 2)
    for number in numbers:
        place = make("whole", tmp_path)
        place.child("erase", f"{what}:{number}")
        async with place.open() as opened:
            chain = await opened.verify_chain()
            assert chain.ok, chain.problems
            assert chain.erased + len(await opened.list()) == 1
            if not chain.erased:
                await opened.recover()  # a dead process may hold the lease
                await check_finished(opened, place.folder)
                assert place.child("erase") == 0
            assert await opened.list() == ()
            chain = await opened.verify_chain()
            assert (chain.ok, chain.erased) == (True, 1)


async def test_a_living_process_is_left_alone(empty):
    """A run of a living process, here a child that waits for its model, is not resumed by another."""
    script = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from agent_parts import *\n"
        "async def main():\n"
        "    async def wait(): print('asking', flush=True); await asyncio.sleep(60)\n"
        "    url = sys.argv[3]\n"
        "    async with service(Path(sys.argv[1]), url=url, triager=Recorded(wait)) as s: await s.assess(record())\n"
        "asyncio.run(main())"
    )
    args = [sys.executable, "-c", script, str(empty.folder), str(PARTS.parent), empty.url]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        try:
            assert await asyncio.to_thread(process.stdout.readline) == "asking\n"
            async with empty.open() as opened:
                assert (await opened.recover()).resumed == ()
                assert [c.phase for c in await opened.list()] == [CasePhase.ASSESSING]
                process.kill()
                process.wait()
                assert len((await opened.recover()).resumed) == 1
                assert [c.phase for c in await opened.list()] == [CasePhase.AWAITING_REVIEW]
        finally:
            process.kill()
