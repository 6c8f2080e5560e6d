"""Every action of the service asks for its permission itself, before anything happens, whatever a page showed."""

import inspect
from datetime import timedelta

import pytest
from screen_parts import NOON, actor

from agents.quality import Period
from data_schemas import FactKind, ReviewDecision
from integrations.intake import IntakeForm
from integrations.samples import samples
from integrations.samples.arriving import arriving
from ui.dashboard.auth import PERMISSIONS, Actor, Permission, Role
from ui.dashboard.services import Dashboard, Problem

EVERYBODY = frozenset(Role)
CLINICIANS = frozenset({Role.NURSE, Role.PHYSICIAN})
MAY = {
    "board": (Permission.SEE_BOARD, EVERYBODY),
    "alerts": (Permission.SEE_BOARD, EVERYBODY),
    "pending": (Permission.SEE_BOARD, EVERYBODY),
    "model_problem": (Permission.SEE_BOARD, EVERYBODY),
    "feed": (Permission.SEE_BOARD, EVERYBODY),
    "case": (Permission.SEE_CASE, EVERYBODY),
    "changes": (Permission.SEE_CASE, EVERYBODY),
    "timeline": (Permission.SEE_CASE, EVERYBODY),
    "policy": (Permission.SEE_CASE, EVERYBODY),
    "cases": (Permission.SEE_QUALITY, EVERYBODY),
    "quality": (Permission.SEE_QUALITY, EVERYBODY),
    "model": (Permission.SEE_MODEL, EVERYBODY),
    "verify_chain": (Permission.SEE_AUDIT, frozenset({Role.AUDITOR})),
    "replay": (Permission.REPLAY, frozenset({Role.AUDITOR, Role.INFORMATICS})),
    "export": (Permission.EXPORT, frozenset({Role.AUDITOR})),
    "decide": (Permission.DECIDE, CLINICIANS),
    "give_level": (Permission.DECIDE, CLINICIANS),
    "acknowledge": (Permission.ACKNOWLEDGE, CLINICIANS),
    "intake": (Permission.INTAKE, CLINICIANS),
    "arrive": (Permission.INTAKE, CLINICIANS),
    "assess": (Permission.INTAKE, CLINICIANS),
    "reassess": (Permission.REASSESS, CLINICIANS),
}
"""What each needs, and who may by docs/dashboard.md. Written out, not read from the code under test."""
OF_ONESELF = {"level_asked", "unaided_level"}
"""These tell the asker what they themselves gave, and nothing of a patient."""


@pytest.fixture
def asking(dashboard, arrive, clock):
    """Each action with what it needs: ``asking["decide"](who)``."""
    case_id = arrive(name="Ada Example")
    case = dashboard.case(actor(), case_id)
    arrive("chest pain", key="tests|Encounter/alerted", heart_rate=80)
    alerted = next(row.case_id for row in dashboard.board(actor()).rows if row.case_id != case_id)
    clock.forward(minutes=1)
    dashboard.reassess(actor(), alerted, {FactKind.HEART_RATE: 160, FactKind.OXYGEN_SATURATION: 80})
    alert = dashboard.alerts(actor(), alerted)[0]
    assert case.assessment is not None
    form = IntakeForm(
        token="0b3f3c7e-8a52-4f0c-9b1a-5d8a3c8a1f10",
        arrived_at=clock(),
        measured_at=clock(),
        complaint="ankle sprain",
        entered_by="somebody else",
    )
    period = Period(NOON - timedelta(days=1), NOON + timedelta(days=1), NOON - timedelta(days=2))
    return {
        "board": dashboard.board,
        "alerts": dashboard.alerts,
        "pending": dashboard.pending,
        "model_problem": dashboard.model_problem,
        "feed": dashboard.feed,
        "case": lambda who: dashboard.case(who, case_id),
        "changes": lambda who: dashboard.changes(who, case_id),
        "timeline": lambda who: dashboard.timeline(who, case_id),
        "policy": dashboard.policy,
        "cases": dashboard.cases,
        "quality": lambda who: dashboard.quality(who, period),
        "model": dashboard.model,
        "verify_chain": dashboard.verify_chain,
        "replay": lambda who: dashboard.replay(who, case_id),
        "export": lambda who: dashboard.export(who, case_id),
        "decide": lambda who: dashboard.decide(
            who, case_id, case.assessment.id, ReviewDecision.ACCEPT, confirmed=True
        ),
        "give_level": lambda who: dashboard.give_level(who, case_id, case.assessment.id, 3),
        "acknowledge": lambda who: dashboard.acknowledge(who, alert.id),
        "intake": lambda who: dashboard.intake(who, arriving(samples()[0], clock())),
        "arrive": lambda who: dashboard.arrive(who, form),
        "assess": lambda who: dashboard.assess(who, case.intake),
        "reassess": lambda who: dashboard.reassess(who, case_id, {FactKind.PAIN: 3}),
    }


