"""The board in its states: empty, waiting, stale, wall, plain table; filters; two nurses; alerts."""

import pytest
from screen_parts import actor, html_of

from agents import StoreError
from data_schemas import FactKind, OverrideReason, ReviewDecision
from ui.dashboard.board.choosing import Attention, Choice, Sorting, chosen, folded
from ui.dashboard.services import Problem, RowState

NURSE = actor()


def rows(dashboard, who=NURSE):
    dashboard._snapshot.expire()
    return dashboard.board(who).rows


def decide(dashboard, case_id, level=None, who=NURSE):
    case = dashboard.case(who, case_id)
    if level is None:
        return dashboard.decide(who, case_id, case.assessment.id, ReviewDecision.ACCEPT, confirmed=True)
    return dashboard.decide(
        who, case_id, case.assessment.id, ReviewDecision.OVERRIDE, level=level, reason=OverrideReason.OTHER
    )


def test_nobody_waits(visit, dashboard):
    app = visit()
    assert not app.exception
    assert "Nobody waits" in html_of(app)


def test_everybody_is_shown_most_urgent_first(visit, arrive):
    arrive("ankle sprain", name="Bea Later", heart_rate=80)
    arrive("seizure", name="Cy Now", avpu="U", heart_rate=140)
    app = visit()
    assert not app.exception
    html = html_of(app)
    assert html.index("Cy Now") < html.index("Bea Later")
    assert 'aria-label="ESI level 1, resuscitation, Suggested, undecided"' in html
    assert "Constant watch" in html
    assert "1 on constant watch" in html
    assert "0 overdue" in html, "who is never left alone is not counted twice"
    assert "Heart rate 140 /min" in html
    assert "Consciousness (AVPU) unresponsive" in html


def test_what_was_not_measured_is_named(visit, arrive):
    arrive("ankle sprain")
    html = html_of(visit())
    for name in ("Heart rate", "Oxygen saturation", "Systolic pressure", "Pain"):
        assert f"{name} not measured" in html


def test_the_countdown_runs_out_and_stands_out(visit, arrive, clock, dashboard):
    arrive("ankle sprain", minutes_ago=0, heart_rate=80)
    (row,) = rows(dashboard)
    app = visit()
    assert f"Look again in {['', '', '15', '30', '1 h', '2 h'][row.level]}" in html_of(app)
    clock.forward(minutes=10)
    dashboard._snapshot.expire()
    (row,) = rows(dashboard)
    clock.now = row.due.due_at
    clock.forward(minutes=7)
    dashboard._snapshot.expire()
    app = visit()
    assert "Overdue by 7 min" in html_of(app)
    assert "1 overdue" in html_of(app)


def test_the_course_of_a_vital_sign_is_drawn(visit, arrive, clock, dashboard):
    case_id = arrive("ankle sprain", heart_rate=80)
    assert "ed-spark-none" in html_of(visit())
    clock.forward(minutes=5)
    dashboard.reassess(NURSE, case_id, {FactKind.HEART_RATE: 104})
    (row,) = rows(dashboard)
    assert next(v for v in row.vitals if v.kind is FactKind.HEART_RATE).course == (80.0, 104.0)
    assert "Course: 80, 104" in html_of(visit())


def test_states_of_a_suggestion(dashboard, arrive, clock):
    case_id = arrive("ankle sprain", heart_rate=80)
    assert rows(dashboard)[0].state is RowState.SUGGESTED
    suggested = rows(dashboard)[0].level
    decide(dashboard, case_id)
    assert rows(dashboard)[0].state is RowState.ACCEPTED
    clock.forward(minutes=3)
    dashboard.reassess(NURSE, case_id, {FactKind.HEART_RATE: 88})
    assert rows(dashboard)[0].state is RowState.CHANGED
    other = suggested - 1
    decide(dashboard, case_id, other)
    (row,) = rows(dashboard)
    assert (row.state, row.level, row.suggested) == (RowState.OVERRIDDEN, other, suggested)


def test_a_closed_case_leaves_the_board(dashboard, arrive, clock):
    case_id = arrive()
    decide(dashboard, case_id)
    clock.forward(hours=3, minutes=59)
    assert len(rows(dashboard)) == 1
    clock.forward(minutes=2)
    assert rows(dashboard) == ()


