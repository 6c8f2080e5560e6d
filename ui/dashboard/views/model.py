"""Which model answers, what it was measured to do, what is promised, and what it must not be used for."""

import streamlit as st

from ui.dashboard.auth import Permission
from ui.dashboard.here import Here, Page
from ui.dashboard.look import callout, empty_state, heading, section, show, tag
from ui.dashboard.model_parts.card import document
from ui.dashboard.model_parts.sections import attributes, calibration, evaluation, identity, never
from ui.dashboard.strings import text

PAGE = Page("model", ":material/network_intelligence:", Permission.SEE_MODEL, order=50)


def render(here: Here) -> None:
    """Draw it."""
    show(heading(text("model.title"), text("model.lead")))
    with here.problems():
        facts = here.service.model(here.actor)
        if facts.broken:
            show(callout(text("model.broken"), *facts.broken, tone="danger"))
        show(never())
        _state(here)
        show(identity(facts))
        show(calibration(facts))
        show(evaluation(facts))
        if facts.card is None:
            show(empty_state(text("model.no-card"), text(f"model.no-card-of.{facts.engine}")))
        else:
            show(section(text("model.card"), tag("div", document(facts.card), cls="ed-panel", lang="en")))
        show(section(text("model.attributes"), tag("p", text("model.attributes-lead"), cls="ed-soft")))
        if not facts.attributes:
            show(callout(text("model.no-attributes"), text("model.no-attributes-help")))
        for number, (name, answers) in enumerate(attributes(facts.attributes)):
            with st.expander(name, expanded=number == 0, key=f"attributes-{number}"):
                show(answers)


def _state(here: Here) -> None:
    """Whether it answers, on request: the first question loads it, which takes seconds."""
    with st.container(key="model-state", horizontal=True, vertical_alignment="center"):
        if not st.button(text("model.ask"), key="model-ask", icon=":material/health_metrics:"):
            return
        with here.problems():
            with st.spinner(text("model.asking")):
                why = here.service.model_problem(here.actor)
            if why is None:
                show(callout(text("model.answers"), tone="good", live=True))
            else:
                show(callout(text("model.silent", what=why), text("model.silent-help"), live=True))
