import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integrations.fhir import errors
from integrations.fhir.client import FhirClient
from integrations.fhir.errors import (
    FhirAuthError,
    FhirConflictError,
    FhirError,
    FhirNotFoundError,
    FhirProtocolError,
    FhirRefusedError,
    FhirServerError,
    FhirThrottledError,
    FhirTimeoutError,
    FhirUnreachableError,
)
from integrations.fhir.wire import dump_json, parse_json

PATIENT = {"resourceType": "Patient", "name": [{"family": "Quillfeather"}]}


@pytest.fixture
async def client(fhir_server: str) -> AsyncIterator[FhirClient]:
    async with FhirClient(fhir_server) as made:
        yield made


@pytest.fixture
async def hasty(faulty: Any) -> AsyncIterator[FhirClient]:
    """A client of the misbehaving server that does not wait long."""
    async with FhirClient(faulty.base_url, timeout_s=0.5, deadline_s=1.0, attempts=3) as made:
        yield made


def tagged(system: str) -> dict[str, Any]:
    return PATIENT | {"identifier": [{"system": "https://test.example", "value": system}]}


async def test_create_read_update_and_stale_version(client: FhirClient) -> None:
    made = await client.create(PATIENT)
    assert (made.created, made.version_id, made.etag) == (True, "1", 'W/"1"')
    read = await client.read("Patient", made.id)
    assert read.body is not None
    assert read.body["name"] == PATIENT["name"]
    changed = await client.update(read.body | {"gender": "female"}, if_match="1")
    assert (changed.created, changed.version_id) == (False, "2")
    with pytest.raises(FhirConflictError) as stale:
        await client.update(read.body | {"gender": "male"}, if_match="1")
    assert stale.value.status == 412
    assert not stale.value.unknown_outcome


async def test_conditional_create_finds_what_is_there(client: FhirClient) -> None:
    value = uuid.uuid4().hex
    query = f"identifier=https://test.example|{value}"
    first = await client.create(tagged(value), if_none_exist=query)
    second = await client.create(tagged(value), if_none_exist=query)
    assert (first.created, second.created, first.id == second.id) == (True, False, True)


async def test_search_reads_every_page(client: FhirClient) -> None:
    value = uuid.uuid4().hex
    ids = {(await client.create(tagged(value))).id for _ in range(7)}
    params = {"identifier": f"https://test.example|{value}", "_count": "2"}
    found = [resource["id"] async for resource in client.search("Patient", params)]
    assert len(found) == 7
    assert set(found) == ids


async def test_more_pages_than_allowed_is_an_error_not_a_cut(fhir_server: str, client: FhirClient) -> None:
    value = uuid.uuid4().hex
    for _ in range(3):
        await client.create(tagged(value))
    async with FhirClient(fhir_server, max_pages=2) as narrow:
        with pytest.raises(FhirProtocolError, match="more than 2 pages"):
            [
                r
                async for r in narrow.search(
                    "Patient", {"identifier": f"https://test.example|{value}", "_count": "1"}
                )
            ]


async def test_outcome_entries_are_left_out(faulty: Any, hasty: FhirClient) -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "informational"}],
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [
            {"resource": outcome, "search": {"mode": "outcome"}},
            {"resource": PATIENT},
            {"fullUrl": "x"},
        ],
    }
    faulty.fault("GET", "Patient", "status", status=200, body=json.dumps(bundle).encode())
    assert [r["resourceType"] async for r in hasty.search("Patient", {})] == ["Patient"]


@pytest.mark.parametrize(
    "link",
    [
        "http://elsewhere.example/fhir/Patient?page=2",
        "https://127.0.0.1/fhir?page=2",
        "ftp://x/",
        "http://[::1",
    ],
)
async def test_a_next_page_elsewhere_is_not_followed(faulty: Any, hasty: FhirClient, link: str) -> None:
    bundle = {"resourceType": "Bundle", "link": [{"relation": "next", "url": link}]}
    faulty.fault("GET", "Patient", "status", status=200, body=json.dumps(bundle).encode())
    with pytest.raises(FhirProtocolError, match="origin"):
        [r async for r in hasty.search("Patient", {})]


async def test_pages_in_a_circle_end(faulty: Any, hasty: FhirClient) -> None:
    bundle = {"resourceType": "Bundle", "link": [{"relation": "next", "url": "Patient?page=2"}]}
    faulty.fault("GET", "Patient", "status", times=9, status=200, body=json.dumps(bundle).encode())
    with pytest.raises(FhirProtocolError, match="circle"):
        [r async for r in hasty.search("Patient", {})]
    assert faulty.count("GET", "Patient") == 2


