"""The sample arrivals are valid R4, say what their manifest says, and are what the generator makes."""

import base64
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import fhirkit
import pytest

from data_schemas import EXPECTED_FACTS, EsiVersion, FactKind, QualityIssue
from integrations.samples import Sample, samples

ROOT = Path(__file__).resolve().parents[3]

# What a Bundle holds, told from its LOINC codes alone, without the project's reader.
VITAL_CODES = {
    "8867-4": FactKind.HEART_RATE,
    "9279-1": FactKind.RESPIRATORY_RATE,
    "2708-6": FactKind.OXYGEN_SATURATION,
    "8310-5": FactKind.TEMPERATURE,
    "8480-6": FactKind.SYSTOLIC_BP,
    "8462-4": FactKind.DIASTOLIC_BP,
    "72514-3": FactKind.PAIN,
    "67775-7": FactKind.AVPU,
}

# Required bindings of R4 that fhirkit does not check: (resource, element) to the codes allowed.
BINDINGS = {
    ("Patient", "gender"): "male female other unknown",
    (
        "Encounter",
        "status",
    ): "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
    (
        "Observation",
        "status",
    ): "registered preliminary final amended corrected cancelled entered-in-error unknown",
    (
        "MedicationStatement",
        "status",
    ): "active completed entered-in-error intended stopped on-hold unknown not-taken",
    ("DocumentReference", "status"): "current superseded entered-in-error",
    ("DocumentReference", "docStatus"): "preliminary final amended entered-in-error",
    ("Condition", "clinicalStatus"): "active recurrence relapse inactive remission resolved",
    (
        "Condition",
        "verificationStatus",
    ): "unconfirmed provisional differential confirmed refuted entered-in-error",
    ("AllergyIntolerance", "clinicalStatus"): "active inactive resolved",
    ("AllergyIntolerance", "verificationStatus"): "unconfirmed confirmed refuted entered-in-error",
}

by_sample = pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)


def resources(sample: Sample, kind: str | None = None) -> list[dict]:
    found = [entry["resource"] for entry in sample.bundle()["entry"]]
    return [item for item in found if kind in (None, item["resourceType"])]


def note(sample: Sample) -> str | None:
    for item in resources(sample, "DocumentReference"):
        return base64.b64decode(item["content"][0]["attachment"]["data"], validate=True).decode()
    return None


def usable_temperature(amount: dict) -> bool:
    """Whether the unit is one of temperature and the value one of a living patient in it."""
    low, high = {"Cel": (20, 46), "[degF]": (68, 115)}.get(amount.get("code"), (0, 0))
    return low < amount["value"] < high


def references(node: object) -> list[str]:
    if isinstance(node, list):
        return [found for child in node for found in references(child)]
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [found for child in node.values() for found in references(child)]
    return []


def test_the_shipped_files_are_what_the_generator_makes():
    script = ROOT / "scripts" / "build_samples.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generator_names_a_file_that_differs(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import build_samples

    files = build_samples.build()
    assert build_samples.differences(files) == []
    files["01-fever-neonate-3w.json"] += " "
    del files["51-dental-pain-40m.json"]
    assert build_samples.differences(files) == ["01-fever-neonate-3w.json", "51-dental-pain-40m.json"]


def test_the_samples_load_from_an_installed_wheel(tmp_path):
    source, target = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    for name in ("README.md", "LICENSE", "NOTICE"):
        (source / name).write_text("for the build only\n")
    shutil.copy(ROOT / "pyproject.toml", source)
    skip = shutil.ignore_patterns("__pycache__")
    for package in ("data_schemas", "integrations/samples"):
        shutil.copytree(ROOT / package, source / package, ignore=skip)
    shutil.copy(ROOT / "integrations" / "__init__.py", source / "integrations")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--no-index", "--target", target, source],
        check=True,
        capture_output=True,
    )
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import integrations.samples as shipped\n"
        "print(shipped.__file__, *(s.bundle()['id'] for s in shipped.samples()), sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    where, *ids = done.stdout.splitlines()
    assert where.startswith(str(target))
    assert ids == [f"sample-{sample.id}" for sample in samples()]


def test_the_levels_are_spread():
    count = Counter(sample.expected_level(EsiVersion.V5) for sample in samples())
    assert all(count[level] >= least for level, least in {1: 4, 2: 9, 3: 8, 4: 5, 5: 4}.items()), count
    assert len(samples()) >= 32
    assert any(sample.levels[EsiVersion.V5] != sample.levels[EsiVersion.V4] for sample in samples())


@by_sample
def test_decision_point_and_level_agree(sample):
    for version in EsiVersion:
        allowed = {"A": {1}, "B": {2}, "C": {3, 4, 5}, "D": {2}}[sample.decision_point(version)]
        assert sample.expected_level(version) in allowed


@by_sample
def test_valid_r4(sample):
    assert [str(issue) for issue in fhirkit.validate(sample.raw())] == []
    for entry in sample.bundle()["entry"]:
        assert [str(issue) for issue in fhirkit.validate(entry["resource"])] == []


@by_sample
def test_required_bindings(sample):
    for item in resources(sample):
        for (kind, element), allowed in BINDINGS.items():
            if item["resourceType"] == kind and element in item:
                value = item[element]
                codes = [value] if isinstance(value, str) else [coding["code"] for coding in value["coding"]]
                assert set(codes) <= set(allowed.split()), (item["id"], element)


