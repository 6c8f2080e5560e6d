"""A hospital's own export: labels found, and nothing of them, or of later, in what the model sees."""

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas import AcuityScale, IntakeRecord, QualityIssue
from integrations.fhir import identity
from integrations.fhir.export_corpus import CONFIG_FILE, case_id_of, read_export
from integrations.fhir.reader import read_path
from integrations.samples import samples
from triage.esi import screen
from triage.guidelines import GuidelineLibrary
from triage.slm.prompt import build_prompt
from triage.training.corpus import CorpusError, LabelledCase

NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
LOINC = "http://loinc.org"
ANSWERS = ("LA21567-5", "LA21752-3", "LA21753-1", "LA21754-9", "LA21755-6")
BY_ID = {sample.id: sample for sample in samples()}
STEMI, SPRAIN = "26", "41"
Json = dict[str, Any]
Write = Callable[..., Path]


def of_type(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def visit(number: str = STEMI, *, status: str = "finished") -> Json:
    """A shipped sample as it looks in an export weeks later, without any level."""
    sample = next(s for s in samples() if s.file.startswith(number))
    bundle = sample.bundle()
    bundle["type"] = "collection"
    (encounter,) = of_type(bundle, "Encounter")
    encounter["status"] = status
    for entry in bundle["entry"]:
        entry.pop("request", None)
    return bundle


def acuity(bundle: Json, level: Any = 2, *, minutes: int = 5, **changes: Any) -> Json:
    """An Observation with the level; ``changes`` replace or remove (None) its elements."""
    (encounter,), (patient,) = of_type(bundle, "Encounter"), of_type(bundle, "Patient")
    arrived = datetime.fromisoformat(encounter["period"]["start"])
    made: Json = {
        "resourceType": "Observation",
        "id": f"acuity-{len(bundle['entry'])}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "75636-1"}]},
        "subject": {"reference": f"Patient/{patient['id']}"},
        "encounter": {"reference": f"Encounter/{encounter['id']}"},
        "effectiveDateTime": (arrived + timedelta(minutes=minutes)).isoformat(),
        **(
            {"valueCodeableConcept": {"coding": [{"system": LOINC, "code": ANSWERS[level - 1]}]}}
            if level
            else {}
        ),
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def add(bundle: Json, *resources: Json) -> Json:
    bundle["entry"] += [{"resource": resource} for resource in resources]
    return bundle


def labelled(number: str = STEMI, level: int = 2, **changes: Any) -> Json:
    bundle = visit(number)
    return add(bundle, acuity(bundle, level, **changes))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_folder(*bundles: Json, config: str | None = None) -> Path:
        for number, bundle in enumerate(bundles):
            (tmp_path / f"{number}.json").write_text(json.dumps(bundle))
        if config is not None:
            (tmp_path / CONFIG_FILE).write_text(config)
        return tmp_path

    return to_folder


def read(folder: Path) -> list[LabelledCase]:
    return list(read_export(folder, now=NOW, report=lambda text: None))


def one(folder: Path) -> LabelledCase:
    (case,) = read(folder)
    return case


LIBRARY = GuidelineLibrary.load()


def prompt(record: IntakeRecord) -> str:
    return build_prompt(record, screen(record, library=LIBRARY), LIBRARY.short).text


def seen(record: IntakeRecord) -> Any:
    """All of a record that can reach rules or model. Findings name what was stripped, so they may differ."""
    return record.facts, record.missing, record.arrived_at, prompt(record)


def test_the_level_is_the_label_and_the_record_is_the_agents(write: Write) -> None:
    folder = write(labelled(STEMI, 2), labelled(SPRAIN, 4))
    cases = read(folder)
    assert [case.acuity for case in cases] == [2, 4]
    agents = [found for found in read_path(folder, now=NOW) if isinstance(found, IntakeRecord)]
    assert [seen(case.record) for case in cases] == [seen(record) for record in agents]
    assert {case.scale for case in cases} == {AcuityScale.ESI}
    assert {case.source for case in cases} == {"fhir"}
    assert {case.group for case in cases} == {"2026-11"}
    assert all(QualityIssue.ACUITY_STRIPPED in {f.issue for f in case.record.findings} for case in cases)


def test_names_and_identifiers_stay_at_home(write: Write) -> None:
    bundle = labelled()
    (patient,) = of_type(bundle, "Patient")
    case = one(write(bundle))
    said = case.model_dump_json(exclude={"record": {"facts"}})
    assert patient["name"][0]["family"] not in said
    assert patient["identifier"][0]["value"] not in said
    assert patient["birthDate"] not in said
    (encounter,) = of_type(bundle, "Encounter")
    assert case.case_id == case_id_of(encounter["id"])
    assert encounter["id"] not in case.case_id


def leaks(bundle: Json, level: int, words: str) -> list[Json]:
    """All the ways in which a level, a diagnosis or something later can stand in a visit's record."""
    (encounter,), (patient,) = of_type(bundle, "Encounter"), of_type(bundle, "Patient")
    mine = {
        "subject": {"reference": f"Patient/{patient['id']}"},
        "encounter": {"reference": f"Encounter/{encounter['id']}"},
    }
    later = (datetime.fromisoformat(encounter["period"]["start"]) + timedelta(hours=5)).isoformat()
    note = base64.b64encode(f"Discharge: {words}. ESI level {level}.".encode()).decode()
    return [
        acuity(bundle, level, minutes=30),
        {
            **acuity(bundle, level),
            "id": "nurse",
            "code": {"text": "Triage acuity (nurse)"},
            "status": "final",
        },
        {
            "resourceType": "Condition",
            "id": "diagnosis",
            "category": [{"coding": [{"code": "encounter-diagnosis"}]}],
            "code": {"text": words},
            "recordedDate": later,
            **mine,
        },
        {
            "resourceType": "Observation",
            "id": "laboratory",
            "status": "final",
            "category": [{"coding": [{"code": "laboratory"}]}],
            "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
            "valueQuantity": {"value": 40 + level, "code": "/min", "system": "http://unitsofmeasure.org"},
            "effectiveDateTime": later,
            **mine,
        },
        {
            "resourceType": "DocumentReference",
            "id": "discharge-letter",
            "status": "current",
            "type": {"coding": [{"system": LOINC, "code": "54094-8"}]},
            "subject": mine["subject"],
            "date": later,
            "context": {"encounter": [mine["encounter"]]},
            "content": [{"attachment": {"contentType": "text/plain", "data": note}}],
        },
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=40,
    deadline=None,
    derandomize=True,
)
@given(
    chosen=st.sets(st.integers(0, 4), min_size=1),
    level=st.integers(1, 5),
    words=st.sampled_from(["Sepsis", "STEMI", "Sprain of ankle", "ESI 1", "Death"]),
    number=st.sampled_from([STEMI, SPRAIN, "31", "08"]),
    status=st.sampled_from(["arrived", "triaged", "in-progress", "finished"]),
    disposition=st.sampled_from(["home", "exp", "oth"]),
)
def test_label_diagnosis_disposition_and_later_things_change_nothing_that_is_seen(
    write: Write, chosen: set[int], level: int, words: str, number: str, status: str, disposition: str
) -> None:
    plain = visit(number, status=status)
    add(plain, acuity(plain, 3))
    poisoned = copy.deepcopy(plain)
    add(poisoned, *(leak for place, leak in enumerate(leaks(plain, level, words)) if place in chosen))
    (encounter,) = of_type(poisoned, "Encounter")
    encounter["hospitalization"] = {
        "dischargeDisposition": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/discharge-disposition", "code": disposition}
            ]
        }
    }
    encounter["priority"] = {"coding": [{"system": "urn:site", "code": str(level)}]}
    encounter["diagnosis"] = [{"condition": {"reference": "Condition/diagnosis"}}]
    before, after = one(write(plain)), one(write(poisoned))
    assert seen(after.record) == seen(before.record)
    assert (before.acuity, after.acuity) == (3, 3)