async def test_decimals_and_times_stay_as_received(faulty: Any, hasty: FhirClient) -> None:
    raw = (
        b'{"resourceType":"Observation","id":"o1","effectiveDateTime":"2026-11-22T08:00:00.000+01:00",'
        b'"valueQuantity":{"value":72.50},"component":[{"valueQuantity":{"value":1E+2}},'
        b'{"valueQuantity":{"value":0.000000010}}]}'
    )
    faulty.fault("GET", "Observation", "status", status=200, body=raw)
    body = (await hasty.read("Observation", "o1")).body
    assert body is not None
    assert str(body["valueQuantity"]["value"]) == "72.50"
    sent = dump_json(body)
    assert b'"value":72.50' in sent
    assert b'"2026-11-22T08:00:00.000+01:00"' in sent
    assert parse_json(sent) == body
    values = [str(part["valueQuantity"]["value"]) for part in parse_json(sent)["component"]]
    assert [Decimal(v).as_tuple() for v in values] == [
        Decimal("1E+2").as_tuple(),
        Decimal("1.0E-8").as_tuple(),
    ]


@pytest.mark.parametrize("bad", [Decimal("NaN"), Decimal("Infinity"), object()])
def test_what_is_not_json_is_not_sent(bad: object) -> None:
    with pytest.raises(TypeError):
        dump_json({"value": bad})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FhirRefusedError),
        (401, FhirAuthError),
        (403, FhirAuthError),
        (404, FhirNotFoundError),
        (405, FhirRefusedError),
        (409, FhirConflictError),
        (410, FhirNotFoundError),
        (412, FhirConflictError),
        (422, FhirRefusedError),
        (429, FhirThrottledError),
        (500, FhirServerError),
        (503, FhirServerError),
        (302, FhirProtocolError),
    ],
)
async def test_status_to_error(faulty: Any, hasty: FhirClient, status: int, kind: type[FhirError]) -> None:
    faulty.fault(
        "POST", "Patient", "status", times=9, status=status, headers={"Location": "http://x.example/"}
    )
    with pytest.raises(kind) as caught:
        await hasty.create(PATIENT)
    assert caught.value.status == status
    assert caught.value.unknown_outcome is (status in (302, 500, 503))


async def test_what_the_server_objects_to_is_kept_without_its_words(faulty: Any, hasty: FhirClient) -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "invalid",
                "diagnostics": "Quillfeather, born 1961, is not a name",
                "details": {"text": "Quillfeather"},
                "expression": ["Patient.name[0].family", "Patient.where(name='Quillfeather')"],
            }
        ],
    }
    faulty.fault("POST", "Patient", "status", status=422, body=json.dumps(outcome).encode())
    with pytest.raises(FhirRefusedError) as caught:
        await hasty.create(PATIENT)
    assert str(caught.value) == "POST Patient: 422 (invalid at Patient.name[0].family)"
    assert caught.value.issues[0].expressions == ("Patient.name[0].family",)


async def test_reads_are_repeated_writes_are_not(faulty: Any, hasty: FhirClient, visit: Any) -> None:
    faulty.fault("GET", "Patient", "status", status=503)
    faulty.fault("GET", "Patient", "drop-after")
    assert (await hasty.read("Patient", visit.patient_id)).id == visit.patient_id
    assert faulty.count("GET", "Patient") == 3
    faulty.fault("POST", "Patient", "status", status=503)
    with pytest.raises(FhirServerError):
        await hasty.create(PATIENT)
    assert faulty.count("POST", "Patient") == 1


async def test_a_throttled_write_was_not_done_and_is_repeated(faulty: Any, hasty: FhirClient) -> None:
    faulty.fault("POST", "Patient", "status", status=429, headers={"Retry-After": "0"})
    assert (await hasty.create(PATIENT)).created
    assert faulty.count("POST", "Patient") == 2


