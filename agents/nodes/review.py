"""Review: wait for a clinician. Nothing else happens in this node, because it runs again when resumed."""

from typing import Annotated, Any

from langgraph.types import interrupt
from pydantic import AfterValidator

from agents.state import CaseState
from data_schemas import ClinicianReview


async def review(state: CaseState) -> CaseState:
    """Pause until a decision on this very assessment arrives.

    The check belongs to the interrupt: an answer that fails it raises ``pydantic.ValidationError`` and is not
    kept, so the case can still be decided. Checked after the interrupt, the first wrong answer would be
    replayed for ever.
    """
    run = state["run"]

    def about_this_run(decision: ClinicianReview) -> ClinicianReview:
        if decision.assessment_id != run.assessment_id:
            raise ValueError("the decision is about another assessment")
        return decision

    schema: Any = Annotated[ClinicianReview, AfterValidator(about_this_run)]
    payload = {"case_id": run.case_id, "assessment_id": run.assessment_id}
    decision: ClinicianReview = interrupt(payload, response_schema=schema)
    return {"review": decision}  # type: ignore[typeddict-item]
