"""Write back: tell the hospital's record of the decision. At least once; the record is written once."""

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.delivery import deliver
from agents.state import CaseState
from agents.values import DeliveryKind
from data_schemas import WriteRequest, WriteState


async def write_back(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Deliver the decision that was claimed in the store; what the state carries alone is never written."""
    context = runtime.context
    claimed = await context.store.reads.review(state["run"].assessment_id)
    if claimed is None:
        return {}  # type: ignore[typeddict-item]
    item = await context.store.outbox.find(DeliveryKind.FINAL, claimed[0])
    if item is None or item.delivery is None:
        return {}  # type: ignore[typeddict-item]
    if item.delivery.state is WriteState.WRITTEN:
        return {"final": item.delivery}  # type: ignore[typeddict-item]
    run = state["run"]
    request = WriteRequest(
        case_id=run.case_id,
        encounter_key=state["intake"].encounter_key,
        record=state["intake"],
        assessment=state["assessment"],
        review=claimed[1],
    )
    return {"final": await deliver(context, item, request)}  # type: ignore[typeddict-item]
