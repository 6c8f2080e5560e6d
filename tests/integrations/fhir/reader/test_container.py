"""Files, folders, bundles and references: what is refused by name, and what goes on."""

import json
from datetime import UTC, datetime

import pytest

from data_schemas import FactKind, IntakeRecord
from integrations.fhir.bundle import ResourceIndex, load_bundle, parse_json
from integrations.fhir.errors import IntakeError
from integrations.fhir.reader import read_bundle, read_path
from integrations.fhir.reader_settings import ReaderSettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
K = FactKind


def errors(path, **settings):
    results = list(read_path(path, now=NOW, settings=ReaderSettings(**settings)))
    return [result for result in results if isinstance(result, IntakeError)], results


@pytest.mark.parametrize(
    ("content", "element"),
    [
        (b"", "file"),
        (b"not json", "file"),
        (b"\xff\xfe\x00", "file"),
        (b'{"resourceType": "Bundle", "a": NaN}', "file"),
        (b"[" * 200_000, "file"),
        (b'{"a": ' + b"9" * 5000 + b"}", "file"),
        (b"[]", "Bundle"),
        (b"null", "Bundle"),
        (b"{}", "resourceType"),
        (b'{"resourceType": "Patient"}', "resourceType"),
        (b'{"resourceType": ["Bundle"]}', "resourceType"),
        (b'{"resourceType": "Bundle", "type": "history", "entry": [{}]}', "Bundle.type"),
        (b'{"resourceType": "Bundle", "type": ["x"], "entry": [{}]}', "Bundle.type"),
        (b'{"resourceType": "Bundle", "type": "collection"}', "Bundle.entry"),
        (b'{"resourceType": "Bundle", "type": "collection", "entry": {}}', "Bundle.entry"),
        (
            b'{"resourceType": "Bundle", "type": "collection", "entry": [null, 1, {"resource": []}]}',
            "Bundle.entry",
        ),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}', "Bundle.entry"),
    ],
)
def test_what_is_no_ed_bundle_names_its_element(tmp_path, content, element):
    file = tmp_path / "one.json"
    file.write_bytes(content)
    found, results = errors(file)
    assert [error.element for error in found] == [element]
    assert len(results) == 1
    assert found[0].remedy
    assert found[0].source == str(file)
    assert str(file) not in str(found[0])


def test_a_byte_order_mark_is_no_obstacle(tmp_path, visit):
    (tmp_path / "one.json").write_text("\ufeff" + json.dumps(visit.bundle()), encoding="utf-8")
    assert errors(tmp_path)[0] == []


def test_a_file_over_the_limit_is_refused_with_both_numbers(tmp_path, visit):
    file = tmp_path / "big.json"
    file.write_text(json.dumps(visit.bundle()))
    found, _ = errors(file, max_bytes=1024)
    assert "MiB is over the limit of 0.0 MiB" in found[0].message
    assert "max_bytes" in found[0].remedy


def test_forty_megabytes_are_read(tmp_path, visit):
    bundle = visit.bundle()
    filler = {"resource": {"resourceType": "Claim", "text": "x" * 1000, "net": 1.25}}
    bundle["entry"] += [filler] * 38_000
    file = tmp_path / "big.json"
    file.write_text(json.dumps(bundle))
    assert file.stat().st_size > 40_000_000
    (record,) = read_path(file, now=NOW)
    assert isinstance(record, IntakeRecord)
    assert record.missing == ()


def test_a_folder_goes_on_after_a_bad_file(tmp_path, visit):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text(json.dumps(visit.bundle()))
    (tmp_path / "c.json").write_text(json.dumps(visit.bundle()))
    (tmp_path / "notes.txt").write_text("not read")
    found, results = errors(tmp_path)
    assert [type(result) for result in results] == [IntakeError, IntakeRecord, IntakeError]
    assert [error.source for error in found] == [str(tmp_path / "a.json"), str(tmp_path / "c.json")]
    assert "already read" in found[1].message


def test_nothing_to_read(tmp_path):
    assert errors(tmp_path)[0][0].element == "file"
    assert "cannot be opened" in errors(tmp_path / "none.json")[0][0].message
    assert "cannot be opened" in errors(tmp_path / "none.ndjson")[0][0].message


