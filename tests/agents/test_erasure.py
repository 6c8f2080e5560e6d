"""What erasure removes, from tables, checkpoints and raw files, and what it leaves: a chain that verifies."""

import json
import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest
from agent_parts import NOON, Clock, Recorded, SqliteSink, accept, answer, record, service
from sqlalchemy import delete, inspect, select, text, update
from sqlalchemy.engine import make_url

from agents import (
    AmbiguousPatientError,
    CasePhase,
    ErasedCaseError,
    ErasureReason,
    PendingWrite,
    Step,
    UnknownCaseError,
)
from agents.store.canonical import digest, keyed_digest
from agents.store.engine import Database
from agents.store.tables import audit, audit_details, cases, intake, metadata
from data_schemas import PatientIdentity, WriteReceipt, WriteState

REASON = ErasureReason.PATIENT_REQUEST


def planted(token: str, **more):
    """A record that holds ``token`` wherever a patient can be named or described."""
    patient = PatientIdentity(
        reference=f"Patient/{token}", names=(f"name {token}",), identifiers=(f"mrn|{token}",)
    )
    made = record(
        f"http://ward.test|Encounter/{more.pop('visit', token)}", complaint=f"complaint {token}", **more
    )
    return made.model_copy(update={"patient": patient})


class Naming(SqliteSink):
    """A hospital record whose resource ids and remarks name the patient."""

    async def _write(self, what, request, status, level):
        token = request.record.patient.reference.partition("/")[2]
        await super()._write(what, request, status, level)
        return (
            WriteReceipt(
                resource_type="Observation",
                resource_id=f"obs-{token}",
                version_id="1",
                state=WriteState.WRITTEN,
                detail=f"detail {token}",
            ),
        )


async def erase(opened, *case_ids, **more):
    return await opened.records.erase(case_ids, reason=REASON, by="dpo-1", **more)


def keep_plain(url: str) -> None:
    """PostgreSQL compresses long values; stored plainly, a search of its files cannot miss them."""
    database = Database(url)
    with database.engine.begin() as db:
        for table in inspect(db).get_table_names():
            for column in inspect(db).get_columns(table):
                if str(column["type"]) in {"TEXT", "BYTEA", "JSONB"}:
                    db.execute(
                        text(f'ALTER TABLE {table} ALTER COLUMN "{column["name"]}" SET STORAGE EXTERNAL')
                    )
    database.close()


def flush(url: str) -> None:
    """Everything to the files, planner statistics too, and no log file used twice."""
    database = Database(url)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        for statement in (
            "ALTER SYSTEM SET wal_recycle = off",
            "SELECT pg_reload_conf()",
            "ANALYZE",
            "SELECT pg_switch_wal()",
            "CHECKPOINT",
        ):
            db.execute(text(statement))
    database.close()


def files_with(folder: Path, token: str) -> set[str]:
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and token.encode() in path.read_bytes():
            found.add(str(path.relative_to(folder)))
    return found


@pytest.fixture
def raw_folder(request, store_url, tmp_path) -> Path:
    """Where the database's files are: write-ahead log, free pages, statistics and all."""
    if store_url.startswith("sqlite"):
        return tmp_path / "records"
    return Path(request.getfixturevalue("postgres_server").pgdata)


async def test_no_file_of_the_database_holds_an_erased_patient(tmp_path, store_url, raw_folder):
    postgresql = store_url.startswith("postgresql")
    url = store_url if postgresql else f"sqlite:///{tmp_path / 'records' / 'triage.db'}"
    gone, stays = (f"planted{uuid4().hex}" for _ in range(2))
    sink = Naming(tmp_path / "hospital.db")
    async with service(tmp_path, url=url, sink=sink) as opened:
        if postgresql:
            keep_plain(url)
        kept = await opened.assess(planted(stays))
        await accept(opened, kept.id, comment=f"comment {stays}")
        first = await opened.assess(planted(gone))
        second = await opened.assess(planted(gone, hr=140))
        await accept(opened, first.id, assessment_id=second.assessment.id, comment=f"comment {gone}")
        other = await opened.assess(planted(gone, visit=f"{gone}-2"))
        await accept(opened, other.id)
        if postgresql:
            flush(url)
        before = files_with(raw_folder, gone)
        # The search can fail: tables and checkpoints hold it, PostgreSQL's statistics and log as well.
        assert len(before) >= (4 if postgresql else 2), before
        found = await opened.records.of_patient(f"Patient/{gone}")
        assert set(found) == {first.id, other.id}
        report = await erase(opened, *found)
        assert (set(report.erased), report.kept) == ({first.id, other.id}, ())
        assert len(report.left) == (1 if postgresql else 0), report.left
        assert files_with(raw_folder, gone) == set()
        assert files_with(raw_folder, stays)
        assert (await opened.get(kept.id)).review.comment == f"comment {stays}"
        assert (await opened.verify_chain()).erased == 2
    assert files_with(raw_folder, gone) == set()


