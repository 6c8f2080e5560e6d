"""New vital signs: typed in the unit of the device, checked while they are typed, assessed again at once."""

from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from agents import Case
from data_schemas import CANONICAL_UNITS, FactKind
from triage.facts import CODE_TEXTS
from triage.plausibility import LIMITS
from triage.verifying.units import affine
from ui.dashboard.auth.signin import touch
from ui.dashboard.here import Here
from ui.dashboard.look import callout, show, tag
from ui.dashboard.patient import told
from ui.dashboard.patient.words import with_unit
from ui.dashboard.services import MEASURABLE, Problem, Typed, in_canonical_unit
from ui.dashboard.strings import text, word

UNITS: dict[FactKind, tuple[str, ...]] = {
    FactKind.TEMPERATURE: ("Cel", "[degF]"),
    FactKind.WEIGHT: ("kg", "[lb_av]"),
    FactKind.GLUCOSE: ("mg/dL", "mmol/L"),
}
"""Kinds that are measured in more than one unit; the first is the canonical one."""
DONE = "patient-measured"
_FIELD, _UNIT = "measure", "unit"
_NOTE = "patient-measured-note"
_OFF = "off"
"""Browsers keep nothing of what is typed about a patient."""
_ODD: dict[str, tuple[Decimal, Decimal]] = {
    "mg/dL": (Decimal(25), Decimal(1500)),
    "mmol/L": (Decimal("1.4"), Decimal(50)),
}
"""Glucose outside this is possible, and more often a number in the other unit: it is asked, never changed. Ours."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A field as it is now: ``value`` in the canonical unit, ``error`` in words where it cannot be taken."""

    value: Decimal | str | None = None
    error: str | None = None
    hint: str | None = None


def new_vital_signs(here: Here, case: Case) -> None:
    """The fields. A fragment: typing draws only them."""

    @st.fragment
    def fields() -> None:
        if st.session_state.get(DONE):
            st.rerun()
        problem = st.session_state.pop("measure-problem", None)
        show(tag("p", text("patient.measure-help"), cls="ed-soft"))
        columns = st.columns(3)
        wrong = []
        for index, kind in enumerate(MEASURABLE):
            with columns[index % 3]:
                checked = _field(kind, case, problem)
                if checked.error is not None:
                    wrong.append(kind)
        if isinstance(problem, Problem) and problem.field not in {kind.value for kind in MEASURABLE}:
            told.show_problem(here, problem)
        st.button(
            text("patient.measure-send"),
            key=f"measure-send-{case.id}",
            type="primary",
            disabled=bool(wrong),
            on_click=_send,
            args=(here, case),
        )

    fields()


def check(kind: FactKind, written: str, unit: str) -> Checked:
    """What a field holds. Nothing is guessed: a number that no living patient has in this unit is an error."""
    if not written.strip():
        return Checked()
    low, high = LIMITS[kind]
    try:
        value = in_canonical_unit(kind, Typed(written, unit))
    except Problem:
        return Checked(
            error=text("patient.measure-wrong", low=_in(kind, low, unit), high=_in(kind, high, unit))
        )
    hint = None
    if unit != CANONICAL_UNITS[kind]:
        hint = text("patient.measure-equals", value=with_unit(kind, value))
    odd = _ODD.get(unit) if kind is FactKind.GLUCOSE else None
    if odd is not None and not _is_within(kind, value, unit, odd):
        hint = text("patient.measure-unit", unit=_unit(unit))
    return Checked(value=value, hint=hint)


