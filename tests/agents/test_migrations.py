"""From nothing and from every released schema to the newest, on both databases, with the rows that were there."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from agent_parts import Recorded, accept, answer, record, service
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import DateTime, MetaData, inspect, text

import agents.store
from agents import CasePhase, ErasureReason
from agents.store.engine import HEAD, Database
from agents.store.tables import metadata

RELEASED = sorted((Path(__file__).parent / "released").glob("*.json"))
"""The rows of three cases (decided, waiting, assessed twice) as a released version wrote them, by schema number."""


def migrate_to(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(agents.store.__file__).parent / "migrations"))
    database = Database(url)
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()


def fill(url: str, path: Path) -> None:
    database = Database(url)
    held = MetaData()
    with database.engine.begin() as db:
        held.reflect(db)
        db.execute(text("DELETE FROM audit_head"))
        released = json.loads(path.read_text(encoding="utf-8"))
        for table in held.sorted_tables:
            instants = {c.name for c in table.columns if isinstance(c.type, DateTime)}
            for row in released.pop(table.name, ()):
                values = {
                    key: datetime.fromisoformat(value).replace(tzinfo=UTC)
                    if key in instants and value
                    else value
                    for key, value in row.items()
                }
                db.execute(table.insert().values(values))
        assert not released
    database.close()


@pytest.fixture(params=RELEASED, ids=lambda path: path.stem)
def released_url(request, store_url) -> str:
    migrate_to(store_url, request.param.stem)
    fill(store_url, request.param)
    return store_url


def test_every_released_schema_but_the_newest_has_its_rows():
    versions = Path(agents.store.__file__).parent / "migrations" / "versions"
    numbers = sorted(path.stem.partition("_")[0] for path in versions.glob("[0-9]*.py"))
    assert [path.stem for path in RELEASED] == numbers[:-1]
    assert numbers[-1] == HEAD


async def test_a_released_database_goes_on(tmp_path, released_url, request):
    plain = "0001" in request.node.callspec.id  # before details and provenance were kept apart
    async with service(tmp_path, url=released_url, triager=Recorded(answer(3, "F2"))) as opened:
        with opened._store.database.engine.connect() as db:
            ours = {"include_object": lambda item, name, *_: not name.startswith("checkpoint")}
            assert compare_metadata(MigrationContext.configure(db, opts=ours), metadata) == []
        cases = {case.encounter_key.rpartition("/")[2]: case for case in await opened.list()}
        assert cases.keys() == {"decided", "waiting", "twice"}
        chain = await opened.verify_chain()
        assert (chain.ok, chain.entries) == (True, 30), chain.problems
        for case in cases.values():
            assert all(step.intact is not False for step in await opened.history(case.id))
            assert all(step.detail for step in await opened.history(case.id))
        # What waited is decided, old and new entries stand in one chain, and the old replay says what is not known.
        assert (await accept(opened, cases["waiting"].id)).written
        new = await opened.assess(record("test|Encounter/new"))
        assert new.phase is CasePhase.AWAITING_REVIEW
        replayed = await opened.records.replay(cases["waiting"].id)
        assert ({change.stored for change in replayed.changes} == {"not recorded"}) is plain
        assert (await opened.verify_chain()).ok
        report = await opened.records.erase(
            [cases["decided"].id], reason=ErasureReason.PATIENT_REQUEST, by="dpo-1"
        )
        assert report.erased == (cases["decided"].id,)
        assert report.older_entries == (9 if plain else 0)
        chain = await opened.verify_chain()
        assert (chain.ok, chain.erased) == (True, 1), chain.problems
        exported = await opened.records.export_case(cases["twice"].id, by="dpo-1")
        assert [run.provenance is None for run in exported.cases[0].runs] == [plain, plain]


NEWER = {
    "0001": (
        "audit_details",
        "INSERT INTO audit"
        " (sequence, at, case_id, assessment_id, step, attempt, detail, digest, previous, hash, scheme)"
        " VALUES (31, '2026-03-04T12:00:00+00:00', 'x', 'y', 'read', 0, '', 'z', 'a', 'b', 2)",
    ),
    "0002": (
        "alerts",
        "INSERT INTO alerts (id, case_id, assessment_id, code, subject, value, created_at)"
        " SELECT 'x', case_id, id, 'news2-rise', 'rise', '{}', created_at FROM intake WHERE number = 2",
    ),
}
"""Of each released schema: a table that the next one adds, and a row that only the next one can hold."""


def test_the_older_schema_comes_back_only_while_nothing_was_written_with_the_newer(released_url, request):
    older = next(stem for stem in NEWER if stem in request.node.callspec.id)
    table, newer = NEWER[older]
    database = Database(released_url)
    config = Config()
    config.set_main_option("script_location", str(Path(agents.store.__file__).parent / "migrations"))
    with database.engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "head")
        command.downgrade(config, older)
        assert table not in inspect(db).get_table_names()
        command.upgrade(config, "head")
        assert table in inspect(db).get_table_names()
        db.execute(text(newer))
        with pytest.raises(RuntimeError, match="restore a backup"):
            command.downgrade(config, older)
    database.close()
