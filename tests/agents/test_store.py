"""The store on SQLite and on a real PostgreSQL server."""

import asyncio
import importlib.util
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from agent_parts import NOON, Recorded, SqliteSink, accept, answer, record, service
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

import agents.store.migrations.versions as versions
from agents import AlreadyDecidedError, CasePhase, Step
from agents.store.canonical import fingerprint
from agents.store.engine import HEAD, Database
from agents.store.lease import is_dead, own_name
from agents.store.tables import assessments, audit, audit_head, cases, intake, metadata, reviews
from data_schemas import DataQualityFinding, FactKind, QualityIssue


@pytest.fixture
async def database(store_url):
    opened = Database(store_url)
    await opened.migrate()
    yield opened
    opened.close()


async def test_the_migrations_build_exactly_the_tables(database):
    with database.engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
        assert set(metadata.tables) < set(inspect(db).get_table_names())


def test_head_is_the_newest_migration():
    numbers = sorted(path.stem.partition("_")[0] for path in Path(versions.__path__[0]).glob("[0-9]*.py"))
    assert numbers[-1] == HEAD
    assert importlib.util.find_spec("agents.store.migrations.env") is not None


async def test_services_that_start_together_migrate_once(store_url):
    opened = [Database(store_url) for _ in range(4)]
    await asyncio.gather(*(database.migrate() for database in opened))
    with opened[0].engine.connect() as db:
        assert db.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
        assert db.execute(text("SELECT count(*) FROM audit_head")).scalar() == 1
    for database in opened:
        database.close()


async def test_a_whole_case_with_a_new_process_for_each_half(tmp_path, store_url):
    sink = SqliteSink(tmp_path / "hospital.db")
    async with service(tmp_path, url=store_url, sink=sink) as opened:
        case = await opened.assess(record())
    async with service(tmp_path, url=store_url, sink=sink) as opened:
        assert [c.id for c in await opened.list(phases=[CasePhase.AWAITING_REVIEW])] == [case.id]
        assert await opened.find(case.encounter_key) == case
        assert await opened.find("nothing") is None
        results = await asyncio.gather(
            *(accept(opened, case.id, reviewer=str(n)) for n in range(3)), return_exceptions=True
        )
        assert sum(isinstance(r, AlreadyDecidedError) for r in results) == 2
        assert sum(getattr(r, "written", False) for r in results) == 1
        assert (await opened.recover()).failed == ()
        history = await opened.history(case.id)
        assert [h.step for h in history] == [
            Step.READ,
            Step.SCREENED,
            Step.ASSESSED,
            Step.VERIFIED,
            Step.RECONCILED,
            Step.PROPOSED,
            Step.REVIEWED,
            Step.WRITTEN,
            Step.CLOSED,
        ]
        assert all(h.intact is not False for h in history)
        assert history[0].evidence == case.intake
        assert (await opened.verify_chain()).ok
        assert [row[1:] for row in sink.log()] == [("preliminary", 3), ("final", 3)]


async def test_many_at_once_keep_one_chain(tmp_path, store_url):
    triager = Recorded(answer(3, "F2"))
    async with (
        service(tmp_path, url=store_url, triager=triager) as one,
        service(tmp_path, url=store_url, triager=triager) as two,
    ):
        found = await asyncio.gather(
            *((one, two)[n % 2].assess(record(f"many|Encounter/{n // 2}")) for n in range(12))
        )
        assert len({case.id for case in found}) == 6
        report = await one.verify_chain()
        assert (report.ok, report.entries) == (True, 6 * 6)


async def one_case(folder, url):
    async with service(folder, url=url) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
    return case


@pytest.mark.parametrize("table", [intake, assessments, reviews, audit])
async def test_what_is_kept_cannot_be_changed(tmp_path, store_url, table):
    await one_case(tmp_path, store_url)
    database = Database(store_url)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as db:
        db.execute(update(table).values(case_id="0" * 36))
    if table is audit:
        with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as db:
            db.execute(text("DELETE FROM audit"))
    database.close()


