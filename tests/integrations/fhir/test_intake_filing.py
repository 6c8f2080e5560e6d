"""Arrivals entered by hand on a real server, which fails in between: whole or not at all, and once."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from data_schemas import FactKind
from integrations.intake import FORM_SYSTEM, IntakeForm, Measured, NotFiled, NotFiledError, take_in
from integrations.settings import Settings

SYSTEM = "https://hospital.example/mrn"


@pytest.fixture
def make_form():
    def make(**fields):
        now = datetime.now(UTC)
        given = {
            "token": str(uuid.uuid4()),
            "arrived_at": now - timedelta(minutes=2),
            "measured_at": now,
            "family": "Quillfeather",
            "birth_date": date(1985, 3, 7),
            "sex": "female",
            "complaint": "chest pain",
            "note": "pale",
            "conditions": ("Asthma",),
            "medications": ("Salbutamol",),
            "allergies": ("Penicillin",),
            "measured": {
                FactKind.HEART_RATE: Measured(value=Decimal(128), unit="/min"),
                FactKind.TEMPERATURE: Measured(value=Decimal("101.3"), unit="[degF]"),
                FactKind.OXYGEN_SATURATION: Measured(value=Decimal(93), unit="%"),
                FactKind.OXYGEN_FLOW: Measured(value=Decimal(2), unit="L/min"),
            },
        }
        return IntakeForm(**(given | fields))

    return make


@pytest.fixture
def on_server(http, fhir_server):
    """What of a form is on the real server, by type."""

    def find(form):
        found = {}
        for kind in ("Patient", "Encounter", "Observation", "Condition", "MedicationStatement",
                     "AllergyIntolerance", "DocumentReference"):  # fmt: skip
            values = ",".join(f"{FORM_SYSTEM}|{form.token}.{n}" for n in range(1, 30))
            bundle = (
                http.get(f"{fhir_server}/{kind}", params={"identifier": values}).raise_for_status().json()
            )
            found[kind] = [entry["resource"] for entry in bundle.get("entry", [])]
        return found

    return find


def to(base_url, **more):
    return Settings(fhir={"base_url": base_url, "write_back": True, "timeout_seconds": 2, **more})


def counts(found):
    return {kind: len(resources) for kind, resources in found.items() if resources}


WHOLE = {"Patient": 1, "Encounter": 1, "Observation": 3, "Condition": 1, "MedicationStatement": 1,
         "AllergyIntolerance": 1, "DocumentReference": 1}  # fmt: skip


async def test_an_arrival_is_filed_whole_and_read_back_from_the_server(fhir_server, make_form, on_server):
    form = make_form()
    arrived = await take_in(to(fhir_server), form, datetime.now(UTC))
    assert arrived.filed
    assert not arrived.differs
    found = on_server(form)
    assert counts(found) == WHOLE
    (encounter,) = found["Encounter"]
    assert arrived.record.encounter_key == f"{fhir_server}|Encounter/{encounter['id']}"
    assert encounter["status"] == "arrived"
    assert arrived.record.findings == ()


async def test_the_same_form_twice_is_one_patient(fhir_server, make_form, on_server):
    form = make_form()
    first = await take_in(to(fhir_server), form, datetime.now(UTC))
    second = await take_in(to(fhir_server), form, datetime.now(UTC))
    assert first.record.encounter_key == second.record.encounter_key
    assert first.record.facts == second.record.facts
    assert counts(on_server(form)) == WHOLE


@pytest.mark.parametrize("how", ["drop-after", "garbage-after", "cut-after", "bodyless-after"])
async def test_an_answer_that_is_lost_is_looked_for(faulty, make_form, on_server, how):
    faulty.fault("POST", "", how)
    form = make_form()
    arrived = await take_in(to(faulty.base_url), form, datetime.now(UTC))
    assert arrived.filed
    assert counts(on_server(form)) == WHOLE
    assert faulty.count("POST", "") == 1


async def test_a_request_that_is_lost_is_told_as_not_known_and_sent_again_by_the_same_form(
    faulty, make_form, on_server
):
    faulty.fault("POST", "", "drop-before")
    form = make_form()
    with pytest.raises(NotFiledError) as caught:
        await take_in(to(faulty.base_url), form, datetime.now(UTC))
    assert caught.value.reason is NotFiled.UNKNOWN
    assert counts(on_server(form)) == {}
    assert (await take_in(to(faulty.base_url), form, datetime.now(UTC))).filed
    assert counts(on_server(form)) == WHOLE


@pytest.mark.parametrize(
    ("status", "reason"),
    [(422, NotFiled.REFUSED), (403, NotFiled.NOT_ALLOWED), (500, NotFiled.UNKNOWN)],
)
async def test_a_refusal_writes_nothing(faulty, make_form, on_server, status, reason):
    faulty.fault("POST", "", "status", status=status, times=9)
    form = make_form()
    with pytest.raises(NotFiledError) as caught:
        await take_in(to(faulty.base_url), form, datetime.now(UTC))
    assert caught.value.reason is reason
    assert counts(on_server(form)) == {}


async def test_a_server_that_takes_few_conditions_gets_few(faulty, make_form, on_server):
    faulty.fault("POST", "", "status", status=400)
    form = make_form()
    assert (await take_in(to(faulty.base_url), form, datetime.now(UTC))).filed
    assert faulty.count("POST", "") == 2
    assert counts(on_server(form)) == WHOLE


async def test_a_server_without_transactions_gets_no_half_of_a_visit(faulty, make_form, on_server):
    faulty.statement = {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": [
        {"type": "Encounter", "interaction": [{"code": "search-type"}, {"code": "create"}]}]}]}  # fmt: skip
    form = make_form()
    with pytest.raises(NotFiledError) as caught:
        await take_in(to(faulty.base_url), form, datetime.now(UTC))
    assert caught.value.reason is NotFiled.NO_TRANSACTION
    assert counts(on_server(form)) == {}


async def test_a_server_that_is_away_is_named(make_form):
    with pytest.raises(NotFiledError) as caught:
        await take_in(to("http://127.0.0.1:9/fhir"), make_form(), datetime.now(UTC))
    assert caught.value.reason is NotFiled.UNREACHABLE


def known_patient(http, fhir_server, number, **more):
    body = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": number}], **more}
    return http.post(f"{fhir_server}/Patient", json=body).raise_for_status().json()["id"]


async def test_a_known_record_number_is_filed_under_its_patient(fhir_server, http, make_form, on_server):
    number = uuid.uuid4().hex
    known = known_patient(http, fhir_server, number, birthDate="1985-03-07", gender="female")
    form = make_form(record_number=number)
    arrived = await take_in(to(fhir_server, identifier_system=SYSTEM), form, datetime.now(UTC))
    assert arrived.record.patient.reference == f"Patient/{known}"
    assert not arrived.differs
    assert counts(on_server(form)) == {kind: n for kind, n in WHOLE.items() if kind != "Patient"}


@pytest.mark.parametrize("other", [{"birthDate": "1958-03-07"}, {"gender": "male"}])
async def test_a_record_number_of_somebody_else_is_refused(fhir_server, http, make_form, on_server, other):
    number = uuid.uuid4().hex
    known_patient(http, fhir_server, number, **other)
    form = make_form(record_number=number)
    with pytest.raises(NotFiledError) as caught:
        await take_in(to(fhir_server, identifier_system=SYSTEM), form, datetime.now(UTC))
    assert caught.value.reason is NotFiled.OTHER_PATIENT
    assert counts(on_server(form)) == {}


async def test_a_record_number_of_two_people_is_refused(fhir_server, http, make_form):
    number = uuid.uuid4().hex
    known_patient(http, fhir_server, number)
    known_patient(http, fhir_server, number)
    with pytest.raises(NotFiledError) as caught:
        await take_in(
            to(fhir_server, identifier_system=SYSTEM), make_form(record_number=number), datetime.now(UTC)
        )
    assert caught.value.reason is NotFiled.SEVERAL_PATIENTS


async def test_a_new_record_number_makes_its_patient_once(fhir_server, make_form, on_server):
    number = uuid.uuid4().hex
    settings = to(fhir_server, identifier_system=SYSTEM)
    first, second = make_form(record_number=number), make_form(record_number=number)
    one = await take_in(settings, first, datetime.now(UTC))
    two = await take_in(settings, second, datetime.now(UTC))
    assert one.record.patient.reference == two.record.patient.reference
    assert one.record.encounter_key != two.record.encounter_key
    assert f"{SYSTEM}|{number}" in one.record.patient.identifiers


async def test_what_was_filed_before_with_other_values_is_told(fhir_server, make_form):
    form = make_form()
    await take_in(to(fhir_server), form, datetime.now(UTC))
    measured = {**form.measured, FactKind.HEART_RATE: Measured(value=Decimal(90), unit="/min")}
    again = await take_in(to(fhir_server), form.model_copy(update={"measured": measured}), datetime.now(UTC))
    assert again.differs == ("heart_rate",)
    assert again.record.number(FactKind.HEART_RATE) == 128


async def test_without_writing_back_it_stays_here(fhir_server, make_form, on_server):
    form = make_form()
    here = await take_in(Settings(fhir={"base_url": fhir_server}), form, datetime.now(UTC))
    asked = await take_in(to(fhir_server), form, datetime.now(UTC), local_only=True)
    assert not here.filed
    assert not asked.filed
    assert here.record.encounter_key.startswith("dashboard|Encounter/")
    assert counts(on_server(form)) == {}
