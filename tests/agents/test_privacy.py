"""What lies in clear: ids that identify nobody. What leaves the process: nothing."""

import json
import logging
import os
import re
import sqlite3
import subprocess
import sys

import pytest
from agent_parts import SECRET, Recorded, accept, answer, record, service
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel

import agents.state
import data_schemas
from agents.runner import _config
from agents.store.checkpoints import allowed_types, serializer
from agents.store.engine import open_engine
from data_schemas import OverrideReason, ReviewDecision

MARKS = ("test|Encounter", SECRET, "Patient/1", "swallowed a marble", "worried aunt")


async def one_case(folder) -> str:
    async with service(folder, triager=Recorded(answer(2, "F2", "F3", "esi.d.hr"))) as opened:
        case = await opened.assess(record(hr=130, complaint="swallowed a marble"))
        await accept(
            opened,
            case.id,
            decision=ReviewDecision.OVERRIDE,
            level=1,
            reason=OverrideReason.CLINICAL_JUDGEMENT,
            comment="worried aunt",
        )
        return case.id


def rows(path, query):
    with sqlite3.connect(path) as db:
        found = db.execute(query).fetchall()
    db.close()
    return found


async def test_the_clear_columns_of_the_checkpoints_hold_no_patient_data(tmp_path):
    await one_case(tmp_path)
    path = tmp_path / "triage-checkpoints.db"
    clear = rows(
        path,
        "SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, CAST(metadata AS TEXT) "
        "FROM checkpoints",
    )
    clear += rows(
        path, "SELECT thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, channel, type FROM writes"
    )
    assert len(clear) > 10
    text = json.dumps(clear)
    for mark in MARKS:
        assert mark not in text
    assert all(re.fullmatch(r"[0-9a-f-]{36}", row[0]) for row in clear)
    # The search can fail: the same words are in the blobs.
    blobs = b"".join(row[0] for row in rows(path, "SELECT value FROM writes WHERE value IS NOT NULL"))
    assert b"swallowed a marble" in blobs


async def test_every_channel_holds_a_nested_value_never_a_bare_one(tmp_path):
    """An encrypting serializer leaves top-level strings and numbers readable."""
    async with service(tmp_path) as opened:
        case = await opened.assess(record())
        await accept(opened, case.id)
        state = await opened._runner._graph.aget_state(_config(case.assessment.id))
        assert set(state.values) == set(agents.state.CaseState.__annotations__)
        assert all(isinstance(value, BaseModel) for value in state.values.values())


async def test_checkpoints_read_back_equal_through_the_strict_serializer(tmp_path, caplog):
    async with service(tmp_path, triager=Recorded(answer(2, "F3", "esi.d.hr"))) as opened:
        case = await opened.assess(record(hr=130))
        with caplog.at_level(logging.WARNING):
            state = await opened._runner._graph.aget_state(_config(case.assessment.id))
        assert state.values["intake"] == case.intake
        assert state.values["assessment"] == case.assessment
        assert caplog.records == []


def test_no_type_is_read_back_that_is_not_listed():
    assert all(module.partition(".")[0] in {"agents", "data_schemas"} for module, _ in allowed_types())
    foreign = JsonPlusSerializer().dumps_typed(subprocess.CompletedProcess(["x"], 0).args)
    assert serializer().loads_typed(foreign) == ["x"]

    class Foreign(BaseModel):
        value: int = 1

    assert not isinstance(serializer().loads_typed(serializer().dumps_typed(Foreign())), Foreign)
    assert os.environ["LANGGRAPH_STRICT_MSGPACK"] == "true"
    for name in data_schemas.__all__:
        item = getattr(data_schemas, name)
        if isinstance(item, type) and issubclass(item, BaseModel):
            assert (item.__module__, name) in allowed_types()


async def test_the_audit_chain_and_the_logs_hold_no_patient_data(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        await one_case(tmp_path)
    chain = json.dumps(rows(tmp_path / "triage.db", "SELECT * FROM audit"))
    for mark in MARKS:
        assert mark not in chain
    said = "".join(r.getMessage() for r in caplog.records)
    for mark in MARKS:
        assert mark not in said


async def test_no_driver_logs_a_row_even_where_somebody_sets_its_level(tmp_path, caplog):
    """aiosqlite writes whole checkpoints at DEBUG, and SQLAlchemy every row."""
    names = ("aiosqlite", "sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy.pool", "psycopg")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        with caplog.at_level(logging.DEBUG):
            await one_case(tmp_path)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
    said = "".join(r.getMessage() for r in caplog.records)
    assert "sqlalchemy.pool" in "".join(r.name for r in caplog.records)  # somebody listened
    for mark in MARKS:
        assert mark not in said


def test_a_database_error_does_not_quote_its_parameters(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(Exception, match="no such table") as error, engine.connect() as db:
        db.exec_driver_sql("SELECT * FROM missing WHERE name = ?", (SECRET,))
    assert SECRET not in str(error.value)
    engine.dispose()


def test_a_tracer_switched_on_by_the_environment_stays_off(tmp_path):
    """The run attaches no tracer although the variables ask for one."""
    script = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; from agent_parts import *\n"
        "from langsmith.run_helpers import get_tracing_context\n"
        "class Spy(Recorded):\n"
        "    async def ask(self, *a):\n"
        "        print('tracing', get_tracing_context()['enabled']); return await super().ask(*a)\n"
        "async def main():\n"
        "    async with service(Path(sys.argv[1]), triager=Spy()) as s: await s.assess(record())\n"
        "import langchain_core.tracers.langchain as t\n"
        "t.LangChainTracer.__init__ = lambda *a, **k: print('TRACER')\n"
        "asyncio.run(main())"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), os.path.dirname(__file__)],
        env=os.environ
        | {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_API_KEY": "x"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stdout.strip() == "tracing False"
