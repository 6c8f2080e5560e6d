"""The gate before every page: OpenID Connect, or in local mode a choice of role; and the idle time-out."""

from datetime import datetime, timedelta

import streamlit as st

from integrations.settings import UiSettings
from ui.dashboard.auth.claims import SignInRefusedError, actor_of
from ui.dashboard.auth.roles import Actor, Role
from ui.dashboard.look import show, tag
from ui.dashboard.strings import text

_ACTOR, _ACTIVE, _WHY = "_actor", "_active_at", "_signed_out_why"


def signed_in(settings: UiSettings, now: datetime, *, idle: bool = True) -> Actor | None:
    """Who is signed in, and still may be: checks the token's expiry and the idle time. Changes nothing."""
    try:
        actor = _of_token(settings, now) if settings.oidc_secrets else st.session_state.get(_ACTOR)
    except SignInRefusedError:
        return None
    active = st.session_state.get(_ACTIVE)
    too_long = active is not None and now - active > timedelta(minutes=settings.idle_minutes)
    if actor is None or (idle and too_long):
        return None
    return actor if isinstance(actor, Actor) else None


def touch(now: datetime) -> None:
    """Somebody did something. Runs that a timer starts do not call this, or nobody would ever be idle."""
    st.session_state[_ACTIVE] = now


def gate(settings: UiSettings, now: datetime, *, wall: bool = False) -> Actor | None:
    """The actor, or None after the sign-in page was shown. Call it at the start of every full run.

    ``wall``: nobody touches a wall screen, so it may stand idle; it shows no name and leads nowhere.
    """
    actor = signed_in(settings, now, idle=not wall)
    if actor is not None:
        if not wall:
            touch(now)
        return actor
    if st.session_state.get(_ACTIVE) is not None:
        idle = now - st.session_state[_ACTIVE] > timedelta(minutes=settings.idle_minutes)
        forget()
        st.session_state[_WHY] = "idle" if idle else "expired"
        if settings.oidc_secrets:
            st.logout()  # the cookie goes too; else a new run would let them in again
    if settings.oidc_secrets:
        _oidc_page(settings, now)
    else:
        _local_page(now)
    return None


def sign_out(settings: UiSettings) -> None:
    """Forget everything of this session; the next run shows the sign-in page."""
    forget()
    if settings.oidc_secrets:
        st.logout()


def forget() -> None:
    """Empty the session: the actor, the chosen case, every field; the language stays."""
    language = st.session_state.get("language")
    for key in list(st.session_state):
        del st.session_state[key]
    if language is not None:
        st.session_state["language"] = language


def enter(role: Role, now: datetime) -> None:
    """Local mode: come in with a role."""
    st.session_state[_ACTOR] = Actor(
        name=text("signin.local-name", role=text(f"role.{role}")), role=role, local=True
    )
    touch(now)


def _of_token(settings: UiSettings, now: datetime) -> Actor | None:
    if not st.user.is_logged_in:
        return None
    return actor_of(st.user.to_dict(), settings, now)


def _card(title: str, *lines: str) -> None:
    show(
        tag(
            "div",
            tag("div", text("app.name"), cls="ed-brand"),
            tag("h1", title),
            *(tag("p", line) for line in lines),
            cls="ed-signin",
        )
    )


def _why() -> tuple[str, ...]:
    why = st.session_state.pop(_WHY, None)
    return () if why is None else (text(f"signin.{why}"),)


def _oidc_page(settings: UiSettings, now: datetime) -> None:
    with st.container(horizontal_alignment="center"), st.container(key="signin", width=520):
        _oidc_card(settings, now)


def _oidc_card(settings: UiSettings, now: datetime) -> None:
    lines = _why()
    if st.user.is_logged_in:
        try:
            actor_of(st.user.to_dict(), settings, now)
        except SignInRefusedError as refused:
            lines += (text(f"signin.{refused.key}"),)
        _card(text("signin.title"), *lines)
        st.button(text("signin.other"), on_click=st.logout, type="primary")
        return
    _card(text("signin.title"), *lines, text("signin.oidc"))
    st.button(text("signin.enter"), on_click=st.login, type="primary")


def _local_page(now: datetime) -> None:
    with st.container(horizontal_alignment="center"), st.container(key="signin", width=520):
        _card(text("signin.local-title"), *_why(), text("signin.local"))
        for role in Role:
            st.button(
                text(f"role.{role}"),
                key=f"enter-{role}",
                help=text(f"role-help.{role}"),
                on_click=enter,
                args=(role, now),
                width="stretch",
                type="primary" if role is Role.NURSE else "secondary",
            )