def test_two_nurses_decide_one_patient(dashboard, arrive):
    case_id = arrive("ankle sprain", heart_rate=80)
    seen = dashboard.case(NURSE, case_id).assessment.id
    dashboard.decide(NURSE, case_id, seen, ReviewDecision.ACCEPT, confirmed=True)
    with pytest.raises(Problem) as told:
        dashboard.decide(
            actor("physician", "doctor two"),
            case_id,
            seen,
            ReviewDecision.OVERRIDE,
            level=2,
            reason=OverrideReason.OTHER,
        )
    assert told.value.key == "already-decided"
    assert told.value.values["who"] == NURSE.name
    assert told.value.at is not None
    review = dashboard.case(NURSE, case_id).review
    assert (review.reviewer, review.decision) == (NURSE.name, ReviewDecision.ACCEPT)


def test_a_decision_on_an_older_suggestion_is_refused(dashboard, arrive, clock):
    case_id = arrive("ankle sprain", heart_rate=80)
    seen = dashboard.case(NURSE, case_id).assessment.id
    clock.forward(minutes=2)
    dashboard.reassess(NURSE, case_id, {FactKind.HEART_RATE: 130})
    with pytest.raises(Problem) as told:
        dashboard.decide(NURSE, case_id, seen, ReviewDecision.ACCEPT, confirmed=True)
    assert told.value.key == "newer-suggestion"
    clock.forward(minutes=31)
    newer = dashboard.case(NURSE, case_id).assessment.id
    with pytest.raises(Problem) as told:
        dashboard.decide(NURSE, case_id, newer, ReviewDecision.ACCEPT, confirmed=True)
    assert told.value.key == "suggestion-expired"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, None),
        ({FactKind.HEART_RATE: "fast"}, "heart_rate"),
        ({FactKind.HEART_RATE: 900}, "heart_rate"),
        ({FactKind.HEART_RATE: "NaN"}, "heart_rate"),
        ({FactKind.AVPU: "X"}, "avpu"),
        ({FactKind.AGE: 70}, "age"),
        ({FactKind.SYSTOLIC_BP: 80, FactKind.DIASTOLIC_BP: 120}, "diastolic_bp"),
    ],
)
def test_impossible_measurements_are_refused_by_name(dashboard, arrive, values, field):
    from ui.dashboard.services.measurements import with_measurements

    record = dashboard.case(NURSE, arrive(heart_rate=80)).intake
    with pytest.raises(Problem) as told:
        with_measurements(record, values, dashboard.now)
    assert (told.value.key, told.value.field) == ("invalid", field)


def away(dashboard, monkeypatch):
    """The database stops answering: every transaction fails as it does when its file or server is gone."""
    agent = dashboard.background._agent

    async def fails(*_, **__):
        raise StoreError("records", "gone", "bring it back")

    monkeypatch.setattr(agent.service._store.database, "read", fails)
    monkeypatch.setattr(agent.service._store.database, "write", fails)
    dashboard._snapshot.expire()


def test_the_last_board_stays_with_its_time(visit, arrive, dashboard, clock, monkeypatch):
    case_id = arrive("ankle sprain", name="Ada Example", heart_rate=80)
    first = visit()
    assert "out of date" not in html_of(first)
    assessment = dashboard.case(NURSE, case_id).assessment
    away(dashboard, monkeypatch)
    clock.forward(minutes=2)
    app = visit()
    assert not app.exception
    html = html_of(app)
    assert "This board is from 12:00" in html
    assert "Ada Example" in html
    with pytest.raises(Problem) as told:
        dashboard.decide(NURSE, case_id, assessment.id, ReviewDecision.ACCEPT, confirmed=True)
    assert told.value.key == "service-away"
    monkeypatch.undo()
    dashboard._snapshot.expire()
    assert "out of date" not in html_of(visit())


def test_records_that_never_answered_are_not_an_empty_board(visit, dashboard, monkeypatch):
    dashboard.background._tried.wait()
    away(dashboard, monkeypatch)
    app = visit()
    assert not app.exception
    assert "The records do not answer" in html_of(app)
    assert "Arrivals appear here" not in html_of(app)


def test_the_wall_names_nobody(visit, arrive):
    case_id = arrive("ankle sprain", name="Ada Example", heart_rate=80)
    app = visit()
    app.button(key="wall-on").click().run()
    html = html_of(app)
    assert not app.exception
    assert "Ada" not in html
    assert case_id[:4].upper() in html
    assert "wl-row" in html
    assert not list(app.text_input)
    app.button(key="wall-off").click().run()
    assert "Ada Example" in html_of(app)


def test_the_wall_stays_but_leads_nobody_in(visit, arrive, clock):
    arrive("ankle sprain", name="Ada Example", heart_rate=80)
    app = visit()
    app.button(key="wall-on").click().run()
    clock.forward(hours=2)
    app.run()
    assert "wl-row" in html_of(app)
    app.button(key="wall-off").click().run()
    assert "signed out because" in html_of(app)
    assert "Ada" not in html_of(app)


