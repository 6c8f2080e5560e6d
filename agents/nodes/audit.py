"""Audit: at the end of a run, its part of the chain must be complete and unbroken."""

import logging

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.state import Audited, CaseState
from agents.values import Step

logger = logging.getLogger(__name__)

REQUIRED = (Step.READ, Step.SCREENED, Step.ASSESSED, Step.VERIFIED, Step.RECONCILED, Step.REVIEWED)


async def audit(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Check the run's entries. The entries themselves were appended with each step, in its transaction."""
    run = state["run"]
    problems = await runtime.context.store.reads.check_run(run.assessment_id, REQUIRED)
    if problems:
        logger.error("case %s: the audit chain is not in order: %s", run.case_id, "; ".join(problems))
    return {"audited": Audited(problems=problems)}  # type: ignore[typeddict-item]
