"""Audit: close the case's part of the chain once its decision has come to rest."""

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.delivery import close
from agents.state import CaseState


async def audit(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Append the closing entry; a decision that is still to be written leaves the case open."""
    await close(runtime.context, state["run"].case_id, state["run"].assessment_id)
    return {}  # type: ignore[typeddict-item]