async def test_the_chain_verifies_after_erasure_and_says_who_and_why(tmp_path, store_url):
    async with service(tmp_path, url=store_url) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        other = await opened.assess(record("test|Encounter/2"))
        entries = (await opened.verify_chain()).entries
        report = await erase(opened, case.id)
        assert (report.erased, report.already, report.older_entries) == ((case.id,), (), 0)
        chain = await opened.verify_chain()
        assert (chain.ok, chain.entries, chain.erased) == (True, entries + 1, 1), chain.problems
        with pytest.raises(ErasedCaseError, match="were erased"):
            await opened.get(case.id)
        assert [c.id for c in await opened.list()] == [other.id]
        history = await opened.history(case.id)
        assert [h.step for h in history][-3:] == [Step.WRITTEN, Step.CLOSED, Step.ERASED]
        assert history[-1].detail == {"reason": "patient-request", "by": "dpo-1", "phase": "written"}
        assert all((h.evidence, h.intact) == (None, None) for h in history)
        assert all(h.detail == {} for h in history[:-1])
        # Every thread's rows are gone from whatever table the saver keeps them in; the other case's are there.
        assert threads(opened, tmp_path, case.assessment.id) == 0
        assert threads(opened, tmp_path, other.assessment.id) > 0
        with opened._store.database.engine.connect() as db:
            row = db.execute(select(cases).where(cases.c.id == case.id)).one()
            assert (row.salt, row.encounter_key) == (None, f"erased|{case.id}")
            # Whatever table is added for a case must be emptied, too; only the chain keeps its rows.
            of_cases = {name for name, table in metadata.tables.items() if "case_id" in table.c} - {"audit"}
            assert of_cases >= {"intake", "assessments", "reviews", "outbox", "audit_details"}
            for table in of_cases:
                query = text(f"SELECT count(*) FROM {table} WHERE case_id = :id")
                assert db.execute(query, {"id": case.id}).scalar() == 0, table
        # The other patient is still triaged to the end, and the visit may come back as a new case.
        assert (await accept(opened, other.id)).written
        assert (await opened.assess(record())).id != case.id
        assert (await opened.recover()).failed == ()
        assert (await opened.verify_chain()).ok


def threads(opened, folder: Path, thread_id: str) -> int:
    engine = opened._store.database.engine
    if engine.dialect.name == "sqlite":
        (path,) = folder.glob("*-checkpoints.db")
        database = Database(f"sqlite:///{path}")
        engine = database.engine
    with engine.connect() as db:
        tables = [
            name
            for name in inspect(db).get_table_names()
            if any(column["name"] == "thread_id" for column in inspect(db).get_columns(name))
        ]
        assert len(tables) >= 2
        query = "SELECT count(*) FROM {} WHERE thread_id = :id"
        return sum(db.execute(text(query.format(name)), {"id": thread_id}).scalar() for name in tables)


async def test_a_digest_is_keyed_by_a_salt_of_its_case(tmp_path, store_url):
    async with service(tmp_path, url=store_url) as opened:
        one = await opened.assess(record("test|Encounter/1"))
        two = await opened.assess(record("test|Encounter/2"))
        with opened._store.database.engine.connect() as db:
            salts = dict(map(tuple, db.execute(select(cases.c.id, cases.c.salt))))
            texts = dict(map(tuple, db.execute(select(intake.c.case_id, intake.c.record))))
            reads = select(audit.c.case_id, audit.c.digest).where(audit.c.step == "read")
            digests = dict(map(tuple, db.execute(reads)))
            assert {detail for (detail,) in db.execute(select(audit.c.detail))} == {""}
        assert len({salts[one.id], salts[two.id]}) == 2
        for case in (one, two):
            assert len(bytes.fromhex(salts[case.id])) == 32
            assert digests[case.id] == keyed_digest(salts[case.id], texts[case.id])
            assert digests[case.id] != digest(texts[case.id])


