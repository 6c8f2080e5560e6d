"""What happened to a case, whether the chain still proves it, and whether the same answer comes again."""

import time

import streamlit as st

from agents import Case
from ui.dashboard.audit_parts import chain, replaying
from ui.dashboard.audit_parts.access import access
from ui.dashboard.audit_parts.timeline import timeline
from ui.dashboard.auth import Permission
from ui.dashboard.here import Here, Page
from ui.dashboard.look import empty_state, heading, panel, section, show, tag
from ui.dashboard.strings import text
from ui.dashboard.times import clock_time

PAGE = Page("audit", ":material/policy:", Permission.REPLAY, order=60)

_CHECKED, _REPLAYED, _EXPORTED = "_chain_checked", "_replayed", "_exported"
_ASKED = "_audit_asked"
"""What was asked for and is not done yet: a result's key, and the case that it was asked of (None: the whole chain).

A click on something else stops the run that a click began. What that run had not done yet is done by the next.
"""
_RECENT = 25


def render(here: Here) -> None:
    """Draw it."""
    show(heading(text("audit.title"), text("audit.lead")))
    _chain(here)
    _choose(here)
    if here.case_id is None:
        show(empty_state(text("audit.none-chosen"), text("audit.none-chosen-help")))
    else:
        _case(here, here.case_id)
    with st.expander(text("audit.access")):
        show(access())


def _chain(here: Here) -> None:
    show(section(text("audit.chain"), tag("p", text("audit.chain-lead"), cls="ed-soft")))
    if not here.may(Permission.SEE_AUDIT):
        show(panel(tag("p", text("audit.not-yours", role=text(f"role.{here.actor.role}")))))
        return
    st.button(
        text("audit.verify"),
        key="audit-verify",
        icon=":material/verified:",
        type="primary",
        on_click=_ask,
        args=(_CHECKED, None),
    )
    if _asked(_CHECKED, None):
        with here.problems(), st.spinner(text("audit.verifying")):
            begun = time.perf_counter()
            report = here.service.verify_chain(here.actor)
            st.session_state[_CHECKED] = chain.Checked(report, here.now, time.perf_counter() - begun)
        _done(_CHECKED)
    checked = st.session_state.get(_CHECKED)
    if checked is not None:
        show(chain.verdict(checked, here.now))


def _choose(here: Here) -> None:
    show(section(text("audit.case")))
    with here.problems():
        recent = {case.id: case for case in here.service.cases(here.actor, limit=_RECENT)}
        if not recent:
            show(panel(tag("p", text("audit.no-cases"))))
            return
        with st.container(key="audit-choose", horizontal=True, vertical_alignment="bottom"):
            picked = st.selectbox(
                text("audit.recent"),
                list(recent),
                index=None,
                format_func=lambda case_id: _label(recent[case_id], here),
                placeholder=text("audit.pick"),
                key="audit-recent",
                width=420,
            )
            typed = st.text_input(
                text("audit.typed"), key="audit-typed", max_chars=80, width=340, autocomplete="off"
            )
            st.button(
                text("audit.open"),
                key="audit-open",
                disabled=not (picked or typed.strip()),
                on_click=_open,
                args=(here, typed.strip() or str(picked)),
            )


def _open(here: Here, case_id: str) -> None:
    """In the click's callback: another click soon after it takes nothing back."""
    here.choose(case_id)
    _forget()


def _ask(result: str, case_id: str | None) -> None:
    """Keep what a click asks for until it is done; an older answer to it stands no longer."""
    st.session_state.setdefault(_ASKED, {})[result] = case_id
    st.session_state.pop(result, None)


def _asked(result: str, case_id: str | None) -> bool:
    """Whether this is to be done now, for this case."""
    asked: dict[str, str | None] = st.session_state.get(_ASKED, {})
    return result in asked and asked[result] == case_id


def _done(result: str) -> None:
    """It was done, or could not be and that was said."""
    st.session_state.get(_ASKED, {}).pop(result, None)


def _case(here: Here, case_id: str) -> None:
    with here.problems():
        steps = here.service.timeline(here.actor, case_id)
        show(tag("p", text("audit.case-id"), " ", tag("span", case_id, cls="ed-hash"), cls="ed-soft"))
        _actions(here, case_id)
        show(timeline(steps, here.now))


def _actions(here: Here, case_id: str) -> None:
    with st.container(key="audit-actions", horizontal=True, vertical_alignment="center"):
        st.button(
            text("audit.replay"),
            key="audit-replay",
            icon=":material/replay:",
            on_click=_ask,
            args=(_REPLAYED, case_id),
        )
        if here.may(Permission.EXPORT):
            _export(here, case_id)
    if _asked(_REPLAYED, case_id):
        with here.problems(), st.spinner(text("audit.replaying")):
            st.session_state[_REPLAYED] = (case_id, here.service.replay(here.actor, case_id))
        _done(_REPLAYED)
    kept = st.session_state.get(_REPLAYED)
    if kept is not None and kept[0] == case_id:
        show(replaying.verdict(kept[1]))


def _export(here: Here, case_id: str) -> None:
    """Made on request only: it holds everything that is kept of the patient."""
    st.button(
        text("audit.export"),
        key="audit-export",
        icon=":material/inventory_2:",
        on_click=_ask,
        args=(_EXPORTED, case_id),
    )
    if _asked(_EXPORTED, case_id):
        with here.problems():
            made = here.service.export(here.actor, case_id)
            st.session_state[_EXPORTED] = (case_id, made.model_dump_json(indent=2))
        _done(_EXPORTED)
    kept = st.session_state.get(_EXPORTED)
    if kept is not None and kept[0] == case_id:
        st.download_button(
            text("audit.download"),
            data=kept[1],
            file_name="case.json",
            mime="application/json",
            key="audit-download",
            icon=":material/download:",
            on_click=_handed_out,
        )


def _label(case: Case, here: Here) -> str:
    level = case.review.level if case.review else case.assessment.level if case.assessment else None
    return text(
        "audit.label",
        at=clock_time(case.created_at, here.now),
        level=text("level.none") if level is None else text("level.short", level=level),
        phase=text(f"audit.phase.{case.phase}"),
        code=case.id[:4].upper(),
    )


def _handed_out() -> None:
    st.session_state.pop(_EXPORTED, None)


def _forget() -> None:
    for key in (_REPLAYED, _EXPORTED):
        st.session_state.pop(key, None)
        _done(key)
