"""From the claims of an identity token to an actor. Pure: what the browser and Streamlit do is in ``signin``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.settings import UiSettings
from ui.dashboard.auth.roles import Actor, Role
from ui.dashboard.auth.sittings import instant


class SignInRefusedError(Exception):
    """The claims name nobody who may come in. ``key`` is the message's key in the catalogue, below ``signin``."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def actor_of(claims: Mapping[str, Any], settings: UiSettings, now: datetime) -> Actor:
    """Who signed in.

    Streamlit checks a token when it is issued and keeps its claims in a cookie for weeks; whether it has expired is
    checked here, at every run.

    Raises:
        SignInRefusedError: the token has no expiry or it has passed, or it names no person or no one role.
    """
    until = instant(claims.get("exp"))
    if until is None:
        raise SignInRefusedError("no-expiry")
    if now >= until:
        raise SignInRefusedError("expired")
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not name.strip():
        raise SignInRefusedError("no-name")
    return Actor(name=name.strip(), role=_role(claims, settings), until=until)


def _role(claims: Mapping[str, Any], settings: UiSettings) -> Role:
    """The one role that the claim names; two are refused, because nobody chose between them."""
    value: Any = claims.get(settings.role_claim)
    if value is None:
        value = claims
        for part in settings.role_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    named = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    known = settings.roles or {role.value: role.value for role in Role}
    roles = {Role(known[item]) for item in named if isinstance(item, str) and known.get(item) in set(Role)}
    if len(roles) != 1:
        raise SignInRefusedError("no-role" if not roles else "many-roles")
    return roles.pop()