async def test_nothing_that_anybody_waits_for_is_erased(tmp_path, store_url):
    sink = SqliteSink(tmp_path / "hospital.db", fail=("finalize",))
    async with service(tmp_path, url=store_url, sink=sink) as opened:
        waiting = await opened.assess(record("test|Encounter/waiting"))
        pending = await opened.assess(record("test|Encounter/pending"))
        assert isinstance(await accept(opened, pending.id), PendingWrite)
        report = await erase(opened, waiting.id, pending.id)
        assert report.erased == ()
        assert [waiting.id in report.kept[0], pending.id in report.kept[1]] == [True, True]
        assert ["awaiting-review" in report.kept[0], "write-pending" in report.kept[1]] == [True, True]
        assert (await opened.get(waiting.id)).phase is CasePhase.AWAITING_REVIEW
        # A visit that nobody will decide may go; a decision that is owed to the hospital's record may not.
        report = await erase(opened, waiting.id, pending.id, undecided=True)
        assert (report.erased, len(report.kept)) == ((waiting.id,), 1)
        sink.fail.clear()
        await opened.recover()
        assert (await opened.get(pending.id)).phase is CasePhase.WRITTEN
        assert (await erase(opened, pending.id)).erased == (pending.id,)
        assert (await opened.verify_chain()).erased == 2
        with pytest.raises(UnknownCaseError, match="nobody"):
            await erase(opened, "nobody")
        with pytest.raises(ValueError, match="who"):
            await opened.records.erase((), reason=REASON, by=" ")


async def test_a_case_that_another_process_works_on_keeps_its_data(tmp_path, store_url):
    async with service(tmp_path, url=store_url) as one, service(tmp_path, url=store_url) as two:
        case = await one.assess(record())
        await accept(one, case.id)
        assert await two._store.cases.acquire(case.id, NOON) is not None
        assert "works on it" in (await erase(one, case.id)).kept[0]
        await two._store.cases.release(case.id, case.assessment.id, reviewable=False, now=NOON)
        assert (await erase(one, case.id)).erased == (case.id,)


async def test_an_erasure_that_is_cut_short_is_finished_by_the_next_one(tmp_path, store_url, monkeypatch):
    async with service(tmp_path, url=store_url) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)

        async def broken(*args, **kwargs):
            raise OSError("power failure")

        with monkeypatch.context() as patch:
            patch.setattr(type(opened._store.erasure), "erase", broken)
            with pytest.raises(OSError, match="power"):
                await erase(opened, case.id)
        assert (await opened.get(case.id)).phase is CasePhase.WRITTEN
        assert all(h.intact is not False for h in await opened.history(case.id))
        assert (await erase(opened, case.id)).erased == (case.id,)
        again = await erase(opened, case.id)
        assert (again.erased, again.already) == ((), (case.id,))
        assert (await opened.verify_chain()).erased == 1


TAMPERING = [
    (delete(audit_details).where(audit_details.c.sequence == 2), "the detail of entry 2 is missing"),
    (
        update(audit_details).where(audit_details.c.sequence == 3).values(detail="{}"),
        "the detail of entry 3 was changed",
    ),
    (update(cases).values(phase="erased"), "erased without an entry"),
    (update(cases).values(salt="00" * 32), "the detail of entry 1 was changed"),
    (update(audit).where(audit.c.sequence == 2).values(scheme=1), "entry 2 was changed"),
    (update(audit).where(audit.c.sequence == 2).values(detail_digest=digest("")), "entry 2 was changed"),
]


@pytest.mark.parametrize("number", range(len(TAMPERING)))
async def test_erasing_past_the_program_is_found(tmp_path, store_url, number):
    change, problem = TAMPERING[number]
    async with service(tmp_path, url=store_url) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        with opened._store.database.engine.begin() as db:
            on = "" if db.dialect.name == "sqlite" else " ON {}"
            for table in ("audit", "audit_details"):
                db.execute(text(f"DROP TRIGGER {table}_no_update" + on.format(table)))
            db.execute(change)
        report = await opened.verify_chain()
        assert not report.ok
        assert any(problem in found for found in report.problems), report.problems


