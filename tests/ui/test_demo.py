import asyncio
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from data_schemas import EsiVersion
from integrations.fhir import FhirClient
from integrations.samples import samples
from integrations.sandbox import SandboxServer
from ui.cli.exits import Exit

REPOSITORY = Path(__file__).parents[2]
VENV = os.environ.get("TRIAGE_SANDBOX_VENV", str(REPOSITORY / ".venv-sekmet"))
KINDS = ("Observation", "Provenance", "Task", "Encounter", "Patient", "DocumentReference", "Device")


def port(folder):
    return int((folder / "port").read_text())


def on_server(folder):
    async def count():
        found = Counter()
        async with FhirClient(server.base_url) as client:
            for kind in KINDS:
                async for resource in client.search(kind, {}):
                    found[kind, resource["id"], resource["meta"]["versionId"]] += 1
        return found

    with SandboxServer(folder / "fhir", venv=Path(VENV), port=port(folder)) as server:
        return asyncio.run(count())


def chain_length(out):
    return int(re.search(r"The chain of (\d+) entries", out).group(1))


def check_output(out, count):
    assert out.count("Suggested ") == count
    assert out.count("Handbook: level") == count
    assert f"Read back from the server: {count} equal, 0 different, 0 not written" in out
    assert re.search(r"The chain of \d+ entries verifies", out)
    for step in ("read", "screened", "assessed", "verified", "reconciled", "proposed", "reviewed", "written"):
        assert re.search(rf"\d+ {step} ", out), step


def test_the_demo_triages_writes_and_reads_back_and_repeats_without_doubling(triage, tmp_path):
    folder = tmp_path / "demo"
    arguments = ("demo", "--dir", str(folder), "--sandbox-venv", VENV, "--limit", "3")
    first = triage(*arguments, records=False)
    assert first.code == Exit.DONE, first.err
    check_output(first.out, 3)
    assert "0 before, 3 after" in first.out
    before = on_server(folder)

    second = triage(*arguments, records=False)
    assert second.code == Exit.DONE, second.err
    check_output(second.out, 3)
    assert "3 before, 3 after" in second.out
    assert chain_length(second.out) == chain_length(first.out)  # nobody was assessed or decided again
    assert on_server(folder) == before


@pytest.mark.slow
def test_every_sample_goes_through_the_demo(triage, tmp_path):
    folder = tmp_path / "demo"
    result = triage("demo", "--dir", str(folder), "--sandbox-venv", VENV, records=False)
    assert result.code == Exit.DONE, result.err
    check_output(result.out, len(samples()))
    # A suggestion below the handbook's level must never stand unasked: the set reaches up to it, and it is named.
    expected = {f"Encounter/sample-{s.id}-encounter": s.expected_level(EsiVersion.V5) for s in samples()}
    cases = triage("cases", "--json", "--data-dir", str(folder / "records"), records=False).lines
    assert len(cases) == len(expected)
    for case in cases:
        assessment = case["assessment"]
        level = expected[case["encounter_key"].split("|")[1]]
        if assessment["level"] > level:
            assert assessment["set_most_urgent"] <= level, case["encounter_key"]
            assert assessment["needs_human"], case["encounter_key"]
