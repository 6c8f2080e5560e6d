"""Real parts for the dashboard's tests: a store in a file, the real agent by rules alone, the real script."""

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data_schemas import FactKind, FactSource, IntakeRecord, PatientIdentity
from integrations.settings import ModelSettings, Settings
from triage.facts import make_fact, missing_kinds, number_facts
from ui.dashboard import services
from ui.dashboard.services import Dashboard

sys.path.insert(0, str(Path(__file__).parent))

from screen_parts import Clock, actor

APP = Path(services.__file__).parents[1] / "app.py"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRIAGE_CONFIG", raising=False)
    return Settings(data_dir=tmp_path / "records", model=ModelSettings(engine="none"))


@pytest.fixture
def dashboard(settings, clock) -> Iterator[Dashboard]:
    """The process's dashboard: real store, real agent, rules only; what the script under test uses too."""
    opened = Dashboard(settings, clock=clock)
    services.connect(opened)
    yield opened
    services.disconnect()


@pytest.fixture
def arrive(dashboard, clock) -> Callable[..., str]:
    """Assess an arrival; gives the case's id. Keywords are fact kinds: numbers, or codes for avpu and sex."""
    count = iter(range(1, 10_000))

    def make(
        complaint: str = "ankle sprain",
        *,
        name: str = "Ada Example",
        minutes_ago: float = 5,
        key: str | None = None,
        **values: object,
    ) -> str:
        source = FactSource(resource_type="Observation", path="value")
        at = clock() - timedelta(minutes=minutes_ago)
        given = {"age": 40, "sex": "female", **values}
        facts = [make_fact(1, FactKind.CHIEF_COMPLAINT, source=source, text=complaint)]
        for kind, value in given.items():
            if value is None:
                continue
            coded = isinstance(value, str)
            facts.append(
                make_fact(
                    1,
                    FactKind(kind),
                    source=source,
                    value=None if coded else value,
                    unit="a" if kind == "age" else None,
                    code=value if coded else None,
                    observed_at=at,
                )
            )
        numbered = number_facts(facts)
        record = IntakeRecord(
            encounter_key=key or f"tests|Encounter/{next(count)}",
            patient=PatientIdentity(reference="Patient/1", names=(name,), identifiers=("MRN-77",)),
            arrived_at=at,
            read_at=clock(),
            facts=numbered,
            missing=missing_kinds(numbered),
        )
        return dashboard.assess(actor(), record).id

    return make


@pytest.fixture
def visit(dashboard, clock) -> Callable[..., AppTest]:
    """Open a page of the real script as a role: ``visit("patient", case=case_id)``; run it as any AppTest."""

    def make(
        page: str = "board", *, role: str | None = "nurse", case: str | None = None, **state: object
    ) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30)
        app.session_state["first_page"] = page
        if role is not None:
            app.session_state["_actor"] = actor(role)
            app.session_state["_active_at"] = clock()
        if case is not None:
            app.session_state["case_id"] = case
        for key, value in state.items():
            app.session_state[key] = value
        return app.run()

    return make