def tamper(url: str, *statements: str) -> None:
    """An attacker with the rights to drop the triggers."""
    database = Database(url)
    with database.engine.begin() as db:
        for action in ("update", "delete"):
            if db.dialect.name == "sqlite":
                db.execute(text(f"DROP TRIGGER audit_no_{action}"))
            else:
                db.execute(text(f"DROP TRIGGER audit_no_{action} ON audit"))
        for statement in statements:
            db.execute(text(statement))
    database.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET detail = '{}' WHERE sequence = 5", "entry 5 was changed"),
        ("UPDATE audit SET at = '2020-01-01T00:00:00+00:00' WHERE sequence = 2", "entry 2 was changed"),
        ("DELETE FROM audit WHERE sequence = 4", "entries 4 to 4 are missing"),
        ("DELETE FROM audit WHERE sequence > 7", "the tail was cut"),
        ("UPDATE audit_head SET sequence = 3", "the head"),
        ("UPDATE audit SET previous = hash WHERE sequence = 3", "entry 3 does not follow"),
    ],
)
async def test_tampering_with_the_chain_is_found(tmp_path, store_url, statement, problem):
    await one_case(tmp_path, store_url)
    tamper(store_url, statement)
    async with service(tmp_path, url=store_url) as opened:
        report = await opened.verify_chain()
        assert not report.ok
        assert any(problem in found for found in report.problems)


async def test_changed_evidence_shows_in_the_history(tmp_path):
    url = f"sqlite:///{tmp_path / 'triage.db'}"
    case = await one_case(tmp_path, url)
    database = Database(url)
    with database.engine.begin() as db:
        db.execute(text("DROP TRIGGER assessments_no_update"))
        value = db.execute(select(assessments.c.value)).scalar_one()
        db.execute(
            update(assessments).values(value=value.replace('"set_least_urgent":3', '"set_least_urgent":4'))
        )
    database.close()
    async with service(tmp_path, url=url) as opened:
        intact = {h.step: h.intact for h in await opened.history(case.id)}
        assert intact[Step.RECONCILED] is False
        assert intact[Step.READ] is True
        assert (await opened.verify_chain()).ok


def test_a_fingerprint_depends_on_what_is_known_and_not_on_when_it_was_read():
    base = fingerprint(record())
    assert fingerprint(record(read_at=NOON + timedelta(days=1))) == base
    for other in (record(hr=89), record(hr=None), record(complaint="cough and fever"), record(avpu="A")):
        assert fingerprint(other) != base
    assert record().first(FactKind.HEART_RATE) is not None


def test_our_own_level_in_the_record_is_nothing_new_about_the_patient():
    def found(issue):
        finding = DataQualityFinding(issue=issue, message="x")
        return fingerprint(record().model_copy(update={"findings": (finding,)}))

    assert found(QualityIssue.ACUITY_STRIPPED) == found(QualityIssue.LATER_STRIPPED) == fingerprint(record())
    assert found(QualityIssue.CONTRADICTORY) != fingerprint(record())


async def test_instants_keep_their_zone(database):
    local = datetime(2026, 3, 4, 13, 0, tzinfo=timezone(timedelta(hours=9)))
    row = dict.fromkeys(("id", "encounter_key", "phase", "assessment_id"), "x")
    await database.write(
        lambda db: db.execute(insert(cases).values(**row, created_at=local, updated_at=local))
    )
    read = await database.read(lambda db: db.execute(select(cases.c.created_at)).scalar_one())
    assert read == local
    assert read.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"):
        await database.write(lambda db: db.execute(update(cases).values(created_at=datetime(2026, 3, 4))))  # noqa: DTZ001


async def test_a_transaction_that_fails_leaves_nothing(database):
    def work(db):
        db.execute(update(audit_head).values(sequence=99))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(work)
    assert await database.read(lambda db: db.execute(select(audit_head.c.sequence)).scalar_one()) == 0


def test_a_lease_owner_is_dead_only_when_that_is_known():
    host, boot, pid, start, token = own_name().rsplit(":", 4)
    assert not is_dead(own_name())
    assert is_dead(f"{host}:{boot}:{pid}:1:{token}")  # the number was given to a later process
    assert is_dead(f"{host}:another-boot:{pid}:{start}:{token}")
    assert not is_dead(f"another-host:{boot}:1:1:{token}")
    assert own_name() != own_name()