@by_sample
def test_a_second_load_creates_nothing(sample):
    bundle = sample.bundle()
    assert bundle["type"] == "transaction"
    known = set()
    for entry in bundle["entry"]:
        local = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        assert entry["request"] == {"method": "PUT", "url": local}
        assert entry["fullUrl"] == f"https://example.org/fhir/{local}"
        known.add(local)
    assert len(known) == len(bundle["entry"])
    assert set(references(bundle)) <= known


def test_ids_and_names_are_unique_and_fictional():
    everything = [item for sample in samples() for item in resources(sample)]
    assert len({(item["resourceType"], item["id"]) for item in everything}) == len(everything)
    people = [item for item in everything if item["resourceType"] == "Patient"]
    assert len({(p["name"][0]["given"][0], p["name"][0]["family"]) for p in people}) == len(samples())
    families = {"Samplewood", "Fauxley", "Mockridge", "Testfield", "Placeholder", "Demoson"}
    assert {p["name"][0]["family"] for p in people} == families
    assert all(p["identifier"][0]["system"].startswith("https://example.org/") for p in people)


@by_sample
def test_arrival_and_measurements_are_in_order(sample):
    (encounter,) = resources(sample, "Encounter")
    arrived = datetime.fromisoformat(encounter["period"]["start"])
    assert arrived == sample.arrived_at
    assert arrived.date() == date(2026, 11, 20)
    assert 8 <= arrived.hour < 16
    assert encounter["status"] == "arrived"
    assert encounter["class"]["code"] == "EMER"
    for item in resources(sample, "Observation"):
        delay = datetime.fromisoformat(item["effectiveDateTime"]) - arrived
        if QualityIssue.LATER_STRIPPED in sample.findings and item["id"].endswith("-laboratory"):
            assert delay > timedelta(hours=1)
        else:
            assert timedelta(0) < delay <= timedelta(minutes=10)


@by_sample
def test_the_file_name_tells_the_age(sample):
    (patient,) = resources(sample, "Patient")
    match = re.search(r"-(\d+)(w|mo|m|f)\.json$", sample.file)
    assert match
    born, arrival = date.fromisoformat(patient["birthDate"]), date(2026, 11, 20)
    years = arrival.year - born.year - ((arrival.month, arrival.day) < (born.month, born.day))
    months = (arrival.year - born.year) * 12 + arrival.month - born.month - (arrival.day < born.day)
    unit = match[2]
    ages = {"w": (arrival - born).days // 7, "mo": months, "m": years, "f": years}
    assert ages[unit] == int(match[1])
    if unit in ("m", "f"):
        assert patient["gender"] == {"m": "male", "f": "female"}[unit]


@by_sample
def test_what_is_missing_is_really_absent(sample):
    present = {FactKind.AGE, FactKind.SEX, FactKind.CHIEF_COMPLAINT}
    for item in resources(sample, "Observation"):
        for element in (item, *item.get("component", ())):
            kinds = {VITAL_CODES.get(coding["code"]) for coding in element["code"]["coding"]} - {None}
            amount = element.get("valueQuantity", {})
            unusable = FactKind.TEMPERATURE in kinds and not usable_temperature(amount)
            present |= set() if unusable else kinds
    if QualityIssue.CONTRADICTORY in sample.findings:
        present.discard(FactKind.HEART_RATE)
    assert tuple(kind for kind in EXPECTED_FACTS if kind not in present) == sample.missing


@by_sample
def test_both_saturation_codes_are_sent(sample):
    for item in resources(sample, "Observation"):
        codes = {coding["code"] for coding in item["code"]["coding"]}
        assert codes & {"2708-6", "59408-5"} in (set(), {"2708-6", "59408-5"})


@by_sample
def test_no_text_tells_the_level(sample):
    (encounter,) = resources(sample, "Encounter")
    text = f"{encounter['reasonCode'][0]['text']} {note(sample) or ''}"
    told = re.search(r"\b(ESI|triage level|level [1-5]|acuity|emergent|non-urgent)\b", text, re.IGNORECASE)
    deliberate = {QualityIssue.ACUITY_STRIPPED, QualityIssue.INSTRUCTION_IN_TEXT} & set(sample.findings)
    assert bool(told) == bool(deliberate)


def test_about_half_have_a_note_and_some_have_none():
    with_note = sum(note(sample) is not None for sample in samples())
    assert len(samples()) * 0.4 <= with_note < len(samples())


def test_every_kind_of_defect_is_there():
    found = {issue for sample in samples() for issue in sample.findings}
    assert found == {
        QualityIssue.CONTRADICTORY,
        QualityIssue.IMPOSSIBLE,
        QualityIssue.UNIT_MISSING,
        QualityIssue.UNIT_UNKNOWN,
        QualityIssue.ACUITY_STRIPPED,
        QualityIssue.LATER_STRIPPED,
        QualityIssue.INSTRUCTION_IN_TEXT,
    }


def test_a_recorded_acuity_differs_from_the_expected_one():
    found = [
        (sample, item)
        for sample in samples()
        for item in resources(sample, "Observation")
        if item["code"]["coding"][0]["code"] == "75636-1"
    ]
    ((sample, acuity),) = found
    assert acuity["valueCodeableConcept"]["coding"][0]["code"] == "LA21754-9"  # LL3056-0, level 4
    assert sample.expected_level(EsiVersion.V5) == 2


def test_a_bundle_is_a_fresh_copy():
    first, second = samples()[0].bundle(), samples()[0].bundle()
    first["entry"].clear()
    assert second["entry"]
