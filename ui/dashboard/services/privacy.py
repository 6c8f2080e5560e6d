"""Cases for those who may not see names. Free text is left: a complaint or note may name somebody all the same."""

from agents import Case, HistoryStep
from data_schemas import Fact, IntakeRecord, PatientIdentity

_NOBODY = PatientIdentity(reference="-")


def case_without_names(case: Case) -> Case:
    """Without names, identifiers, date of birth, reference, and the encounter's key."""
    return case.model_copy(update={"intake": record_without_names(case.intake), "encounter_key": "-"})


def record_without_names(record: IntakeRecord) -> IntakeRecord:
    """The record of nobody in particular."""
    facts = tuple(map(_of_nobody, record.facts))
    return record.model_copy(update={"patient": _NOBODY, "encounter_key": "-", "facts": facts})


def _of_nobody(fact: Fact) -> Fact:
    """Age and sex say which Patient resource they were read from."""
    if fact.source.resource_type != "Patient":
        return fact
    return fact.model_copy(update={"source": fact.source.model_copy(update={"resource_id": None})})


def step_without_names(step: HistoryStep) -> HistoryStep:
    """A step whose evidence names nobody."""
    if isinstance(step.evidence, IntakeRecord):
        return step.model_copy(update={"evidence": record_without_names(step.evidence)})
    return step