@pytest.mark.parametrize("level", [1, 5])
def test_the_label_itself_changes_nothing_that_is_seen(write: Write, level: int) -> None:
    assert seen(one(write(labelled(level=level))).record) == seen(one(write(labelled(level=3))).record)


def test_a_visit_left_at_arrived_lets_nothing_later_in(write: Write) -> None:
    bundle = visit(status="arrived")
    add(bundle, acuity(bundle, 2), *leaks(bundle, 5, "Sepsis")[3:])
    assert seen(one(write(bundle)).record) == seen(one(write(labelled())).record)


@pytest.mark.parametrize(
    ("resources", "level"),
    [
        ([{"level": 2}, {"level": 4, "minutes": 90}], 2),
        ([{"level": 4, "minutes": 90}, {"level": 2}], 2),
        ([{"level": 2}, {"level": 2}], 2),
        ([{"level": 2}, {"level": 3}], None),
        ([{"level": 2, "status": "preliminary"}], None),
        ([{"level": 2, "status": "entered-in-error"}], None),
        ([{"level": 2, "status": "corrected"}], 2),
        ([{"level": None, "valueInteger": 4}], 4),
        ([{"level": None, "valueQuantity": {"value": 4}}], 4),
        ([{"level": None, "valueString": "ESI 3 - urgent"}], 3),
        ([{"level": None, "valueString": "3 or 4"}], None),
        ([{"level": None, "valueInteger": 6}], None),
        ([{"level": None}], None),
        ([{"level": 2, "identifier": [{"system": identity.ASSESSMENT, "value": "ours"}]}], None),
        ([], None),
    ],
)
def test_which_level_is_the_label(write: Write, resources: list[Json], level: int | None) -> None:
    bundle = visit(SPRAIN)
    add(
        bundle, *(acuity(bundle, **{"level": 2, **given, "id": f"a{n}"}) for n, given in enumerate(resources))
    )
    folder = write(bundle, labelled(STEMI))
    labels = {
        case.acuity
        for case in read(folder)
        if case.case_id == case_id_of(of_type(bundle, "Encounter")[0]["id"])
    }
    assert labels == ({level} if level else set())


