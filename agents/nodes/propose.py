"""Propose: keep the assessment, then tell the hospital's record of it as preliminary."""

from langgraph.runtime import Runtime

from agents.alerts import deterioration
from agents.context import AgentContext
from agents.delivery import deliver
from agents.provenance import made_with
from agents.state import CaseState
from agents.store.audit import Entry
from agents.store.canonical import canonical_json
from agents.store.reads import verified_text
from agents.values import Delivery, DeliveryKind, Step
from data_schemas import WriteRequest


async def propose(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Store first, then deliver. A server that fails delays the clinician by the time-out at most."""
    context = runtime.context
    run = state["run"]
    store = context.store
    earlier = [one for one in await store.runs.of_case(run.case_id) if one.assessment_id != run.assessment_id]
    known = await store.alerts.find(run.case_id) if earlier else ()
    alerts = deterioration(earlier, state["intake"], state["assessment"], known)
    assessment, item = await context.store.cases.store_assessment(
        run.case_id,
        state["assessment"],
        state["asked"].answer,
        audit_entries(state),
        context.clock(),
        made_with(
            context,
            state["intake"],
            state["screened"].screening,
            asked=state["asked"].answer is not None,
        ),
        alerts,
    )
    item = item or await context.store.outbox.find(DeliveryKind.PROPOSAL, run.assessment_id)
    proposal: Delivery | None = None
    if item is not None and item.delivery is not None:
        request = WriteRequest(
            case_id=run.case_id,
            encounter_key=state["intake"].encounter_key,
            record=state["intake"],
            assessment=assessment,
        )
        proposal = await deliver(context, item, request)
    # The stored assessment goes on in the state: where a killed run had stored one, that one stands.
    update: CaseState = {"assessment": assessment}  # type: ignore[typeddict-item]
    if proposal is not None:
        update["proposal"] = proposal
    return update


def audit_entries(state: CaseState) -> list[Entry]:
    """The steps that led to the assessment, with the digests of their evidence."""
    run, asked, assessment = state["run"], state["asked"], state["assessment"]
    screening, verified = state["screened"].screening, state["verified"]
    answer = asked.answer
    evidence: dict[Step, tuple[dict[str, object], str | None]] = {
        Step.SCREENED: (
            {
                "level": screening.level,
                "floor": screening.floor,
                "rules": [finding.statement.id for finding in screening.findings],
            },
            canonical_json(screening),
        ),
        Step.ASSESSED: (
            {"mode": assessment.mode.value, "failure": asked.failure}
            if answer is None
            else {
                "mode": assessment.mode.value,
                "level": answer.level,
                "model": answer.identity.model,
                "prompt": answer.identity.prompt_version,
            },
            None if answer is None else canonical_json(answer),
        ),
        Step.VERIFIED: (
            {
                "standing": sum(reason.struck is None for reason in verified.reasons),
                "struck": sum(reason.struck is not None for reason in verified.reasons),
            },
            verified_text(verified.reasons),
        ),
        Step.RECONCILED: (
            {
                "level": assessment.level,
                "model_level": assessment.model_level,
                "floor": assessment.floor,
                "set": f"{assessment.set_most_urgent}-{assessment.set_least_urgent}",
                "flags": [flag.code for flag in assessment.flags],
            },
            canonical_json(assessment),
        ),
    }
    return [
        Entry(run.case_id, run.assessment_id, step, detail, text) for step, (detail, text) in evidence.items()
    ]
