"""The page on a hospital's own data: its very commands, on 60 made-up encounters, with a tiny number of steps."""

import json
import os
import random
import re
import resource
import shlex
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations.samples import samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PAGE = Path(__file__).parents[2] / "docs" / "own-data.md"
ANSWERS = ("LA21567-5", "LA21752-3", "LA21753-1", "LA21754-9", "LA21755-6")
VARIED = {"8867-4": 12, "9279-1": 3, "8480-6": 14, "8462-4": 8}
"""LOINC code -> largest change, in the unit as written."""
TRAINING, LATER = 42, 18
STEPS = 2


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("console") for line in block.splitlines() if line.strip()]
(RECIPE,) = [block for block in blocks("yaml") if block.startswith("# site.yaml")]
(SITE,) = [block for block in blocks("yaml") if "site.yaml" not in block]


def made_up(number: int, rng: random.Random) -> dict[str, Any]:
    """A shipped sample as another patient of another day, seen, labelled and gone home."""
    sample = samples()[number % len(samples())]
    text = sample.raw().replace(sample.bundle()["id"], f"made-up-{number}")
    bundle: dict[str, Any] = json.loads(text)
    bundle["type"] = "collection"
    resources = [entry["resource"] for entry in bundle["entry"]]
    kept = [item for item in resources if "75636-1" not in json.dumps(item.get("code", {}))]
    for item in kept:
        for part in (item, *item.get("component", [])):
            codes = {coding["code"] for coding in part.get("code", {}).get("coding", [])} & VARIED.keys()
            if codes and "valueQuantity" in part:
                largest = VARIED[codes.pop()]
                measured = int(part["valueQuantity"]["value"]) + rng.randint(-largest, largest)
                part["valueQuantity"]["value"] = max(1, measured)
    (encounter,) = (item for item in kept if item["resourceType"] == "Encounter")
    encounter["status"] = "finished"
    arrived = datetime.fromisoformat(encounter["period"]["start"])
    encounter["period"]["end"] = (arrived + timedelta(hours=3)).isoformat()
    level = sample.expected_level(next(iter(sample.levels)))
    kept.append(
        {
            "resourceType": "Observation",
            "id": f"made-up-{number}-esi",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "75636-1"}]},
            "subject": encounter["subject"],
            "encounter": {"reference": f"Encounter/{encounter['id']}"},
            "effectiveDateTime": (arrived + timedelta(minutes=6)).isoformat(),
            "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": ANSWERS[level - 1]}]},
        }
    )
    bundle["entry"] = [{"resource": item} for item in kept]
    return bundle


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own-data")
    rng = random.Random(7)
    for number in range(TRAINING + LATER):
        target = folder / "export" / ("train" if number < TRAINING else "test")
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{number}.json").write_text(json.dumps(made_up(number, rng)))
    tiny, changed = re.subn(r"(?m)^  steps: \d+$", f"  steps: {STEPS}", RECIPE)
    assert changed == 1
    (folder / "site.yaml").write_text(tiny.replace("recipe:\n", "recipe:\n  threads: 1\n"))
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    assert program == "triage"
    environment = {**os.environ, "TRIAGE_DATA_DIR": str(folder / "records")}
    return subprocess.run(
        [sys.executable, "-c", "from ui.cli import main; main()", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def test_every_command_of_the_page_runs_in_its_order(workplace: Path) -> None:
    assert len(COMMANDS) == 6
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = {}
    for command in COMMANDS:
        done = run(command, workplace)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        said[command] = done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)  # the clock also counts what else the machine does
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 120
    assert f"n = {TRAINING}" in said[COMMANDS[0]]
    assert f"n = {LATER}" in said[COMMANDS[1]]
    adapter = workplace / "adapters" / "our-hospital"
    calibration = json.loads((adapter / "calibration.json").read_text())
    assert set(calibration["scales"]) == {"ESI"}
    assert (adapter / "adapter_model.safetensors").is_file()
    assert json.loads((adapter / "run.json").read_text())["steps"] == STEPS
    assert f"n = {LATER}" in said[COMMANDS[-2]]
    assert "our-hospital" in said[COMMANDS[-1]]


def test_the_sites_own_code_as_the_page_writes_it_is_understood(workplace: Path, tmp_path: Path) -> None:
    (tmp_path / "export.yaml").write_text(SITE)
    bundle = json.loads((workplace / "export" / "train" / "0.json").read_text())
    observation = bundle["entry"][-1]["resource"]
    observation["code"] = {"coding": [{"system": "https://hospital.example/codes", "code": "ktas-level"}]}
    del observation["valueCodeableConcept"]
    observation["valueInteger"] = 4
    (tmp_path / "one.json").write_text(json.dumps(bundle))
    done = run(
        f"triage train corpus-card --dataset fhir --data {shlex.quote(str(tmp_path))} --json", tmp_path
    )
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    assert (card["scales"], card["levels"]) == (["KTAS"], [0, 0, 0, 1, 0])
