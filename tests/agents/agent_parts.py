"""Small real parts for the agent's tests, usable from a child process too.

Run as a program it forks the processes of crash tests, as its standard input asks for them.
"""

import asyncio
import functools
import json
import os
import sqlite3
import sys
import traceback
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine, event

import agents.graph
import agents.provenance
from agents import AgentSettings, CasePhase, CaseService, DeliveryKind, ErasureReason
from agents.store.engine import Database, sqlite_url
from agents.store.outbox import Outbox
from agents.store.repository import Repository
from data_schemas import (
    Citation,
    DecisionPath,
    DecisionPoint,
    EsiVersion,
    FactKind,
    FactSource,
    IntakeRecord,
    LevelProbabilities,
    ModelAnswer,
    ModelIdentity,
    PatientIdentity,
    ResourceEstimate,
    ReviewDecision,
    ReviewerRole,
    RuleFinding,
    RuleTier,
    Screening,
    StatementRef,
    WriteReceipt,
    WriteRequest,
    WriteState,
)
from triage.esi import screen
from triage.facts import make_fact, missing_kinds, number_facts
from triage.slm.calibration import Calibration

SECRET = "Zebulon Quackenbush"
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that tests turn by hand; it ticks a microsecond at each look, as instants differ."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


def record(
    key: str = "test|Encounter/1", *, hr: int | None = 88, complaint: str | None = "cough", **more
) -> IntakeRecord:
    source = FactSource(resource_type="Test", path="x")
    facts = [make_fact(1, FactKind.AGE, source=source, value=Decimal(44), unit="a")]
    values = {
        FactKind.HEART_RATE: hr,
        FactKind.RESPIRATORY_RATE: more.get("rr", 16),
        FactKind.OXYGEN_SATURATION: more.get("spo2", 98),
        FactKind.SYSTOLIC_BP: more.get("sbp", 128),
        FactKind.PAIN: more.get("pain", 2),
    }
    for kind, value in values.items():
        if value is not None:
            facts.append(make_fact(1, kind, source=source, value=value))
    if complaint is not None:
        facts.append(make_fact(1, FactKind.CHIEF_COMPLAINT, source=source, text=complaint))
    if "avpu" in more:
        facts.append(make_fact(1, FactKind.AVPU, source=source, code=more["avpu"]))
    facts = number_facts(facts)
    return IntakeRecord(
        encounter_key=key,
        patient=PatientIdentity(reference="Patient/1", names=(SECRET,)),
        read_at=more.get("read_at", NOON),
        facts=facts,
        missing=missing_kinds(facts),
        findings=more.get("findings", ()),
    )


def finding(statement: str, tier: RuleTier, point: DecisionPoint, level: int, *facts: str) -> RuleFinding:
    ref = StatementRef(id=statement, text=f"text of {statement}", source="test table")
    return RuleFinding(
        statement=ref,
        tier=tier,
        decision_point=point,
        level=level,
        fact_ids=facts,
        explanation=f"{statement} holds",
    )


def screening(level: int, *findings: RuleFinding) -> Screening:
    return Screening(
        esi_version=EsiVersion.V5,
        findings=findings,
        scores=(),
        resources=ResourceEstimate(count=2, source="test"),
        level=level,
        decision_point=DecisionPoint.C,
        rationale="as the test says",
    )


IDENTITY = ModelIdentity(engine="recorded", model="recorded", weights_sha256="0" * 64, prompt_version="1")


def answer(level: int = 3, *cited: str, p=None, **path) -> ModelAnswer:
    if p is None:
        p = tuple(0.8 if number == level else 0.05 for number in range(1, 6))
    steps = {
        "life_saving": level == 1,
        "high_risk": level == 2,
        "resources": max(0, min(2, 5 - level)),
        "danger_zone": False,
    }
    return ModelAnswer(
        level=level,
        probabilities=LevelProbabilities(p=p),
        path=DecisionPath(**(steps | path)),
        citations=tuple(
            Citation(fact_id=c) if c[0] == "F" and c[1:].isdigit() else Citation(statement_id=c)
            for c in cited
        ),
        identity=IDENTITY,
        prompt_tokens=300,
        answer_tokens=30,
        seconds=0.2,
    )


