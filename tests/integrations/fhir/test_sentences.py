"""The note of the level: nothing looks better founded than it is."""

from collections.abc import Callable

from data_schemas import (
    AssessmentMode,
    FactKind,
    Reason,
    ReasonOrigin,
    ReviewerRole,
    TriageAssessment,
    WriteRequest,
)
from integrations.fhir.sentences import decider, evidence_sentences

BASE = "https://hospital.example/fhir"
Make = Callable[..., WriteRequest]


def changed(request: WriteRequest, **update: object) -> WriteRequest:
    values = request.assessment.model_dump() | update
    return request.model_copy(update={"assessment": TriageAssessment.model_validate(values)})


def test_a_suggestion_is_never_called_a_decision(make_request: Make) -> None:
    first = evidence_sentences(make_request(BASE))[0]
    assert first == "Suggested by a program and not confirmed by a clinician: level 3."


def test_a_reason_for_another_level_does_not_pass_for_evidence(make_request: Make) -> None:
    said = evidence_sentences(make_request(BASE, level=4))
    assert "No checked evidence supports level 4." in said
    assert not [line for line in said if line.startswith("For level 4")]
    assert [line for line in said if line.startswith("For level 2 and not for the one suggested: Heart rate")]


def test_a_fact_without_a_statement_is_called_no_evidence(make_request: Make) -> None:
    seen = Reason(origin=ReasonOrigin.MODEL, text="observed: private vehicle", fact_ids=("F1",))
    request = make_request(BASE)
    said = evidence_sentences(changed(request, reasons=(seen,)))
    assert "Looked at, evidence for no level: observed: private vehicle (model)" in said
    assert "No checked evidence supports level 3." in said
    struck = seen.model_copy(update={"struck": "no"})
    assert "private vehicle" not in str(evidence_sentences(changed(request, reasons=(struck,))))


def test_what_limits_the_suggestion_is_said(make_request: Make) -> None:
    request = make_request(BASE)
    alone = changed(
        request, mode=AssessmentMode.RULES_ONLY, probabilities=None, model_level=None, set_most_urgent=2
    )
    said = evidence_sentences(alone)
    assert "No language model took part; the suggestion is that of the rules alone." in said
    assert "The suggestion allows for levels 2 to 3." in said
    raised = changed(request, model_level=5, floor=3, floor_statement_ids=("b.one",))
    assert "The model said level 5; the suggestion was raised to 3 by b.one." in evidence_sentences(raised)
    # No statement knows the complaint: the rules assume two resources, and no floor says so.
    assumed = changed(request, model_level=4, floor=None, floor_statement_ids=())
    findings = assumed.assessment.screening.model_copy(update={"findings": ()})
    assumed = changed(assumed, screening=findings)
    assert (
        "The model said level 4; the suggestion was raised to 3 by the rules, which assume two or more resources."
        in evidence_sentences(assumed)
    )
    lacking = request.model_copy(
        update={"record": request.record.model_copy(update={"missing": (FactKind.OXYGEN_SATURATION,)})}
    )
    assert evidence_sentences(lacking)[-1] == "Not recorded, so not reassuring: oxygen saturation."


def test_a_script_never_looks_like_a_person(make_request: Make) -> None:
    accepted, changed_to_2 = (make_request(BASE, decided=level, role=ReviewerRole.DEMO) for level in (3, 2))
    for request in (accepted, changed_to_2):
        assert evidence_sentences(request)[0].startswith("The scripted demo clinician (not a person) ")
    assert evidence_sentences(changed_to_2)[1].startswith("Comment of the scripted demo clinician")
    assert decider(make_request(BASE, decided=3)) == "clinician"
