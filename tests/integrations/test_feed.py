"""The feed against a real server: arrivals, changes, silence, and what was entered at the bedside."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from agents import utc_now
from data_schemas import FactKind, FactSource
from integrations.assembly import open_agent, open_client, reader_settings
from integrations.feed import Feed, FeedStatus, open_fed_agent, with_bedside
from integrations.fhir import FhirClient
from integrations.samples import samples
from integrations.samples.arriving import arriving, encounter_of, worse
from integrations.sandbox import SandboxServer, load_bundle
from integrations.settings import FhirSettings, ModelSettings, Settings
from triage.facts import make_fact, number_facts

SAMPLES = {sample.id: sample for sample in samples()}


@pytest.fixture
def server(tmp_path, sandbox):
    with SandboxServer(tmp_path / "own", venv=sandbox._venv) as own:
        yield own.base_url


@pytest.fixture
def settings(tmp_path, server, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fhir = FhirSettings(base_url=server, write_back=True, poll_seconds=1, timeout_seconds=2)
    return Settings(data_dir=tmp_path / "records", model=ModelSettings(engine="none"), fhir=fhir)


@pytest.fixture
async def agent(settings):
    async with open_agent(settings) as opened:
        yield opened


@pytest.fixture
async def feed(agent, settings, server):
    seen = []
    async with open_client(settings, server) as client:
        made = Feed(
            agent.service,
            client,
            source=server,
            settings=reader_settings(settings),
            reread_s=0,
            on_case=seen.append,
        )
        made.seen = seen
        yield made


async def come(server, *ids):
    for identity in ids:
        await load_bundle(server, arriving(SAMPLES[identity], utc_now() - timedelta(minutes=30)))


async def test_each_arrival_is_assessed_once(feed, agent, server):
    await come(server, "41", "26")
    status = await feed.look()
    assert status == FeedStatus(status.good_at, None, None, 2, 0)
    assert len(feed.seen) == 2
    await come(server, "47")
    await feed.look()
    await feed.look()
    assert [case.encounter_key.split("-")[1] for case in feed.seen[2:]] == ["47"]
    assert len(await agent.service.list()) == 3


async def test_new_vital_signs_are_seen_though_the_encounter_is_the_same(feed, agent, server):
    await come(server, "47")
    await feed.look()
    await load_bundle(server, worse(SAMPLES["47"], utc_now()))
    await feed.look()
    case = feed.seen[-1]
    assert case.assessments == 2
    assert case.intake.number(FactKind.HEART_RATE) == 134
    assert case.assessment.level < feed.seen[0].assessment.level
    assert [alert.case_id for alert in await agent.service.alerts()][:1] == [case.id]


async def test_what_was_measured_here_is_not_lost_when_the_server_is_read_again(feed, agent, server):
    await come(server, "41")
    await feed.look()
    (case,) = await agent.service.list()
    source = FactSource(resource_type="Observation", path="dashboard.heart_rate")
    own = make_fact(1, FactKind.HEART_RATE, value=Decimal(141), source=source, observed_at=utc_now())
    record = case.intake.model_copy(update={"facts": number_facts([*case.intake.facts, own])})
    changed = await agent.service.assess(record)
    await feed.look()
    after = await agent.service.get(case.id)
    assert after.intake.number(FactKind.HEART_RATE) == 141
    assert after.assessment.id == changed.assessment.id
    assert with_bedside(case.intake, record).facts == record.facts


async def test_a_visit_that_cannot_be_read_is_counted_and_named(agent, settings, server):
    problems = []
    key = uuid.uuid4().hex[:8]
    async with FhirClient(server) as client:
        await client.update(
            {
                "resourceType": "Encounter",
                "id": key,
                "status": "arrived",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
            },
            None,
        )
        feed = Feed(
            agent.service,
            client,
            source=server,
            settings=reader_settings(settings),
            on_problem=problems.append,
        )
        await come(server, "41")
        status = await feed.look()
    assert (status.open_visits, status.unread) == (2, 1)
    assert "Encounter.subject" in problems[0]
    assert key not in problems[0]


async def test_a_server_that_is_away_is_told_with_its_time_and_found_again(agent, settings):
    async with open_client(settings, "http://127.0.0.1:9/fhir") as nobody:
        feed = Feed(agent.service, nobody, source="x", settings=reader_settings(settings))
        first = await feed.look()
        assert first.error == "FhirUnreachableError"
        assert first.good_at is None
        second = await feed.look()
    assert second.failing_since == first.failing_since
    async with open_client(settings, settings.fhir.base_url) as back:
        feed._client = back
        assert (await feed.look()).error is None


async def test_the_agent_is_fed_as_long_as_it_is_open(settings, server):
    told = []
    async with open_fed_agent(settings, on_status=told.append) as agent:
        await come(server, "41")
        for _ in range(60):
            await asyncio.sleep(0.5)
            cases = await agent.service.list()
            if cases and cases[0].assessment is not None:
                break
        assert cases[0].encounter_key == f"{server}|Encounter/{encounter_of(SAMPLES['41'])}"
    count = len(told)
    await asyncio.sleep(1.5)
    assert len(told) == count


async def test_without_a_server_there_is_no_feed(tmp_path):
    settings = Settings(data_dir=tmp_path, model=ModelSettings(engine="none"))
    told = []
    async with open_fed_agent(settings, on_status=told.append):
        await asyncio.sleep(0.1)
    assert told == []


def test_nothing_in_the_status_is_about_a_patient():
    assert set(FeedStatus.__slots__) == {"good_at", "failing_since", "error", "open_visits", "unread"}
    assert FeedStatus(datetime.now(UTC)).error is None