def _field(kind: FactKind, case: Case, problem: Problem | None) -> Checked:
    name = word("fact", kind.value)
    if kind is FactKind.AVPU:
        st.pills(  # a second click takes it back: then it is not measured
            name,
            list(CODE_TEXTS[kind]),
            format_func=lambda code: text("patient.level-word", level=code, word=word("avpu", code)),
            key=_key(kind, case),
            wrap=True,  # or the last of them, who does not respond, is out of sight
        )
        return Checked(value=st.session_state.get(_key(kind, case)))
    unit = CANONICAL_UNITS[kind]
    if kind in UNITS:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(name, key=_key(kind, case), live=True, autocomplete=_OFF, max_chars=8)
            unit = (
                st.segmented_control(
                    text("patient.measure-unit-of", name=name),
                    UNITS[kind],
                    default=_unit_now(kind),
                    format_func=_unit,
                    key=f"{_UNIT}-{kind}",
                    label_visibility="collapsed",
                    required=True,
                    on_change=_keep_unit,
                    args=(kind,),
                )
                or unit
            )
    else:
        label = (
            text("patient.measure-label", name=name, unit=word("unit", kind.value))
            if kind is not FactKind.GCS
            else name
        )
        st.text_input(label, key=_key(kind, case), live=True, autocomplete=_OFF, max_chars=8)
    checked = check(kind, st.session_state.get(_key(kind, case)) or "", unit)
    if problem is not None and problem.field == kind.value and checked.error is None:
        checked = Checked(error=text("problem.invalid", detail=problem.values.get("detail", "")))
    # Always something: a line that comes and goes moves the fields below it, and they lose what is being typed.
    if checked.error is not None:
        show(tag("p", tag("b", name), ": ", checked.error, cls="pt-error", role="alert"))
    elif checked.hint is not None:
        show(tag("p", checked.hint, cls="ed-soft", role="status"))
    else:
        show(tag("p", cls="ar-none"))
    return checked


def _send(here: Here, case: Case) -> None:
    """Assess again with what was typed; nothing is sent while a field is wrong."""
    touch(here.now)
    values: dict[FactKind, Decimal | int | str | Typed] = {}
    for kind in MEASURABLE:
        written = st.session_state.get(_key(kind, case))
        if not written or not str(written).strip():
            continue
        values[kind] = str(written) if kind is FactKind.AVPU else Typed(str(written), _unit_now(kind))
    if not values:
        st.session_state["measure-problem"] = Problem("invalid", detail=text("patient.measure-empty"))
        return
    before = case.assessment.level if case.assessment else None
    try:
        after = here.service.reassess(here.actor, case.id, values)
    except Problem as problem:
        st.session_state["measure-problem"] = problem
        return
    for kind in MEASURABLE:
        st.session_state[_key(kind, case)] = None if kind is FactKind.AVPU else ""
    st.session_state[DONE] = True
    if here.service.level_asked(here.actor, after):
        st.session_state[_NOTE] = (text("patient.values-kept"), "good")
    else:
        level = after.assessment.level if after.assessment else None
        key = "patient.measured-same" if level == before else "patient.measured-changed"
        tone = "danger" if before is not None and level is not None and level < before else "good"
        st.session_state[_NOTE] = (text(key, before=before, after=level), tone)


def show_note() -> None:
    """What came of the values, once, where the person who sent them looks."""
    left = st.session_state.pop(_NOTE, None)
    if left is not None:
        show(callout(left[0], tone=left[1], live=True))


def _key(kind: FactKind, case: Case) -> str:
    return f"{_FIELD}-{kind}-{case.id}"


def _keep_unit(kind: FactKind) -> None:
    """The unit holds for the whole session: a department has its devices."""
    st.session_state[f"kept-{_UNIT}-{kind}"] = st.session_state[f"{_UNIT}-{kind}"]


def _unit_now(kind: FactKind) -> str:
    chosen = st.session_state.get(f"{_UNIT}-{kind}") or st.session_state.get(f"kept-{_UNIT}-{kind}")
    return chosen or CANONICAL_UNITS[kind]


def _unit(unit: str) -> str:
    return word("patient.unit", unit)


def _in(kind: FactKind, value: Decimal, unit: str) -> str:
    """A limit in the unit that was chosen."""
    found = affine(kind, unit)
    if found is None:
        return f"{value:f}"
    offset, factor, divisor = found
    return f"{(value * divisor / factor + offset).quantize(Decimal('0.1')).normalize():f}"


def _is_within(kind: FactKind, value: Decimal, unit: str, edges: tuple[Decimal, Decimal]) -> bool:
    return edges[0] <= Decimal(_in(kind, value, unit)) <= edges[1]