def kept(dashboard):
    """All that an action could have changed."""
    cases = dashboard.cases(actor("auditor"))
    return (
        [case.model_dump_json() for case in cases],
        [alert.model_dump_json() for alert in dashboard.alerts(actor(), open_only=False)],
        [step.model_dump_json() for case in cases for step in dashboard.timeline(actor(), case.id)],
    )


def test_no_action_is_forgotten():
    methods = {
        name
        for name, method in inspect.getmembers(Dashboard, inspect.isfunction)
        if not name.startswith("_") and "actor" in inspect.signature(method).parameters
    }
    public = {n for n, _ in inspect.getmembers(Dashboard, inspect.isfunction) if not n.startswith("_")}
    assert methods == set(MAY) | OF_ONESELF
    assert public - methods == {"close"}


@pytest.mark.parametrize("name", sorted(MAY))
def test_a_role_without_the_right_is_refused_and_nothing_happens(name, asking, dashboard, monkeypatch):
    permission, roles = MAY[name]
    before = kept(dashboard)
    for role in EVERYBODY - roles:
        refused(asking[name], actor(role), permission)
    with monkeypatch.context() as changed:
        # Also where no role of today lacks it: everything but this one right.
        changed.setitem(PERMISSIONS, Role.PHYSICIAN, frozenset(Permission) - {permission})
        refused(asking[name], actor("physician"), permission)
    assert kept(dashboard) == before


@pytest.mark.parametrize("name", sorted(MAY))
def test_whoever_signed_in_too_long_ago_is_refused(name, asking, dashboard, clock):
    before = kept(dashboard)
    role = next(iter(MAY[name][1]))
    with pytest.raises(Problem) as problem:
        asking[name](Actor("n1", role, until=clock()))
    assert problem.value.key == "signed-out"
    assert kept(dashboard) == before


@pytest.mark.parametrize("name", sorted(MAY))
def test_the_one_right_is_enough(name, asking, monkeypatch):
    permission, roles = MAY[name]
    role = Role.NURSE if Role.NURSE in roles else next(iter(roles))
    monkeypatch.setitem(PERMISSIONS, role, frozenset({permission}))
    asking[name](actor(role))


def test_the_entries_of_a_form_are_signed_by_who_is_signed_in(asking, monkeypatch):
    from ui.dashboard.services import arriving as module

    signed = []
    taken = module.take_in

    async def take_in(settings, form, now, *, local_only):
        signed.append(form.entered_by)
        return await taken(settings, form, now, local_only=local_only)

    monkeypatch.setattr(module, "take_in", take_in)
    asking["arrive"](actor())
    assert signed == [actor().name]


def refused(action, who, permission):
    with pytest.raises(Problem) as problem:
        action(who)
    assert problem.value.key == "not-allowed"
    assert problem.value.values == {"role": who.role.value, "permission": permission.value}
