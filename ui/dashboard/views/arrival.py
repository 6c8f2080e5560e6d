"""A new arrival, entered by hand: for places without a feed from the hospital's record, and for training."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import streamlit as st

from data_schemas import FactKind
from integrations.intake import NotFiled, writes_to
from integrations.intake.form import UNITS
from ui.dashboard.arrival.collect import Collected, collect, is_empty
from ui.dashboard.arrival.fields import DRAFT, Fields, key_of, words_of
from ui.dashboard.auth import Permission
from ui.dashboard.auth.signin import touch
from ui.dashboard.clicks import whole
from ui.dashboard.here import Here, Page
from ui.dashboard.look import callout, chip, heading, show, tag
from ui.dashboard.services import Problem
from ui.dashboard.strings import many, text, word
from ui.dashboard.times import clock_time, zone

PAGE = Page("arrival", ":material/person_add:", Permission.INTAKE, order=30)

_SEND = "arrival-send"
_SEXES = ("female", "male", "other", "unknown")
_PREGNANCY = ("pregnant", "not-pregnant", "postpartum")
_MODES = ("walk-in", "private", "ambulance", "wheelchair", "public", "police", "helicopter", "other")
_AVPU = ("A", "C", "V", "P", "U")
_AGE_UNITS = ("a", "mo", "wk", "d")
_NAMES = ("given", "family", "record_number", "birth_date", "age", "age-unit", "sex", "pregnancy", "arrival_mode",
          "injury", "complaint", "note", "breathes", "avpu", "conditions", "medications", "allergies",
          "no_known_allergies", *(kind.value for kind in UNITS), *(f"{kind}-unit" for kind in UNITS))  # fmt: skip


def render(here: Here) -> None:
    """Draw it; send what was pressed to be sent first."""
    draft = st.session_state.setdefault(DRAFT, new_draft())
    show(heading(text("arrival.title"), text("arrival.lead")))
    show(tag("div", *_where(here), cls="ar-where"))
    how = st.session_state.pop(_SEND, None)
    if how is not None:
        _send(here, draft, how)
    _form(here, draft)


def new_draft() -> dict[str, Any]:
    """An empty form with a name of its own."""
    return {
        "token": str(uuid4()),
        "values": {},
        "begun": None,
        "sent": None,
        "pressed": False,
        "confirmed": frozenset(),
        "problem": None,
    }


def _form(here: Here, draft: dict[str, Any]) -> None:
    """A fragment: typing draws only it."""

    @st.fragment
    def form() -> None:
        if _SEND in st.session_state:
            st.rerun()
        touch(here.now)  # whoever types is here
        collected = _now(here, draft)
        fields = Fields(draft, collected, draft["pressed"])
        _why(fields)
        _who(fields, collected)
        _vital_signs(fields)
        _history(fields)
        _end(here, draft, collected)

    form()


def _now(here: Here, draft: dict[str, Any]) -> Collected:
    """What the fields hold now, kept in the draft."""
    values = draft["values"]
    for name in _NAMES:
        key = key_of(draft, name)
        if key in st.session_state:
            values[name] = st.session_state[key]
    if draft["begun"] is None and not is_empty(values):
        draft["begun"] = here.now
    return collect(values, here.now.astimezone(zone()).date())


def _why(fields: Fields) -> None:
    _group("why")
    first, second, third = st.columns([6, 2.2, 1.8])
    with first:
        fields.line("complaint", text("arrival.field.complaint"), hint=text("arrival.hint.complaint"))
    with second:
        fields.choice("arrival_mode", text("arrival.field.arrival_mode"), _MODES, "mode")
    with third:
        fields.choice("injury", text("arrival.field.injury"), ("yes", "no"), "yes-no")
    fields.lines("note", text("arrival.field.note"), hint=text("arrival.hint.note"), height=90)


def _who(fields: Fields, collected: Collected) -> None:
    _group("who")
    for column, name in zip(st.columns(3), ("given", "family", "record_number"), strict=True):
        with column:
            fields.line(name, text(f"arrival.field.{name}"))
    born, age, sex, pregnancy = st.columns([3, 3, 4, 4])
    with born:
        fields.line(
            "birth_date", text("arrival.field.birth_date"), hint=text("arrival.hint.birth_date"), limit=10
        )
    with age:
        fields.age(text("arrival.field.age"), text("arrival.field.age-unit"), _AGE_UNITS)
    with sex:
        fields.choice("sex", text("arrival.field.sex"), _SEXES, "sex")
    with pregnancy:
        if collected.pregnancy_applies:
            fields.choice("pregnancy", text("arrival.field.pregnancy"), _PREGNANCY, "pregnancy")


def _vital_signs(fields: Fields) -> None:
    _group("vital-signs")
    heart, breaths, systolic, diastolic = st.columns(4)
    with heart:
        fields.number(FactKind.HEART_RATE)
    with breaths:
        fields.number(FactKind.RESPIRATORY_RATE)
    with systolic:
        fields.number(FactKind.SYSTOLIC_BP)
    with diastolic:
        fields.number(FactKind.DIASTOLIC_BP)
    saturation, breathes, flow, temperature = st.columns(4)
    with saturation:
        fields.number(FactKind.OXYGEN_SATURATION)
    with breathes:
        fields.choice("breathes", text("arrival.field.breathes"), ("air", "oxygen"), "breathing")
    with flow:
        fields.number(FactKind.OXYGEN_FLOW)
    with temperature:
        fields.number(FactKind.TEMPERATURE)
    avpu, pain, glucose, weight = st.columns([5.6, 2, 3.4, 3])
    with avpu:
        fields.choice("avpu", text("arrival.field.avpu"), _AVPU, "avpu")
    with pain:
        fields.number(FactKind.PAIN)
    with glucose:
        fields.number(FactKind.GLUCOSE)
    with weight:
        fields.number(FactKind.WEIGHT)
    for column, kind in zip(
        st.columns(4),
        (FactKind.GCS_EYE, FactKind.GCS_VERBAL, FactKind.GCS_MOTOR, FactKind.GCS),
        strict=True,
    ):
        with column:
            fields.number(kind)


def _history(fields: Fields) -> None:
    _group("history")
    conditions, medications, allergies = st.columns(3)
    with conditions:
        fields.lines("conditions", text("arrival.field.conditions"), hint=text("arrival.hint.list"))
    with medications:
        fields.lines("medications", text("arrival.field.medications"), hint=text("arrival.hint.list"))
    with allergies:
        fields.lines("allergies", text("arrival.field.allergies"), hint=text("arrival.hint.list"))
        fields.tick("no_known_allergies", text("arrival.field.no_known_allergies"))


def _end(here: Here, draft: dict[str, Any], collected: Collected) -> None:
    """What is lacking, and the buttons; a problem or a question stands right above them."""
    names = ", ".join(word("fact", kind.value) for kind in collected.missing)
    show(tag("p", tag("b", text("arrival.missing")), " ", names, cls="ar-missing") if names else _nothing())
    problem: Problem | None = draft["problem"]
    to_correct = draft["pressed"] and bool(collected.refused)
    to_confirm = draft["pressed"] and not to_correct and not collected.confirmable <= draft["confirmed"]
    if to_correct:
        fields = [
            text("arrival.at-field", name=_label(n), why=words_of(o)) for n, o in collected.refused.items()
        ]
        show(callout(many("arrival.to-correct", len(fields)), *fields, tone="danger", live=True))
    elif to_confirm:
        fields = [
            text("arrival.at-field", name=_label(n), why=words_of(o)) for n, o in collected.asked.items()
        ]
        show(callout(text("arrival.to-confirm"), *fields, tone="warn", live=True))
    elif problem is not None:
        show(callout(text("problem.title"), *_told(here, problem), tone="danger", live=True))
    else:
        show(_nothing())
    with st.container(horizontal=True, gap="small"):
        st.button(
            text("arrival.confirm" if to_confirm else "arrival.send"),
            key=f"arrival-{'confirm' if to_confirm else 'press'}-{draft['token'][:8]}",
            type="primary",
            icon=":material/ecg_heart:",
            shortcut="Ctrl+Enter",
            on_click=_press,
            args=("confirm" if to_confirm else "send",),
        )
        if problem is not None and _nothing_was_filed(problem):
            st.button(text("arrival.without-record"), key="arrival-local", on_click=_press, args=("local",))
        st.button(text("arrival.clear"), key="arrival-clear", type="tertiary", on_click=_clear)


def _press(how: str) -> None:
    st.session_state[_SEND] = how


def _clear() -> None:
    st.session_state[DRAFT] = new_draft()


@whole
def _send(here: Here, draft: dict[str, Any], how: str) -> None:
    """Send the form where it can be sent; what was typed stays until it has arrived."""
    collected = _now(here, draft)
    draft.update(pressed=True, problem=None)
    if how == "confirm":
        draft["confirmed"] = collected.confirmable
    if collected.refused or not collected.confirmable <= draft["confirmed"]:
        return
    sent = draft["sent"]
    # The same form with the same values has the same times, so that it is the same record.
    at = sent[0] if sent is not None and sent[1] == collected.entered else here.now
    draft["sent"] = (at, collected.entered)
    form = collected.form(
        token=draft["token"],
        arrived_at=draft["begun"] or at,
        measured_at=at,
        entered_by=here.actor.name,
        test_data=here.actor.local,
    )
    try:
        with st.spinner(text("arrival.sending"), show_time=True):
            entered = here.service.arrive(here.actor, form, local_only=how == "local")
    except Problem as problem:
        draft["problem"] = problem
        return
    st.session_state[DRAFT] = new_draft()
    _say(here, entered.filed, entered.differs, local_only=how == "local")
    here.choose(entered.case.id)
    here.go("patient")


def _say(here: Here, filed: bool, differs: tuple[str, ...], *, local_only: bool) -> None:
    if differs:
        facts = ", ".join(word("fact", kind) for kind in differs)
        here.notice(text("arrival.filed-otherwise", facts=facts), "warn")
    elif filed:
        here.notice(text("arrival.filed"))
    else:
        here.notice(
            text("arrival.kept-after" if local_only else "arrival.kept"), "warn" if local_only else "good"
        )


def _where(here: Here) -> list[Any]:
    """Where it goes, before anything is typed."""
    filed = writes_to(here.settings) is not None
    chips = [
        chip(text("arrival.goes-to-record"), "accent") if filed else chip(text("arrival.stays-here"), "plain")
    ]
    if here.actor.local:
        chips.append(chip(text("arrival.test-data"), "warn"))
    draft = st.session_state[DRAFT]
    begun: datetime | None = draft["begun"]
    if begun is not None:
        chips.append(chip(text("arrival.arrived-at", at=clock_time(begun, here.now)), "plain"))
    return chips


def _told(here: Here, problem: Problem) -> tuple[str, ...]:
    if problem.key == "not-filed":
        return text(f"arrival.not-filed.{problem.values['reason']}"), text("arrival.kept-on-form")
    return here.words(problem), text("arrival.kept-on-form")


def _nothing_was_filed(problem: Problem) -> bool:
    return problem.key == "not-filed" and problem.values["reason"] != NotFiled.UNKNOWN


def _label(name: str) -> str:
    return word("arrival.field", name)


def _group(name: str) -> None:
    show(tag("h2", text(f"arrival.group.{name}"), cls="ar-group"))


def _nothing() -> Any:
    return tag("p", cls="ar-none")