class Recorded:
    """Gives recorded answers, or raises recorded errors."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers) or [answer(3, "F2")]
        self.asked = 0

    async def ask(self, record, screening):
        self.asked += 1
        given = self.answers[min(self.asked, len(self.answers)) - 1]
        if isinstance(given, BaseException):
            raise given
        if callable(given):
            return await given()
        return given


class SqliteSink:
    """A hospital record in a SQLite file: durable across processes, idempotent, with a log of real changes."""

    def __init__(self, path: Path, *, die: str = "", fail: tuple[str, ...] = ()) -> None:
        self.path, self.die, self.fail = path, die, set(fail)
        self.calls: list[str] = []
        with self._open() as db:
            db.execute("CREATE TABLE IF NOT EXISTS held (case_id TEXT PRIMARY KEY, status TEXT, level INT)")
            db.execute(
                "CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, case_id TEXT, status TEXT, level INT)"
            )
        db.close()

    def _open(self):
        return sqlite3.connect(self.path, timeout=10)

    def log(self) -> list[tuple]:
        db = self._open()
        rows = db.execute("SELECT case_id, status, level FROM log ORDER BY n").fetchall()
        db.close()
        return rows

    def _put(self, case_id: str, status: str, level: int) -> None:
        db = self._open()
        with db:
            held = db.execute("SELECT status, level FROM held WHERE case_id = ?", (case_id,)).fetchone()
            if held == (status, level) or (held and held[0] == "final" and status == "preliminary"):
                pass
            else:
                db.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", (case_id, status, level))
                db.execute(
                    "INSERT INTO log (case_id, status, level) VALUES (?, ?, ?)", (case_id, status, level)
                )
        db.close()

    async def _write(self, what: str, request: WriteRequest, status: str, level: int):
        self.calls.append(what)
        if self.die == f"before-{what}":
            os._exit(9)
        if "hang" in self.fail:
            await asyncio.sleep(60)
        if what in self.fail:
            raise ConnectionError(f"no route to {SECRET}")
        self._put(request.case_id, status, level)
        if self.die == f"after-{what}":
            os._exit(9)
        return (
            WriteReceipt(
                resource_type="Observation",
                resource_id=request.case_id,
                version_id="1",
                state=WriteState.WRITTEN,
            ),
        )

    async def propose(self, request):
        assert request.review is None
        return await self._write("propose", request, "preliminary", request.assessment.level)

    async def finalize(self, request):
        return await self._write("finalize", request, "final", request.review.level)

    async def read_back(self, request):
        if self.die == "read-back":
            os._exit(9)
        if "read-back" in self.fail:
            raise ConnectionError
        db = self._open()
        row = db.execute(
            "SELECT level FROM held WHERE case_id = ? AND status = 'final'", (request.case_id,)
        ).fetchone()
        db.close()
        return None if row is None else row[0]


@asynccontextmanager
async def service(folder: Path, *, url: str | None = None, triager=None, sink=None, clock=None, **settings):
    async with CaseService.open(
        url or sqlite_url(folder / "triage.db"),
        triager=triager or Recorded(),
        calibration=Calibration.none(),
        sink=sink if sink is not None else SqliteSink(folder / "hospital.db"),
        clock=clock or Clock(),
        settings=AgentSettings(**settings),
    ) as opened:
        yield opened


async def accept(opened: CaseService, case_id: str, **more):
    return await opened.review(
        case_id,
        more.pop("decision", ReviewDecision.ACCEPT),
        reviewer=more.pop("reviewer", "nurse-1"),
        role=more.pop("role", ReviewerRole.NURSE),
        confirmed=more.pop("confirmed", True),
        **more,
    )


def _mortal(name: str, node, die: str):
    """A node of the graph that dies where ``die`` says: ``before:<name>``, ``after:<name>``, ``again:<name>``."""
    entered = 0

    @functools.wraps(node)
    async def wrapped(*args, **more):
        nonlocal entered
        entered += 1
        if die == f"before:{name}" or (die == f"again:{name}" and entered == 2):
            os._exit(9)
        result = await node(*args, **more)
        if die == f"after:{name}":
            os._exit(9)
        return result

    return wrapped


class Countdown:
    """Dies at the n-th change of the database: ``statement:n``, ``commit:n`` (just before) or ``committed:n``."""

    def __init__(self, die: str) -> None:
        self.what, _, number = die.partition(":")
        self.left = int(number)
        self.running = False
        event.listen(Engine, "after_cursor_execute", self._statement)
        event.listen(Engine, "commit", lambda connection: self._at("commit"))
        real = Database.write

        async def write(database, work):
            result = await real(database, work)
            self._at("committed")
            return result

        Database.write = write

    def _statement(self, connection, cursor, statement, *_):
        if statement.lstrip().partition(" ")[0] in {"INSERT", "UPDATE", "DELETE"}:
            self._at("statement")

    def _at(self, what: str) -> None:
        if self.running and what == self.what:
            self.left -= 1
            if self.left == 0:
                os._exit(9)


async def _child(folder: Path, action: str, die: str, url: str | None = None) -> None:
    async def killed():
        os._exit(9)

    agents.graph.NODES = tuple((name, _mortal(name, node, die)) for name, node in agents.graph.NODES)
    countdown = Countdown(die) if die.partition(":")[2].isdigit() else None
    if die == "claimed":  # between the kept decision and the resumed graph
        claim = Repository.claim

        async def claim_and_die(self, *args):
            await claim(self, *args)
            os._exit(9)

        Repository.claim = claim_and_die
    points = {
        "stored": (Repository, "store_assessment"),
        "settled": (Outbox, "settle"),
        "releasing": (Repository, "release"),
    }
    if die in points:
        owner, name = points[die]
        real = getattr(owner, name)

        async def die_here(self, *args, **more):
            if die == "stored" or (die == "settled" and args[0].kind is DeliveryKind.FINAL):
                await real(self, *args, **more)
            if die != "settled" or args[0].kind is DeliveryKind.FINAL:
                os._exit(9)
            await real(self, *args, **more)

        setattr(owner, name, die_here)
    triager = Recorded(killed) if die == "assess" else Recorded()
    sink = SqliteSink(folder / "hospital.db", die=die)
    async with service(folder, url=url, triager=triager, sink=sink) as opened:
        if countdown is not None:
            countdown.running = True
        if action in {"assess", "whole"}:
            await opened.assess(record())
        if action in {"review", "whole"}:
            case = (await opened.list())[0]
            await accept(opened, case.id)
        if action in {"recover", "finish"}:
            await opened.recover()
        if (
            action == "finish"
        ):  # what the people would do: arrive again where nothing was kept, decide, look again
            case = await opened.assess(record())
            if case.phase is CasePhase.AWAITING_REVIEW:
                await accept(opened, case.id)
            await opened.recover()
        if action == "erase":
            (case,) = await opened.list()
            await opened.records.erase([case.id], reason=ErasureReason.TEST_DATA, by="nobody")


def _serve() -> None:
    """Fork one process for each line of standard input (JSON: the arguments of ``_child``), and say how it ended.

    Forking from a process that has imported and read everything saves the seconds that this takes.
    """
    import langgraph.checkpoint.postgres.aio  # noqa: F401
    import psycopg_pool  # noqa: F401

    screen(record(), EsiVersion.V5)
    agents.provenance.rules_sha256()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
                asyncio.run(_child(Path(asked["folder"]), asked["action"], asked["die"], asked["url"]))
                code = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
