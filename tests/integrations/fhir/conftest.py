"""A server that misbehaves in front of the real one, and visits to write about."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest

from data_schemas import (
    AcuityScale,
    AssessmentMode,
    ClinicianReview,
    DecisionPoint,
    EsiVersion,
    Fact,
    FactKind,
    FactSource,
    IntakeRecord,
    ModelIdentity,
    OverrideReason,
    PatientIdentity,
    Reason,
    ReasonOrigin,
    ResourceEstimate,
    ReviewDecision,
    ReviewerRole,
    Screening,
    StatementRef,
    TriageAssessment,
    WriteRequest,
)
from data_schemas.assessment import LevelProbabilities

FAMILY_NAME = "Quillfeather"


@dataclass
class Fault:
    """What happens to the next ``times`` requests of this method and resource type.

    ``how``: ``status`` answers without asking the real server; ``drop-before`` closes the connection; the others
    let the real server do it first: ``drop-after``, ``hang-after``, ``cut-after`` (half a body), ``garbage-after``,
    ``bodyless-after`` (headers only).
    """

    method: str
    resource_type: str
    how: str
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    before: Callable[[], None] | None = None


class FaultyServer(ThreadingHTTPServer):
    """Passes requests on to ``upstream`` except where a fault says otherwise; offers what ``statement`` offers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str, http: httpx.Client) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.http = http
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}/fhir"
        self.faults: list[Fault] = []
        self.statement: dict[str, Any] | None = None
        self.seen: list[tuple[str, str]] = []
        self.credentials: list[str | None] = []
        self.released = threading.Event()
        self.lock = threading.Lock()

    def fault(self, *args: Any, **kwargs: Any) -> None:
        self.faults.append(Fault(*args, **kwargs))

    def count(self, method: str, resource_type: str) -> int:
        return self.seen.count((method, resource_type))

    def next_fault(self, method: str, resource_type: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times and (fault.method, fault.resource_type) == (method, resource_type):
                    fault.times -= 1
                    return fault
        return None

    def offers(self, resource_type: str, interaction: str) -> bool:
        if self.statement is None or resource_type == "metadata":
            return True
        return any(
            resource["type"] == resource_type and {"code": interaction} in resource["interaction"]
            for resource in self.statement["rest"][0]["resource"]
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = self.path.removeprefix("/fhir/").split("?")[0].split("/")
        resource_type = parts[0]
        self.server.seen.append((self.command, resource_type))
        self.server.credentials.append(self.headers.get("Authorization"))
        fault = self.server.next_fault(self.command, resource_type)
        if fault is not None and fault.before is not None:
            fault.before()
        if fault is not None and fault.how == "status":
            return self._answer(fault.status, fault.body, fault.headers)
        if fault is not None and fault.how == "drop-before":
            return self._drop()
        if resource_type == "metadata" and self.server.statement is not None:
            return self._answer(200, orjson.dumps(self.server.statement), {})
        reads = {"GET": "read" if len(parts) > 1 else "search-type"}
        if not self.server.offers(
            resource_type, {"POST": "create", "PUT": "update"}.get(self.command) or reads["GET"]
        ):
            return self._answer(405, b"", {})
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
        url = self.server.upstream + self.path.removeprefix("/fhir")
        answer = self.server.http.request(self.command, url, content=body, headers=headers)
        kept = {k: answer.headers[k] for k in ("ETag", "Location", "Content-Type") if k in answer.headers}
        match fault.how if fault is not None else "pass":
            case "drop-after":
                self._drop()
            case "hang-after":
                self.server.released.wait(20)
                self._drop()
            case "cut-after":
                self._answer(answer.status_code, answer.content, kept, cut=True)
            case "garbage-after":
                self._answer(answer.status_code, b"<html>welcome to the portal</html>", {})
            case "bodyless-after":
                self._answer(answer.status_code, b"", kept)
            case _:
                self._answer(answer.status_code, answer.content, kept)

    do_GET = do_POST = do_PUT = _handle  # noqa: N815

    def _answer(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def _drop(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """One for all: making a client costs more than a request."""
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def faulty(fhir_server: str, http: httpx.Client) -> Iterator[FaultyServer]:
    server = FaultyServer(fhir_server, http)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Visit:
    """A patient who has arrived, in the real server's store."""

    http: httpx.Client
    upstream: str
    id: str
    patient_id: str

    def get(self, path: str) -> dict[str, Any]:
        return self.http.get(f"{self.upstream}/{path}").raise_for_status().json()  # type: ignore[no-any-return]

    def all(self, resource_type: str, **params: str) -> list[dict[str, Any]]:
        params = params or {"encounter": f"Encounter/{self.id}"}
        found = self.http.get(f"{self.upstream}/{resource_type}", params=params).raise_for_status()
        return [entry["resource"] for entry in found.json().get("entry", [])]

    def levels(self) -> list[dict[str, Any]]:
        """The acuity Observations of the visit."""
        return self.all("Observation", encounter=f"Encounter/{self.id}", category="survey")

    def trail(self, target: dict[str, Any]) -> list[dict[str, Any]]:
        return self.all("Provenance", target=f"{target['resourceType']}/{target['id']}")

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.upstream}/{resource['resourceType']}/{resource['id']}"
        return self.http.put(url, content=orjson.dumps(resource)).raise_for_status().json()  # type: ignore[no-any-return]

    def post(self, resource: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.upstream}/{resource['resourceType']}"
        return self.http.post(url, content=orjson.dumps(resource)).raise_for_status().json()  # type: ignore[no-any-return]


@pytest.fixture
def visit(fhir_server: str, http: httpx.Client) -> Visit:
    key = uuid.uuid4().hex[:12]
    made = Visit(http, fhir_server, f"enc-{key}", f"pat-{key}")
    made.put({"resourceType": "Patient", "id": made.patient_id, "name": [{"family": FAMILY_NAME}]})
    made.put(
        {
            "resourceType": "Encounter",
            "id": made.id,
            "status": "arrived",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
            "subject": {"reference": f"Patient/{made.patient_id}", "display": FAMILY_NAME},
            "period": {"start": "2026-11-22T08:00:00.000+01:00"},
            "extension": [{"url": "https://hospital.example/bed", "valueString": "7"}],
        }
    )
    made.put(
        {
            "resourceType": "Observation",
            "id": f"hr-{made.id}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            "subject": {"reference": f"Patient/{made.patient_id}"},
            "encounter": {"reference": f"Encounter/{made.id}"},
            "valueQuantity": {"value": 128, "unit": "/min"},
        }
    )
    return made


MakeRequest = Callable[..., WriteRequest]


@pytest.fixture
def make_request(visit: Visit) -> MakeRequest:
    """A request about ``visit``; ``decided`` is the level of a review, None for a proposal."""

    def make(
        base_url: str,
        *,
        level: int = 3,
        decided: int | None = None,
        case_id: str = "case-1",
        scale: AcuityScale = AcuityScale.ESI,
        minutes: int = 0,
        role: ReviewerRole = ReviewerRole.NURSE,
    ) -> WriteRequest:
        at = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
        record = intake(base_url, visit, at)
        assessment = suggestion(level, scale, at, f"{case_id}-assessment")
        review = None
        if decided is not None:
            same = decided == level
            review = ClinicianReview(
                assessment_id=assessment.id,
                decision=ReviewDecision.ACCEPT if same else ReviewDecision.OVERRIDE,
                level=decided,
                reason=None if same else OverrideReason.MORE_INFORMATION,
                comment=None if same else "looks worse than the numbers",
                reviewer="Nurse 4711",
                role=role,
                decided_at=at + timedelta(minutes=5 + minutes),
            )
        return WriteRequest(
            case_id=case_id,
            encounter_key=record.encounter_key,
            record=record,
            assessment=assessment,
            review=review,
        )

    return make


def intake(base_url: str, visit: Visit, at: datetime) -> IntakeRecord:
    return IntakeRecord(
        encounter_key=f"{base_url}|Encounter/{visit.id}",
        patient=PatientIdentity(reference=f"Patient/{visit.patient_id}", names=(FAMILY_NAME,)),
        read_at=at,
        facts=(
            Fact(
                id="F1",
                kind=FactKind.CHIEF_COMPLAINT,
                text="chest pain",
                source=FactSource(resource_type="Encounter", resource_id=visit.id, path="reasonCode"),
            ),
            Fact(
                id="F2",
                kind=FactKind.HEART_RATE,
                text="heart rate 128 /min",
                source=FactSource(
                    resource_type="Observation", resource_id=f"hr-{visit.id}", path="valueQuantity"
                ),
            ),
            Fact(
                id="F3",
                kind=FactKind.PAIN,
                text="pain 4",
                source=FactSource(resource_type="Observation", resource_id="not-cited", path="valueInteger"),
            ),
        ),
    )


def suggestion(level: int, scale: AcuityScale, at: datetime, id_: str) -> TriageAssessment:
    p = tuple(0.6 if n == level else 0.1 for n in range(1, 6))
    return TriageAssessment(
        id=id_,
        scale=scale,
        mode=AssessmentMode.MODEL,
        level=level,
        model_level=level,
        floor=None,
        probabilities=LevelProbabilities(p=(p[0], p[1], p[2], p[3], p[4])),
        set_most_urgent=level,
        set_least_urgent=level,
        path=None,
        reasons=(
            Reason(
                origin=ReasonOrigin.RULES,
                text="Heart rate 128 /min is in the danger zone.",
                fact_ids=("F1", "F2"),
                statement=StatementRef(id="d.hr", text="A fast heart may mean shock.", source="table 1"),
                level=2,
            ),
            Reason(
                origin=ReasonOrigin.MODEL,
                text="Chest pain needs two resources.",
                fact_ids=("F1",),
                statement=StatementRef(
                    id="c.pain", text="Chest pain needs two resources.", source="chapter 4"
                ),
                level=3,
            ),
            Reason(origin=ReasonOrigin.MODEL, text="Pain is severe.", fact_ids=("F3",), struck="pain is 4"),
        ),
        flags=(),
        needs_human=(),
        screening=Screening(
            esi_version=EsiVersion.V5,
            findings=(),
            scores=(),
            resources=ResourceEstimate(count=2, source="handbook"),
            level=level,
            decision_point=DecisionPoint.C,
            rationale="two resources",
        ),
        identity=ModelIdentity(engine="embedded", model="slm", weights_sha256="ab" * 32, prompt_version="1"),
        created_at=at,
    )
