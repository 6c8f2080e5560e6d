"""Writing proposals and decisions into the hospital's record.

Every call may be repeated, by this process or another, after a crash or a time-out at any point: it looks first,
finds by identifiers that can be worked out again, and ends in the same state. Nothing of somebody else is
overwritten. A receipt says WRITTEN only after the resource was read back.
"""

from collections.abc import Mapping

from data_schemas import AcuityScale, WriteReceipt, WriteRequest, WriteState
from integrations.fhir import identity
from integrations.fhir.acuity_codes import AcuityCoding, AcuityScaleError, coding_for
from integrations.fhir.acuity_step import AcuityStep
from integrations.fhir.capability import AcuityCarrier, WritePlan, plan_writes
from integrations.fhir.client import FhirClient
from integrations.fhir.errors import FhirConflictError, FhirError, FhirProtocolError
from integrations.fhir.lookup import FINAL, find_ours
from integrations.fhir.other_steps import (
    DocumentStep,
    EncounterStep,
    ProvenanceStep,
    TaskStep,
    document_level,
)
from integrations.fhir.resources import Subject
from integrations.fhir.settle import Settled, Step, receipt, settle, state_of


class FhirWriter:
    """An outcome sink on one FHIR server; it writes what the server's CapabilityStatement offers.

    Args:
        client: the server. Its ``base_url`` is the only source whose encounters are written.
        codings: the site's codes for scales other than ESI.
        pause_s: how long to wait before looking after a write with an unknown outcome, in seconds; it doubles.
    """

    def __init__(
        self,
        client: FhirClient,
        *,
        codings: Mapping[AcuityScale, AcuityCoding] | None = None,
        pause_s: float = 0.5,
    ) -> None:
        self._client = client
        self._codings = dict(codings or {})
        self._pause_s = pause_s
        self._plan: WritePlan | None = None

    async def propose(self, request: WriteRequest) -> tuple[WriteReceipt, ...]:
        """Write the suggestion as a preliminary Observation with its trail and a Task for the clinician.

        The first receipt is the level's. Never raises for what the server does.

        Raises:
            ValueError: the request holds a decision already.
        """
        if request.review is not None:
            raise ValueError("this request holds a decision; finalize it")
        prepared = await self._prepare(request)
        if isinstance(prepared, WriteReceipt):
            return (prepared,)
        plan, subject = prepared
        if not plan.proposal:
            why = "the proposal stays with us until it is signed: " + "; ".join(plan.limits)
            return (receipt(plan.carrier.value, WriteState.NOT_CONFIGURED, why),)
        level = await self._settle(AcuityStep(self._client, plan, subject))
        return _receipts([level, *await self._beside(plan, subject, level)], ())

    async def finalize(self, request: WriteRequest) -> tuple[WriteReceipt, ...]:
        """Write the clinician's decision: the level final, its trail, the Task completed, the visit triaged.

        The first receipt is the level's; where it is not WRITTEN, nothing that depends on it is written. What the
        server does not offer is named in its ``detail``. Never raises for what the server does.

        Raises:
            ValueError: the request holds no decision.
        """
        if request.review is None:
            raise ValueError("this request holds no decision; propose it")
        prepared = await self._prepare(request)
        if isinstance(prepared, WriteReceipt):
            return (prepared,)
        plan, subject = prepared
        step: Step
        if plan.carrier is AcuityCarrier.OBSERVATION:
            step = AcuityStep(self._client, plan, subject)
        else:
            step = DocumentStep(self._client, plan, subject)
        level = await self._settle(step)
        ends = [level, *await self._beside(plan, subject, level)]
        if level.written and plan.encounter:
            ends.append(await self._settle(EncounterStep(self._client, plan, subject)))
        return _receipts(ends, plan.limits)

    async def read_back(self, request: WriteRequest) -> int | None:
        """The signed level as the server holds it now, or None where it holds none for this visit.

        Raises:
            FhirConflictError: several resources carry the visit's identifier.
            FhirProtocolError: one is there, but says no level that we can read.
            FhirError: the server could not be asked.
        """
        prepared = await self._prepare(request, raises=True)
        if isinstance(prepared, WriteReceipt):
            return None
        plan, subject = prepared
        found = await find_ours(
            self._client,
            plan.carrier.value,
            plan.offer(plan.carrier.value),
            system=identity.ASSESSMENT,
            value=subject.assessment,
            patient=request.record.patient.reference,
            encounter_id=subject.encounter_id,
        )
        if len(found) > 1:
            raise FhirConflictError(
                f"{len(found)} {plan.carrier} resources carry the identifier of this visit"
            )
        if not found:
            return None
        body = found[0].body or {}
        if plan.carrier is AcuityCarrier.OBSERVATION:
            if body.get("status") not in FINAL:
                return None
            level = subject.coding.level_of(body)
        else:
            if body.get("status") != "current":
                return None
            level = document_level(body, str(request.assessment.scale))
        if level is None:
            raise FhirProtocolError(
                f"the {plan.carrier} of this visit is signed but says no level we can read"
            )
        return level

    async def plan(self) -> WritePlan:
        """What is written to this server, asked once.

        Raises:
            FhirError: the server could not be asked.
        """
        if self._plan is None:
            self._plan = plan_writes(await self._client.capability())
        return self._plan

    async def _prepare(
        self, request: WriteRequest, *, raises: bool = False
    ) -> tuple[WritePlan, Subject] | WriteReceipt:
        key = identity.split_encounter_key(request.encounter_key)
        if key is None or identity.normal_base(key[0]) != identity.normal_base(self._client.base_url):
            why = "the visit comes from another source than the server configured for writing"
            return receipt("Observation", WriteState.NOT_CONFIGURED, why)
        try:
            coding = coding_for(request.assessment.scale, self._codings)
        except AcuityScaleError as error:
            return receipt("Observation", WriteState.NOT_CONFIGURED, str(error))
        try:
            plan = await self.plan()
        except FhirError as error:
            if raises:
                raise
            return receipt("Observation", state_of(error), str(error))
        if plan.carrier is AcuityCarrier.NONE:
            return receipt("Observation", WriteState.NOT_CONFIGURED, "; ".join(plan.limits))
        assessment = identity.assessment_value(self._client.base_url, key[1])
        return plan, Subject(request, key[1], assessment, coding)

    async def _settle(self, step: Step) -> Settled:
        return await settle(self._client, step, pause_s=self._pause_s)

    async def _beside(self, plan: WritePlan, subject: Subject, level: Settled) -> list[Settled]:
        """The trail and the Task of a level that is there.

        A level that the record held already, signed under another case, keeps the trail it has.
        """
        if not level.written or level.stored is None:
            return []
        body = level.stored.body or {}
        ours = identity.identifier_of(body, identity.SEAL) == subject.seal
        ends: list[Settled] = []
        if plan.provenance and ours:
            ends.append(await self._settle(ProvenanceStep(self._client, subject, level.stored)))
        if plan.task and (ours or subject.decided):
            ends.append(await self._settle(TaskStep(self._client, plan, subject, level.stored)))
        return ends


def _receipts(ends: list[Settled], limits: tuple[str, ...]) -> tuple[WriteReceipt, ...]:
    """The receipts; what was left out and why goes into the first one's detail."""
    receipts = [end.receipt for end in ends if end.receipt is not None]
    notes = [*(end.note for end in ends if end.note), *limits]
    if receipts and notes:
        said = [receipts[0].detail] if receipts[0].detail else []
        receipts[0] = receipts[0].model_copy(update={"detail": "; ".join([*said, *notes])})
    return tuple(receipts)
