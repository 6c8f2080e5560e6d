"""What a page is given, and what a page is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import streamlit as st

from integrations.settings import Settings
from ui.dashboard.auth.roles import Actor, Permission
from ui.dashboard.look import callout, show
from ui.dashboard.services import Dashboard, Problem
from ui.dashboard.strings import text
from ui.dashboard.timers import drop_timers
from ui.dashboard.times import clock_time

CASE = "case_id"
"""Where the chosen case is: in the session only, never in an address, a title or the browser's storage."""
_NOTICE = "_notice"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the dashboard; every module in ``ui.dashboard.views`` has one as ``PAGE``, and ``render(here)``.

    ``name`` is its address and its key below ``nav`` in the catalogue; ``order`` its place in the navigation.
    """

    name: str
    icon: str
    permission: Permission
    order: int


@dataclass(frozen=True)
class Here:
    """The signed-in person, the service, and where to go."""

    actor: Actor
    service: Dashboard
    targets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The one configuration."""
        return self.service.settings

    @property
    def now(self) -> datetime:
        """The time now."""
        return self.service.now

    @property
    def case_id(self) -> str | None:
        """The chosen case."""
        return st.session_state.get(CASE)

    def choose(self, case_id: str) -> None:
        """Choose a case; ``go("patient")`` shows it."""
        st.session_state[CASE] = case_id

    def go(self, name: str) -> None:
        """Show another page now. Does nothing where the role has no such page."""
        if name in self.targets:
            drop_timers()
            st.switch_page(self.targets[name])

    def may(self, permission: Permission) -> bool:
        """Whether to offer something. The service asks again."""
        return self.actor.may(permission)

    @contextmanager
    def problems(self) -> Iterator[None]:
        """Around what may not succeed: a problem is shown here, in words, and the page goes on after it."""
        try:
            yield
        except Problem as problem:
            show(callout(text("problem.title"), self.words(problem), tone="danger", live=True))

    def words(self, problem: Problem) -> str:
        """What a problem is, in words."""
        values = dict(problem.values)
        if problem.at is not None:
            values["at"] = clock_time(problem.at, self.now)
        if problem.key == "not-allowed":
            values["role"] = text(f"role.{self.actor.role}")
        return text(f"problem.{problem.key}", **values)

    def notice(self, words: str, tone: str = "good") -> None:
        """Say it on the next run: for what was done just before the page is drawn anew."""
        st.session_state[_NOTICE] = (words, tone)

    def show_notice(self) -> None:
        """Show what ``notice`` left, once."""
        left = st.session_state.pop(_NOTICE, None)
        if left is not None:
            show(callout(left[0], tone=left[1], live=True))
