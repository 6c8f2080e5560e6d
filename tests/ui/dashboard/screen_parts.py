"""Small parts for the dashboard's tests: ``from screen_parts import actor, html_of``."""

from datetime import UTC, datetime, timedelta

from streamlit.testing.v1 import AppTest

from ui.dashboard.auth import Actor, Role

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that tests turn by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **length: float) -> None:
        self.now += timedelta(**length)


def actor(role: str = "nurse", name: str | None = None) -> Actor:
    return Actor(name=name or f"{role} one", role=Role(role))


def html_of(app: AppTest) -> str:
    """All HTML that the run put on the screen, without the style sheets."""
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith("<style"))