@pytest.mark.parametrize("after", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_a_long_wait_is_the_callers(faulty: Any, hasty: FhirClient, after: str) -> None:
    faulty.fault("GET", "Patient", "status", times=9, status=429, headers={"Retry-After": after})
    with pytest.raises(FhirThrottledError) as caught:
        await hasty.read("Patient", "p1")
    assert (caught.value.retry_after or 0) >= 3600
    assert faulty.count("GET", "Patient") == 1


@pytest.mark.parametrize("how", ["drop-before", "drop-after", "hang-after", "cut-after"])
async def test_a_write_without_an_answer_is_unknown_and_sent_once(
    faulty: Any, hasty: FhirClient, how: str
) -> None:
    faulty.fault("POST", "Patient", how)
    with pytest.raises(FhirTimeoutError) as caught:
        await hasty.create(PATIENT)
    assert caught.value.unknown_outcome
    assert faulty.count("POST", "Patient") == 1


async def test_dripping_bytes_do_not_get_past_the_deadline(slow_server: str) -> None:
    async with FhirClient(slow_server, timeout_s=5, deadline_s=0.5, attempts=1) as client:
        with pytest.raises(FhirTimeoutError):
            await client.read("Patient", "p1")


@pytest.fixture
async def slow_server() -> AsyncIterator[str]:
    """Sends one byte every 50 ms, for ever."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    server.close()
    await asyncio.sleep(0.1)


async def test_garbage_after_a_write_is_unknown(faulty: Any, hasty: FhirClient) -> None:
    faulty.fault("POST", "Patient", "garbage-after")
    with pytest.raises(FhirProtocolError) as caught:
        await hasty.create(PATIENT)
    assert caught.value.unknown_outcome


async def test_an_answer_without_a_body_still_names_the_resource(faulty: Any, hasty: FhirClient) -> None:
    faulty.fault("POST", "Patient", "bodyless-after")
    made = await hasty.create(PATIENT)
    assert (made.created, made.version_id, made.body) == (True, "1", None)
    assert (await hasty.read("Patient", made.id)).body is not None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"a": NaN}', b"\xff\xfe", b'{"resourceType":"Group","id":"1"}']
)
async def test_answers_that_are_not_the_resource(faulty: Any, hasty: FhirClient, body: bytes) -> None:
    faulty.fault("GET", "Patient", "status", status=200, body=body)
    with pytest.raises(FhirProtocolError):
        await hasty.read("Patient", "p1")


async def test_nobody_there() -> None:
    async with FhirClient("http://127.0.0.1:9/fhir", attempts=2) as client:
        with pytest.raises(FhirUnreachableError) as caught:
            await client.create(PATIENT)
    assert not caught.value.unknown_outcome


@pytest.mark.parametrize("bad", ["../Patient", "a/b", "", "x?y=1", "a" * 65])
async def test_ids_that_would_change_the_path_are_not_sent(client: FhirClient, bad: str) -> None:
    with pytest.raises(FhirRefusedError, match="not sent"):
        await client.read("Patient", bad)


async def test_capability_is_asked_once(faulty: Any, hasty: FhirClient) -> None:
    both = await asyncio.gather(hasty.capability(), hasty.capability())
    assert both[0] is both[1]
    assert faulty.count("GET", "metadata") == 1


async def test_metadata_that_is_none(faulty: Any, hasty: FhirClient) -> None:
    faulty.fault("GET", "metadata", "status", status=200, body=b'{"resourceType":"Patient"}')
    with pytest.raises(FhirProtocolError, match="is the FHIR base right"):
        await hasty.capability()


async def test_credentials_are_sent_and_never_said(faulty: Any) -> None:
    faulty.fault("GET", "Patient", "status", times=2, status=401)
    async with FhirClient(faulty.base_url, auth=httpx.BasicAuth("user", "secret")) as client:
        with pytest.raises(FhirAuthError) as caught:
            await client.read("Patient", "p1")
    assert faulty.credentials == ["Basic dXNlcjpzZWNyZXQ="]
    assert "secret" not in str(caught.value)


async def test_no_log_and_no_error_names_a_patient(
    faulty: Any, hasty: FhirClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    made = await hasty.create(tagged("mrn-4711"))
    found = [r async for r in hasty.search("Patient", {"identifier": "https://test.example|mrn-4711"})]
    assert found
    said = []
    for how in ("drop-after", "cut-after", "garbage-after"):
        faulty.fault("POST", "Patient", how)
        with pytest.raises(FhirError) as caught:
            await hasty.create(tagged("mrn-4711"))
        said += [str(caught.value), repr(caught.value)]
        assert caught.value.__context__ is None
    text = caplog.text + " ".join(said)
    assert "POST Patient" in text
    for secret in ("Quillfeather", "mrn-4711", made.id, "identifier="):
        assert secret not in text


def test_the_error_tree_is_as_drawn() -> None:
    drawn = [line.split()[1] for line in (errors.__doc__ or "").splitlines() if line.startswith(("├", "└"))]
    assert sorted(drawn) == sorted(kind.__name__ for kind in FhirError.__subclasses__())
