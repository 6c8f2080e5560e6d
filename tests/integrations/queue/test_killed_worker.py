"""Two real worker processes with the real model; one is killed in the middle of a case, the other is told to stop."""

import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest
from worker_processes import Workers, ask, wait_for

from integrations.fhir.identity import ASSESSMENT
from integrations.samples import samples
from integrations.sandbox import SandboxServer
from triage.slm.fetch import cache_folder

REPOSITORY = Path(__file__).parents[3]
PATIENTS = 16

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def arrivals(tmp_path):
    """A FHIR server that is written to: not the one of the other tests."""
    with SandboxServer(tmp_path / "arrivals", venv=REPOSITORY / ".venv-sekmet") as server:
        for sample in samples()[:PATIENTS]:
            server.load(sample.bundle())
        yield server


@pytest.fixture
def workers(arrivals, database, tmp_path):
    assert cache_folder().is_dir(), "make test fetches the model"
    opened = Workers(arrivals.base_url, database, tmp_path)
    yield opened
    opened.close()


def written(base_url: str) -> Counter[str]:
    """Acuity observations of ours on the server, by encounter."""
    found: Counter[str] = Counter()
    for sample in samples()[:PATIENTS]:
        name = f"sample-{sample.id}-encounter"
        bundle = httpx.get(
            f"{base_url}/Observation", params={"encounter": f"Encounter/{name}", "_count": "200"}
        ).json()
        for entry in bundle.get("entry", ()):
            systems = {item.get("system") for item in entry["resource"].get("identifier", ())}
            found[name] += ASSESSMENT in systems
    return found


def test_a_worker_killed_in_mid_job_loses_nothing_and_nothing_is_done_twice(workers, arrivals, database):
    first, second = workers.start(), workers.start()
    wait_for(lambda: all("takes jobs" in workers.log(n) for n in (0, 1)), 180)
    put = workers.triage("enqueue")
    assert put.returncode == 0, put.stderr
    assert f"{PATIENTS} queued" in put.stdout

    working = f"SELECT 1 FROM cases WHERE phase = 'assessing' AND lease_owner LIKE '%:{first.pid}:%'"
    wait_for(lambda: ask(database, working), 180)
    first.send_signal(signal.SIGKILL)
    first.wait()
    in_hand = ask(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")[0][0]
    assert in_hand >= 1

    wait_for(lambda: ask(database, "SELECT count(*) FROM procrastinate_jobs") == [(0,)], 600)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=180) == 0, workers.log(1)
    assert "put back" in workers.log(1)
    assert "Traceback" not in workers.log(1)

    phases = ask(database, "SELECT phase, count(*) FROM cases GROUP BY phase")
    assert phases == [("awaiting-review", PATIENTS)]
    assert ask(database, "SELECT count(*), count(DISTINCT case_id) FROM assessments") == [
        (PATIENTS, PATIENTS)
    ]
    assert ask(database, "SELECT count(*), count(DISTINCT case_id) FROM intake") == [(PATIENTS, PATIENTS)]
    modes = ask(database, "SELECT DISTINCT value::jsonb ->> 'mode' FROM assessments")
    assert len(modes) == 1, modes
    assert set(written(arrivals.base_url).values()) == {1}
    verified = workers.triage("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    jobs = workers.triage("worker", "jobs")
    assert jobs.returncode == 0, jobs.stdout
    assert "0 waiting, 0 in hand" in jobs.stdout
    assert "sample-" not in workers.log(0) + workers.log(1)


def test_a_worker_told_to_stop_gives_its_jobs_to_the_next(workers, arrivals, database):
    workers.environment["TRIAGE_QUEUE__STOP_SECONDS"] = "0"
    first = workers.start()
    wait_for(lambda: "takes jobs" in workers.log(0), 180)
    assert workers.triage("enqueue").returncode == 0
    wait_for(lambda: ask(database, "SELECT 1 FROM cases WHERE phase = 'assessing'"), 180)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=180) == 0, workers.log(0)
    assert ask(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'") == [(0,)]
    assert ask(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")[0][0] >= 1

    workers.environment["TRIAGE_MODEL__ENGINE"] = "none"
    drained = workers.triage("worker", "--drain")
    assert drained.returncode == 0, drained.stderr
    assert ask(database, "SELECT phase, count(*) FROM cases GROUP BY phase") == [
        ("awaiting-review", PATIENTS)
    ]
    assert ask(database, "SELECT count(*), count(DISTINCT case_id) FROM assessments") == [
        (PATIENTS, PATIENTS)
    ]
    assert set(written(arrivals.base_url).values()) == {1}
