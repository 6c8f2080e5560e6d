"""Review: wait for a clinician. Nothing else happens in this node, because it runs again when resumed."""

from langgraph.types import interrupt
from pydantic import ValidationError

from agents.errors import InvalidReviewError
from agents.state import CaseState
from data_schemas import ClinicianReview


async def review(state: CaseState) -> CaseState:
    """Pause until a decision on this very assessment arrives.

    Raises:
        InvalidReviewError: what arrived is no decision on this assessment; the case can still be decided.
    """
    run = state["run"]
    answer = interrupt({"case_id": run.case_id, "assessment_id": run.assessment_id})
    try:
        decision = ClinicianReview.model_validate(answer)
    except ValidationError as error:
        # Field names only: the values may quote the patient.
        fields = ", ".join(".".join(map(str, item["loc"])) or "decision" for item in error.errors())
        raise InvalidReviewError(f"not a decision; check {fields}") from None
    if decision.assessment_id != run.assessment_id:
        raise InvalidReviewError("the decision is about another assessment")
    return {"review": decision}  # type: ignore[typeddict-item]
