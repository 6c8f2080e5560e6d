"""Small real parts for the agent's tests, usable from a child process too.

Run as a program it plays one process of a crash test: ``agent_parts.py <folder> <action> [die=<point>]``.
"""

import asyncio
import os
import sqlite3
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agents import AgentSettings, CaseService, DeliveryKind
from agents.store.engine import sqlite_url
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
        **more,
    )


async def _child(folder: Path, action: str, die: str) -> None:
    async def killed():
        os._exit(9)

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
    async with service(folder, triager=triager, sink=SqliteSink(folder / "hospital.db", die=die)) as opened:
        if action == "assess":
            await opened.assess(record())
        elif action == "review":
            case = (await opened.list())[0]
            await accept(opened, case.id)
        elif action == "recover":
            await opened.recover()


if __name__ == "__main__":
    asyncio.run(_child(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
