"""The process dies between the clinician's decision and the hospital's record; the next one finishes it, once."""

import asyncio
import os
import subprocess
import sys
from uuid import uuid4

import pytest

from integrations.fhir import FhirClient
from integrations.fhir.acuity_codes import ESI_CODE, ESI_CODING
from integrations.samples import samples
from ui.cli.exits import Exit

pytestmark = pytest.mark.slow  # kills a program at every request

REQUESTS = 4
"""That change something on the sandbox server, of one final write."""

# Dies inside the writer, as a power cut would: nothing after os._exit runs. `before` and `after` the whole write; else
# when the server has done the N-th change of it, of which the program never learns.
DYING = """
import os, sys
from integrations.fhir import FhirClient, FhirWriter
moment = sys.argv[1]
real, ask, answered = FhirWriter.finalize, FhirClient._ask, [-1]
async def dying(self, request):
    if moment == "before":
        os._exit(9)
    answered[0] = 0
    await real(self, request)
    print("requests", answered[0], flush=True)
    os._exit(9)
async def counted(self, method, *args, **more):
    answer = await ask(self, method, *args, **more)
    if answered[0] >= 0 and method != "GET":
        answered[0] += 1
        if str(answered[0]) == moment:
            os._exit(9)
    return answer
FhirWriter.finalize, FhirClient._ask = dying, counted
sys.argv = ["triage", *sys.argv[2:]]
from ui.cli import main
main()
"""


async def acuities(base_url):
    async with FhirClient(base_url) as client:
        found = [r async for r in client.search("Observation", {"code": ESI_CODE}) if ESI_CODING.describes(r)]
        trail = [r async for r in client.search("Provenance", {})]
        return [(r["status"], ESI_CODING.level_of(r)) for r in found], len(trail)


@pytest.fixture
def url(own_server, monkeypatch):
    """A server with one arrival on it."""
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")  # what is tested is the write, not the model
    own_server.load(next(sample for sample in samples() if sample.id == "02").bundle())
    return own_server.base_url


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_between_review_and_write_back_is_finished_exactly_once(triage, url, moment):
    dies_and_is_finished(triage, url, moment)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("moment", [*map(str, range(1, REQUESTS + 1)), "after"])
def test_killed_inside_the_write_at_every_request_is_finished_exactly_once(
    triage, url, moment, database, monkeypatch, request
):
    if database == "postgresql":
        server, name = request.getfixturevalue("postgres_server"), f"t{uuid4().hex}"
        server.psql(f"CREATE DATABASE {name}")
        monkeypatch.setenv("TRIAGE_DATABASE_URL", server.get_uri(database=name, driver="psycopg"))
    out = dies_and_is_finished(triage, url, moment)
    if moment == "after":
        assert out.split() == ["requests", str(REQUESTS)]  # a request that is added is killed, too


def dies_and_is_finished(triage, url, moment):
    assert triage("assess", url, "--write").code == Exit.RULES_ONLY
    (case,) = triage("cases", "--json").lines
    assert asyncio.run(acuities(url))[0] == [("preliminary", case["assessment"]["level"])]

    review = ["review", case["id"], "--accept", "--confirm", "--data-dir", str(triage.data_dir)]
    killed = subprocess.run(
        [sys.executable, "-c", DYING, moment, *review],
        env=os.environ.copy(),
        timeout=120,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.returncode == 9
    (left,) = triage("cases", "--json").lines
    assert left["phase"] == "write-pending"
    assert left["review"] is not None
    assert triage("pending").code == Exit.NOT_WRITTEN

    assert triage("recover", "--server", url).code == Exit.DONE
    (done,) = triage("cases", "--json").lines
    assert done["phase"] == "written"
    after, trail = asyncio.run(acuities(url))
    assert after == [("final", case["assessment"]["level"])]

    assert "nothing was left undone" in triage("recover", "--server", url).out
    assert asyncio.run(acuities(url)) == (after, trail)
    assert triage("audit", "verify").code == Exit.DONE
    return killed.stdout
