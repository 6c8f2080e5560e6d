"""What is around every page: style, sign-in, navigation, account, the watch over idle sessions."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui.dashboard.auth.signin import gate, sign_out, signed_in
from ui.dashboard.clicks import keep_clicks
from ui.dashboard.here import Here, Page
from ui.dashboard.look import apply_style, brand, empty_state, show, tag
from ui.dashboard.services import Dashboard, connected
from ui.dashboard.strings import LANGUAGES, language, text
from ui.dashboard.timers import drop_timers
from ui.dashboard.views import all_pages

FIRST, WALL = "first_page", "wall"
_WATCH_SECONDS = 20


def run() -> None:
    """One run of the script for one session."""
    keep_clicks()
    service = connected()
    st.session_state.setdefault("language", service.settings.ui.language)
    wall = bool(st.session_state.get(WALL))
    st.set_page_config(
        page_title=text("app.tab"),
        page_icon=":material/emergency_heat:",
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    apply_style(wall=wall)
    actor = gate(service.settings.ui, service.now, wall=wall)
    if actor is None:
        drop_timers()
        st.navigation([st.Page(_nothing, title=text("signin.title"), url_path="sign-in")], position="hidden")
        return
    targets: dict[str, Any] = {}
    here = Here(actor, service, targets)
    pages = [(page, render) for page, render in all_pages() if actor.may(page.permission)]
    first = st.session_state.get(FIRST)
    names = [page.name for page, _ in pages]
    for page, render in pages:
        default = page.name == (first if first in names else names[0])
        targets[page.name] = _page(page, render, here, default=default)
    if not targets:
        show(empty_state(text("app.no-page")))
        return
    chosen = st.navigation(list(targets.values()), position="hidden" if wall else "top")
    if not wall:
        _account(here)
        _narrow_navigation(here, [page for page, _ in pages])
    with st.container(key="notice"):  # a place of its own: what follows must not move with it
        here.show_notice()
    chosen.run()
    _watch(service)


def still_here(service: Dashboard) -> None:
    """For pieces that a timer draws: draw the whole page anew where the session has ended meanwhile.

    A wall screen may stand idle, but not outlive its sign-in.
    """
    if signed_in(service.settings.ui, service.now, idle=not st.session_state.get(WALL)) is None:
        st.rerun()


def leave_wall() -> None:
    """Back from the wall screen. Whoever left it on for long has to sign in again."""
    st.session_state[WALL] = False


def _page(page: Page, render: Callable[[Here], None], here: Here, *, default: bool) -> Any:
    def draw() -> None:
        render(here)

    return st.Page(draw, title=text(f"nav.{page.name}"), icon=page.icon, url_path=page.name, default=default)


def _account(here: Here) -> None:
    """In the header's line: the program's name on the left, who is signed in on the right."""
    show(brand(text("app.name")))
    with st.container(
        key="account", horizontal=True, horizontal_alignment="right", vertical_alignment="center"
    ):
        if here.actor.local:
            show(tag("p", text("app.local"), cls="ed-demo", role="note"))
        label = text("app.account", role=text(f"role.{here.actor.role}"))
        with st.popover(label, icon=":material/account_circle:", width="content"):
            show(tag("p", text("app.signed-in-as", name=here.actor.name)))
            st.selectbox(
                text("app.language"),
                list(LANGUAGES),
                index=list(LANGUAGES).index(language()),
                format_func=LANGUAGES.__getitem__,
                key="_language",
                on_change=_speak,
            )
            st.button(
                text("app.sign-out"),
                key="sign-out",
                on_click=sign_out,
                args=(here.settings.ui,),
                width="stretch",
            )


def _narrow_navigation(here: Here, pages: Sequence[Page]) -> None:
    """The same pages one click away on a phone, where Streamlit folds its navigation into a sidebar. CSS shows it."""
    with st.container(key="narrow-nav", horizontal=True):
        for page in pages:
            st.page_link(here.targets[page.name], label=text(f"nav.{page.name}"), icon=page.icon)


def _speak() -> None:
    st.session_state["language"] = st.session_state["_language"]


def _watch(service: Dashboard) -> None:
    @st.fragment(run_every=_WATCH_SECONDS)
    def watch() -> None:
        still_here(service)

    watch()


def _nothing() -> None:
    """The sign-in page is drawn by the gate."""
