"""Who comes in, for how long, and what the service says to those who may not."""

from datetime import timedelta

import pytest
from screen_parts import NOON, actor, html_of

from data_schemas import FactKind, ReviewDecision
from integrations.samples import samples
from integrations.samples.arriving import arriving
from integrations.settings import UiSettings
from ui.dashboard.auth import PERMISSIONS, Actor, Permission, Role, SignInRefusedError, actor_of
from ui.dashboard.services import Problem

SETTINGS = UiSettings(role_claim="realm_access.roles", roles={"ed-nurses": "nurse", "ed-docs": "physician"})
LATER = NOON.timestamp() + 600


def claims(**other):
    return {"exp": LATER, "email": "n1@example.org", "realm_access": {"roles": ["x", "ed-nurses"]}} | other


def test_claims_give_an_actor():
    found = actor_of(claims(), SETTINGS, NOON)
    assert (found.name, found.role, found.local) == ("n1@example.org", Role.NURSE, False)
    assert found.until == NOON + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"exp": None}, "no-expiry"),
        ({"exp": "soon"}, "no-expiry"),
        ({"exp": True}, "no-expiry"),
        ({"exp": 1e300}, "no-expiry"),
        ({"exp": NOON.timestamp()}, "expired"),
        ({"email": " "}, "no-name"),
        ({"email": ["a"]}, "no-name"),
        ({"realm_access": {"roles": []}}, "no-role"),
        ({"realm_access": {"roles": ["nurse"]}}, "no-role"),
        ({"realm_access": None}, "no-role"),
        ({"realm_access": {"roles": [{"a": 1}]}}, "no-role"),
        ({"realm_access": {"roles": ["ed-nurses", "ed-docs"]}}, "many-roles"),
    ],
)
def test_doubtful_claims_are_refused(other, key):
    with pytest.raises(SignInRefusedError) as refused:
        actor_of(claims(**other), SETTINGS, NOON)
    assert refused.value.key == key


def test_a_flat_claim_with_a_dot_in_its_name_is_found():
    settings = UiSettings(role_claim="https://hospital.example/role")
    found = actor_of(claims(**{"https://hospital.example/role": "auditor"}), settings, NOON)
    assert found.role is Role.AUDITOR


def test_only_clinicians_decide_and_only_some_see_names():
    deciding = {role for role in Role if Permission.DECIDE in PERMISSIONS[role]}
    assert deciding == {Role.NURSE, Role.PHYSICIAN} == {r for r in Role if Actor("x", r).reviewer_role}
    assert Permission.SEE_NAMES not in PERMISSIONS[Role.RESEARCHER] | PERMISSIONS[Role.INFORMATICS]


def test_the_service_asks_again(dashboard, arrive):
    case_id = arrive()
    for role in ("auditor", "researcher", "informatics"):
        who = actor(role)
        case = dashboard.case(who, case_id)
        for action in (
            lambda who=who, case=case: dashboard.decide(
                who, case_id, case.assessment.id, ReviewDecision.ACCEPT
            ),
            lambda who=who: dashboard.acknowledge(who, "x"),
            lambda who=who: dashboard.intake(who, {}),
            lambda who=who: dashboard.reassess(who, case_id, {FactKind.PAIN: 3}),
        ):
            with pytest.raises(Problem) as refused:
                action()
            assert refused.value.key == "not-allowed"
    with pytest.raises(Problem) as refused:
        dashboard.verify_chain(actor("nurse"))
    assert refused.value.key == "not-allowed"
    assert dashboard.case(actor(), case_id).review is None


def test_who_may_not_see_names_gets_none(dashboard, arrive):
    case_id = arrive(name="Ada Example")
    for role in Role:
        who = actor(role)
        shown = dashboard.case(who, case_id).model_dump_json()
        shown += str(dashboard.board(who)) + str(dashboard.timeline(who, case_id))
        hidden = not who.may(Permission.SEE_NAMES)
        assert ("Ada" not in shown and "MRN-77" not in shown and "Patient/1" not in shown) == hidden
    assert "Ada" not in str(dashboard.cases(actor("physician")))


def test_who_may_not_see_names_cannot_find_the_patient_in_the_hospitals_record(dashboard, clock):
    bundle = arriving(samples()[0], clock())
    patients = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"]
    assert patients
    case_id = dashboard.intake(actor(), bundle).id
    for role in Role:
        who = actor(role)
        shown = dashboard.case(who, case_id).model_dump_json() + repr(dashboard.board(who))
        shown += repr(dashboard.timeline(who, case_id)) + repr(dashboard.changes(who, case_id))
        assert any(p["id"] in shown for p in patients) == who.may(Permission.SEE_NAMES), role


def test_an_expired_sign_in_does_nothing(dashboard, arrive, clock):
    case_id = arrive()
    who = Actor("n1", Role.NURSE, until=clock() + timedelta(minutes=1))
    assessment = dashboard.case(who, case_id).assessment
    clock.forward(minutes=2)
    with pytest.raises(Problem) as refused:
        dashboard.decide(who, case_id, assessment.id, ReviewDecision.ACCEPT)
    assert refused.value.key == "signed-out"
    assert dashboard.case(actor(), case_id).review is None


def test_local_mode_asks_for_a_role(visit, dashboard):
    app = visit(role=None)
    assert not app.exception
    assert "Choose a role" in html_of(app)
    app.button(key="enter-auditor").click().run()
    assert not app.exception
    who = app.session_state["_actor"]
    assert (who.role, who.local) == (Role.AUDITOR, True)
    assert "not identified" in who.name
    app.button(key="sign-out").click().run()
    assert "Choose a role" in html_of(app)
    assert "_actor" not in app.session_state


def test_who_does_nothing_is_signed_out_and_forgotten(visit, arrive, clock):
    case_id = arrive(name="Ada Example")
    app = visit(case=case_id)
    clock.forward(minutes=14)
    assert "Ada Example" in html_of(app.run())
    clock.forward(minutes=14)
    assert "Ada Example" in html_of(app.run())
    clock.forward(minutes=16)
    app.run()
    assert "signed out because" in html_of(app)
    assert "Ada Example" not in html_of(app)
    assert "case_id" not in app.session_state


def test_the_language_is_chosen_in_the_session(visit, dashboard):
    app = visit()
    app.selectbox(key="_language").select("es").run()
    assert "Quién espera" in html_of(app)
    assert "Who waits" in html_of(visit())
