"""The process dies between the clinician's decision and the hospital's record; the next one finishes it, once."""

import asyncio
import os
import subprocess
import sys

import pytest

from integrations.fhir import FhirClient
from integrations.fhir.acuity_codes import ESI_CODE, ESI_CODING
from integrations.samples import samples
from ui.cli.exits import Exit

# Dies inside the writer, as a power cut would: nothing after os._exit runs.
DYING = """
import os, sys
from integrations.fhir import FhirWriter
real = FhirWriter.finalize
async def dying(self, request):
    if sys.argv[1] == "after":
        await real(self, request)
    os._exit(9)
FhirWriter.finalize = dying
sys.argv = ["triage", *sys.argv[2:]]
from ui.cli import main
main()
"""


async def acuities(base_url):
    async with FhirClient(base_url) as client:
        found = [r async for r in client.search("Observation", {"code": ESI_CODE}) if ESI_CODING.describes(r)]
        trail = [r async for r in client.search("Provenance", {})]
        return [(r["status"], ESI_CODING.level_of(r)) for r in found], len(trail)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_between_review_and_write_back_is_finished_exactly_once(
    triage, own_server, moment, monkeypatch
):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")  # what is tested is the write, not the model
    own_server.load(next(sample for sample in samples() if sample.id == "02").bundle())
    url = own_server.base_url
    assert triage("assess", url, "--write").code == Exit.RULES_ONLY
    (case,) = triage("cases", "--json").lines
    assert asyncio.run(acuities(url))[0] == [("preliminary", case["assessment"]["level"])]

    review = ["review", case["id"], "--accept", "--confirm", "--data-dir", str(triage.data_dir)]
    killed = subprocess.run(
        [sys.executable, "-c", DYING, moment, *review], env=os.environ.copy(), timeout=120, check=False
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
