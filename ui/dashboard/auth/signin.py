"""The gate before every page: OpenID Connect, or in local mode a choice of role; and the idle time-out."""

from datetime import datetime, timedelta

import streamlit as st

from integrations.settings import UiSettings
from ui.dashboard.auth.claims import SignInRefusedError, actor_of
from ui.dashboard.auth.roles import Actor, Role
from ui.dashboard.auth.sittings import Sittings, key_of
from ui.dashboard.auth.whence import browser, from_here
from ui.dashboard.look import show, tag
from ui.dashboard.strings import text

_ACTOR, _ACTIVE, _IDLE, _WHY = "_actor", "_active_at", "_idle_after", "_signed_out_why"
_sittings = Sittings()


def signed_in(settings: UiSettings, now: datetime, *, idle: bool = True) -> Actor | None:
    """Who is signed in, and still may be: checks the token's expiry and the idle time. Changes nothing."""
    try:
        actor = _of_token(settings, now) if settings.oidc_secrets else _of_choice()
    except SignInRefusedError:
        return None
    if (
        actor is None
        or _ended() is not None
        or (idle and _is_idle(now, timedelta(minutes=settings.idle_minutes)))
    ):
        return None
    return actor


def touch(now: datetime) -> None:
    """Somebody did something. Runs that a timer starts do not call this, or nobody would ever be idle.

    Who was idle for too long already stays so: a click on a screen that was left open brings nobody back.
    """
    limit = st.session_state.get(_IDLE)
    if limit is not None and _is_idle(now, limit):
        return
    st.session_state[_ACTIVE] = now
    if st.user.get("is_logged_in"):
        _sittings.touch(key_of(st.user), now)


def gate(settings: UiSettings, now: datetime, *, wall: bool = False) -> Actor | None:
    """The actor, or None after the sign-in page was shown. Call it at the start of every full run.

    ``wall``: nobody touches a wall screen, so it may stand idle; it shows no name and leads nowhere.
    """
    actor = signed_in(settings, now, idle=not wall)
    if actor is not None:
        st.session_state[_IDLE] = timedelta(minutes=settings.idle_minutes)
        if not wall:
            touch(now)
        return actor
    why = _why_ended(settings, now)
    if _ended() is not None:
        forget()  # the tab that ended it took the cookie back; a newer one is not to be touched
    elif why is not None:
        forget()
        st.session_state[_WHY] = why
        if settings.oidc_secrets:
            _log_out(why)  # the cookie goes too, and the provider's own session
    if settings.oidc_secrets:
        _oidc_page(settings, now)
    else:
        _local_page(now)
    return None


def sign_out(settings: UiSettings) -> None:
    """Forget everything of this session, in all its tabs; the next run shows the sign-in page."""
    forget()
    if settings.oidc_secrets:
        _log_out("ended", tell=False)


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


def _of_choice() -> Actor | None:
    actor = st.session_state.get(_ACTOR)
    return actor if isinstance(actor, Actor) and from_here() else None


def _ended() -> str | None:
    """Why the sign-in of this session's cookie was ended in another tab; None where it was not."""
    return _sittings.ended(key_of(st.user)) if st.user.get("is_logged_in") else None


def _is_idle(now: datetime, limit: timedelta) -> bool:
    if not st.user.get("is_logged_in"):
        active = st.session_state.get(_ACTIVE)
        return active is not None and now - active > limit
    used = _sittings.last_used(key_of(st.user), st.user)
    return used is None or now - used > limit


def _why_ended(settings: UiSettings, now: datetime) -> str | None:
    """Why somebody who was in is not any more; None where nobody was, or who was refused."""
    if not settings.oidc_secrets:
        return None if st.session_state.get(_ACTIVE) is None else "idle"
    if not st.user.is_logged_in:
        return None
    try:
        actor_of(st.user.to_dict(), settings, now)
    except SignInRefusedError as refused:
        return refused.key if refused.key == "expired" else None
    return "idle"


def _log_out(why: str, *, tell: bool = True) -> None:
    """End the sign-in here, and by way of Streamlit its cookies and the session at the provider."""
    if st.user.get("is_logged_in"):
        _sittings.end(key_of(st.user), why)
    here = browser()
    if tell and here is not None:
        _sittings.explain(here, why)
    st.logout()


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
    here = browser()
    why = st.session_state.pop(_WHY, None) or (_sittings.explanation(here) if here else None)
    return () if why is None else (text(f"signin.{why}"),)


def _oidc_page(settings: UiSettings, now: datetime) -> None:
    with st.container(horizontal_alignment="center"), st.container(key="signin", width=520):
        _oidc_card(settings, now)


def _oidc_card(settings: UiSettings, now: datetime) -> None:
    ended = _ended()
    lines = _why() if ended is None else (text(f"signin.{ended}"),)
    if st.user.is_logged_in and ended is None:
        try:
            actor_of(st.user.to_dict(), settings, now)
        except SignInRefusedError as refused:
            lines += (text(f"signin.{refused.key}"),)
        _card(text("signin.title"), *lines)
        st.button(text("signin.other"), on_click=sign_out, args=(settings,), type="primary")
        return
    _card(text("signin.title"), *lines, text("signin.oidc"))
    st.button(text("signin.enter"), on_click=st.login, type="primary")


def _local_page(now: datetime) -> None:
    with st.container(horizontal_alignment="center"), st.container(key="signin", width=520):
        if not from_here():
            _card(text("signin.title"), text("signin.not-from-here"))
            return
        _card(text("signin.local-title"), *_why(), text("signin.local"))
        for role in Role:
            st.button(
                text(f"role.{role}"),
                key=f"enter-{role}",
                on_click=enter,
                args=(role, now),
                width="stretch",
                type="primary" if role is Role.NURSE else "secondary",
            )
            show(tag("p", text(f"role-help.{role}"), cls="ed-role"))