def test_bulk_data_over_several_files(tmp_path, visit):
    by_type = {}
    for item in visit.by_id.values():
        by_type.setdefault(item["resourceType"], []).append(json.dumps(item))
    for kind, lines in by_type.items():
        (tmp_path / f"{kind}.ndjson").write_text("\n".join(lines) + "\n\n")
    (tmp_path / "manifest.json").write_text("{}")
    with (tmp_path / "Observation.ndjson").open("a") as file:
        file.write("{broken\n[1]\n")
    found, results = errors(tmp_path)
    assert [error.element for error in found] == ["line 9", "line 10"]
    (record,) = (result for result in results if isinstance(result, IntakeRecord))
    assert record.missing == ()


def test_bundles_on_the_lines_of_one_file(tmp_path, visit):
    file = tmp_path / "visits.ndjson"
    first = json.dumps(visit.bundle())
    file.write_text(first + "\n" + first.replace("e1", "e2") + "\n")
    found, results = errors(file)
    assert found == []
    assert len(results) == 2


def test_an_ndjson_line_over_the_limit(tmp_path):
    file = tmp_path / "visits.ndjson"
    file.write_text("{" + "x" * 2000 + "}\n")
    assert "over the limit" in errors(file, max_bytes=1024)[0][0].message


def test_decimals_as_received():
    assert str(parse_json(b'{"value": 72.50}')["value"]) == "72.50"


@pytest.mark.parametrize(
    ("full_url", "reference"),
    [
        ("urn:uuid:11111111-2222-3333-4444-555555555555", "urn:uuid:11111111-2222-3333-4444-555555555555"),
        ("urn:uuid:11111111-2222-3333-4444-555555555555", "Patient/p1"),
        ("https://h.example/fhir/Patient/p1", "https://h.example/fhir/Patient/p1"),
        ("https://h.example/fhir/Patient/p1", "Patient/p1"),
        ("https://h.example/fhir/Patient/p1", "Patient/p1/_history/3"),
        (None, "https://h.example/fhir/Patient/p1"),
    ],
)
def test_references_are_resolved(full_url, reference):
    patient = {"resourceType": "Patient", "id": "p1"}
    index = ResourceIndex([(full_url, patient)])
    assert index.resolve({"reference": reference}) is patient


@pytest.mark.parametrize(
    "reference",
    ["https://other.example/fhir/Patient/p1", "Patient/p2", "urn:uuid:x", "#p1", "", None, 5, "Patient"],
)
def test_references_to_elsewhere_are_not(reference):
    index = ResourceIndex([("https://h.example/fhir/Patient/p1", {"resourceType": "Patient", "id": "p1"})])
    assert index.resolve({"reference": reference}) is None
    assert index.resolve(reference) is None


def test_a_bundle_of_urn_uuids_without_ids(visit):
    entries = []
    ids = {
        "p1": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "e1": "urn:uuid:00000000-0000-4000-8000-000000000002",
    }
    for name, item in visit.by_id.items():
        text = json.dumps({k: v for k, v in item.items() if k != "id"})
        text = text.replace("Patient/p1", ids["p1"]).replace("Encounter/e1", ids["e1"])
        entries.append({"fullUrl": ids.get(name, f"urn:uuid:{name}"), "resource": json.loads(text)})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    (record,) = read_bundle(bundle, source="s", now=NOW)
    assert record.missing == ()
    assert record.encounter_key == "s|Encounter/00000000-0000-4000-8000-000000000002"


def test_two_visits_of_one_patient_keep_their_readings_apart(visit, make):
    second = json.loads(json.dumps(visit.by_id["e1"])) | {"id": "e2"}
    pulse = make.observation("hr-e2", "8867-4", 120, "/min", encounter={"reference": "Encounter/e2"})
    first, other = visit.add(second, pulse).results()
    assert (first.number(K.HEART_RATE), other.number(K.HEART_RATE)) == (88, 120)


def test_load_bundle_raises_for_one_file(tmp_path):
    with pytest.raises(IntakeError, match="Check the path"):
        load_bundle(tmp_path / "none.json")