def test_the_plain_table_says_it_all(visit, arrive, dashboard):
    arrive("chest pain", name="Ada Example", heart_rate=130)
    app = visit()
    app.toggle(key="board-table").set_value(True).run()
    html = html_of(app)
    assert not app.exception
    assert '<th scope="col">Reassessment</th>' in html
    assert "HR 130 (danger zone)" in html
    assert "Temp not measured" in html
    assert "Ada Example (40 y, female)" in html


def test_filters_and_search_keep_their_place(visit, arrive):
    arrive("ankle sprain", name="José Muñoz", heart_rate=80)
    arrive("seizure", name="Cy Now", avpu="U")
    app = visit()
    app.text_input(key="board-words").set_value("munoz").run()
    assert "José Muñoz" in html_of(app)
    assert "Cy Now" not in html_of(app)
    app.run()
    assert "Cy Now" not in html_of(app)
    app.text_input(key="board-words").set_value("nobody at all").run()
    assert "Nobody fits" in html_of(app)
    assert "2 patients wait" in html_of(app)


def test_rows_are_chosen_and_ordered(dashboard, arrive):
    arrive("ankle sprain", name="A", heart_rate=80, minutes_ago=90)
    arrive("seizure", name="B", avpu="U", minutes_ago=3)
    arrive("sore throat", name="C", heart_rate=82, minutes_ago=1)
    found = rows(dashboard)
    names = lambda choice: [row.name for row in chosen(found, choice)]  # noqa: E731
    assert names(Choice())[0] == "B"
    assert names(Choice(levels=frozenset({1}))) == ["B"]
    assert names(Choice(sorting=Sorting.WAIT)) == ["A", "B", "C"]
    assert names(Choice(sorting=Sorting.ARRIVAL)) == ["C", "B", "A"]
    assert names(Choice(sorting=Sorting.DUE)) == ["A", "B", "C"]
    assert "B" in names(Choice(attention=frozenset({Attention.OVERDUE})))
    assert "C" not in names(Choice(attention=frozenset({Attention.OVERDUE})))
    assert names(Choice(words="THROAT sore")) == ["C"]
    assert folded("Ñandú") == "nandu"


def test_an_alert_is_shown_until_somebody_takes_note(visit, arrive, dashboard, clock):
    case_id = arrive("ankle sprain", name="Ada Example", heart_rate=80, oxygen_saturation=98)
    clock.forward(minutes=5)
    dashboard.reassess(NURSE, case_id, {FactKind.HEART_RATE: 150})
    app = visit()
    assert "Heart rate is newly in the danger zone" in html_of(app)
    watching = visit(role="auditor")
    assert not [button for button in watching.button if button.key and button.key.startswith("ack-")]
    app.button(key=f"ack-{case_id}").click().run()
    assert not app.exception
    assert "open alert" not in html_of(app)
    taken = dashboard.alerts(NURSE, case_id, open_only=False)
    assert {alert.acknowledged.by for alert in taken} == {NURSE.name}


def test_a_role_without_names_sees_codes(visit, arrive):
    case_id = arrive(name="Ada Example")
    html = html_of(visit(role="researcher"))
    assert "Ada" not in html
    assert f"Code {case_id[:4].upper()}" in html


def test_hostile_words_of_a_record_stay_words(visit, arrive):
    nasty = "<img src=x onerror=alert(1)>**bold** ![p](https://evil.example/x.png)"
    arrive(nasty, name='"><script>alert(2)</script>')
    for state in ({}, {"board-table": True}, {"wall": True}):
        app = visit(**state)
        assert not app.exception
        html = html_of(app)
        assert "<img" not in html
        assert "<script" not in html
        assert "onerror=" not in html.replace("&lt;img src=x onerror=alert(1)&gt;", "")
    for button in visit().button:
        assert "<script" not in button.label.replace("\\<", "")
        assert "![" not in button.label


def test_no_patient_is_in_an_address_or_title(visit, arrive):
    case_id = arrive(name="Ada Example")
    app = visit(case=case_id)
    assert not app.query_params
    app.button(key=f"open-{case_id}").click().run()
    assert app.session_state["case_id"] == case_id
    assert not app.query_params


def test_many_are_shown_in_portions(visit, arrive, dashboard):
    for number in range(53):
        arrive(f"ankle sprain {number}", name=f"P{number:03}")
    app = visit()
    assert html_of(app).count("bd-card") == 50
    app.button(key="more").click().run()
    assert html_of(app).count("bd-card") == 53