async def test_a_patient_is_never_mixed_with_another(tmp_path):
    def of(name, **who):
        return PatientIdentity(reference=name, **who)

    async with service(tmp_path, triager=Recorded(answer(3, "F2"))) as opened:

        async def arrive(key, patient, **more):
            made = record(key, **more).model_copy(update={"patient": patient})
            return (await opened.assess(made)).id

        here = await arrive("http://a.test|Encounter/1", of("Patient/1"))
        also = await arrive("http://a.test|Encounter/2", of("Patient/1", names=("married name",)))
        await arrive("http://a.test|Encounter/3", of("Patient/11"))
        await arrive("http://a.test|Encounter/4", of("Patient/1%"))
        assert await opened.records.of_patient("Patient/1") == (here, also)
        there = await arrive("http://b.test|Encounter/1", of("Patient/1"))
        with pytest.raises(AmbiguousPatientError, match="2 sources"):
            await opened.records.of_patient("Patient/1")
        assert await opened.records.of_patient("http://a.test|Patient/1") == (here, also)
        assert await opened.records.of_patient("http://b.test|Patient/1") == (there,)
        assert await opened.records.of_patient("Patient/404") == ()
        assert await opened.records.of_patient("") == ()
        # A visit that was moved from one patient to another: neither may take the other's data along.
        moved = await arrive("http://a.test|Encounter/5", of("Patient/5"))
        assert await arrive("http://a.test|Encounter/5", of("Patient/6"), hr=150) == moved
        for name in ("Patient/5", "Patient/6"):
            with pytest.raises(AmbiguousPatientError, match=moved):
                await opened.records.of_patient(name)
        # Two files that both call their patient Patient/7.
        one = await arrive("file|Encounter/7", of("Patient/7", names=("A",), identifiers=("mrn|7",)))
        assert await opened.records.of_patient("Patient/7") == (one,)
        two = await arrive("file|Encounter/8", of("Patient/7", names=("B",), identifiers=("mrn|8",)))
        with pytest.raises(AmbiguousPatientError, match="need not be one person") as refused:
            await opened.records.of_patient("Patient/7")
        assert one in str(refused.value)
        assert two in str(refused.value)
        same = await arrive("file|Encounter/9", of("Patient/9", identifiers=("mrn|9",)))
        twin = await arrive("file|Encounter/10", of("Patient/9", identifiers=("mrn|9",)))
        assert await opened.records.of_patient("Patient/9") == (same, twin)


async def test_sqlite_overwrites_what_it_deletes_even_before_it_is_compacted(tmp_path):
    async with service(tmp_path, clock=Clock()) as opened:
        with opened._store.database.engine.connect() as db:
            assert db.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
        rows = await opened._runner.checkpoints.conn.execute_fetchall("PRAGMA secure_delete")
        assert list(rows) == [(1,)]


async def test_a_reader_in_the_way_is_named_and_compacting_later_clears_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr("agents.store.compaction._BUSY_MS", 50)
    token = f"planted{uuid4().hex}"
    folder = tmp_path / "records"
    async with service(tmp_path, url=f"sqlite:///{folder / 'triage.db'}") as opened:
        case = await opened.assess(planted(token))
        await accept(opened, case.id)
        reader = sqlite3.connect(folder / "triage.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM audit").fetchone()
        report = await erase(opened, case.id)
        assert report.erased == (case.id,)
        assert "records compact" in report.left[0]
        reader.close()
        assert await opened.records.compact() == ()
        assert files_with(folder, token) == set()


async def test_a_role_that_does_not_own_the_database_is_told_what_the_owner_must_do(
    tmp_path, postgres_server
):
    name = f"t{uuid4().hex}"
    postgres_server.psql(f"CREATE ROLE {name} LOGIN")
    postgres_server.psql(f"CREATE DATABASE {name}")
    owner = Database(postgres_server.get_uri(database=name, driver="psycopg"))
    with owner.engine.begin() as db:
        db.execute(text(f"GRANT CREATE ON SCHEMA public TO {name}"))
    owner.close()
    url = make_url(postgres_server.get_uri(database=name, driver="psycopg")).set(username=name)
    async with service(tmp_path, url=url.render_as_string(hide_password=False)) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        report = await erase(opened, case.id)
        assert report.erased == (case.id,)
        statistics, log = report.left
        assert "the database's owner runs `VACUUM FULL pg_catalog.pg_statistic`" in statistics
        assert "write-ahead log" in log


async def test_what_erasure_says_holds_no_patient_data(tmp_path, caplog):
    token = f"planted{uuid4().hex}"
    with caplog.at_level("DEBUG", logger="agents"):
        async with service(tmp_path) as opened:
            case = await opened.assess(planted(token))
            waiting = await opened.assess(planted(token, visit="w"))
            await accept(opened, case.id)
            report = await erase(opened, case.id, waiting.id)
    assert token not in json.dumps(report.model_dump(mode="json"))
    assert token not in caplog.text