def test_levels_of_this_program_are_learnt_from_only_where_asked(write: Write) -> None:
    ours = {"identifier": [{"system": identity.ASSESSMENT, "value": "ours"}]}
    assert one(write(labelled(**ours), config="own: true")).acuity == 2
    with pytest.raises(CorpusError, match="suggested by this program"):
        read(write(labelled(**ours), config="own: false"))


def test_another_scale_goes_under_the_sites_own_code(write: Write) -> None:
    bundle = visit()
    site = {"coding": [{"system": "urn:site", "code": "ktas"}]}
    add(bundle, acuity(bundle, None, code=site, valueInteger=2), acuity(bundle, 5))
    case = one(write(bundle, config="scale: KTAS\nsystem: urn:site\ncode: ktas"))
    assert (case.acuity, case.scale) == (2, AcuityScale.KTAS)
    assert seen(case.record) == seen(one(write(labelled(), config="")).record)
    with pytest.raises(CorpusError, match=r"75636-1 is for ESI only"):
        read(write(bundle, config="scale: KTAS"))


def test_a_level_in_the_encounters_priority_is_read_where_the_site_says_so(write: Write) -> None:
    bundle = visit()
    of_type(bundle, "Encounter")[0]["priority"] = {"coding": [{"system": "urn:site", "code": "2"}]}
    assert one(write(bundle, config="priority_system: urn:site")).acuity == 2
    with pytest.raises(CorpusError, match=r"no ED encounter with a final acuity level.*no decided level"):
        read(write(bundle, config=""))


@pytest.mark.parametrize(
    "text", ["scale: NONE", "colour: red", "code: [1", "answers: [a, b, c, d, e]\ncode: x"]
)
def test_a_wrong_configuration_is_named(write: Write, text: str) -> None:
    with pytest.raises(CorpusError, match=CONFIG_FILE):
        read(write(labelled(), config=text))


@pytest.mark.parametrize(
    ("change", "outcomes"),
    [
        ({}, {}),
        ({"disposition": "home"}, {"admission": False, "death": False}),
        ({"disposition": "exp"}, {"death": True}),
        ({"disposition": "hosp"}, {"death": False}),  # hospice
        ({"classHistory": [{"class": {"code": "IMP"}}]}, {"admission": True}),
        ({"inpatient": True}, {"admission": True}),
    ],
)
def test_outcomes(write: Write, change: Json, outcomes: dict[str, bool]) -> None:
    bundle = labelled()
    (encounter,) = of_type(bundle, "Encounter")
    if "disposition" in change:
        system = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
        encounter["hospitalization"] = {
            "dischargeDisposition": {"coding": [{"system": system, "code": change["disposition"]}]}
        }
    encounter |= {key: value for key, value in change.items() if key == "classHistory"}
    if "inpatient" in change:
        ward = {"resourceType": "Encounter", "id": "ward", "status": "finished", "class": {"code": "IMP"}}
        add(bundle, {**ward, "partOf": {"reference": f"Encounter/{encounter['id']}"}})
    assert one(write(bundle)).outcomes == outcomes


def test_bundles_and_a_bulk_export_give_the_same_cases(write: Write, tmp_path: Path) -> None:
    bundles = [labelled(STEMI, 2), labelled(SPRAIN, 4)]
    cases = read(write(*bundles))
    bulk = tmp_path / "bulk"
    bulk.mkdir()
    everything = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    for kind in {resource["resourceType"] for resource in everything}:
        chosen = [resource for resource in everything if resource["resourceType"] == kind]
        (bulk / f"{kind}.ndjson").write_text("\n".join(map(json.dumps, chosen)))
    (bulk / "manifest.json").write_text('{"output": []}')
    assert sorted(read(bulk), key=lambda case: case.case_id) == sorted(cases, key=lambda case: case.case_id)


def test_what_cannot_be_used_is_counted_and_told_without_patient_data(write: Write, tmp_path: Path) -> None:
    unreadable = labelled(SPRAIN)
    of_type(unreadable, "Encounter")[0]["status"] = "cancelled"
    folder = write(labelled(), visit("31"), unreadable, labelled())
    (tmp_path / "broken.json").write_text("{")
    told: list[str] = []
    assert len(list(read_export(folder, now=NOW, report=told.append))) == 1
    (said,) = told
    assert said.startswith("1 labelled ED encounters; left out: ")
    for part in (
        "no decided level",
        "Encounter.status is cancelled",
        "is there twice",
        "not readable as JSON",
    ):
        assert part in said
    assert of_type(unreadable, "Encounter")[0]["id"] not in said
