"""Whether the sign-in is configured so that it may be started. Pure: nothing is asked of the provider."""

import stat
import tomllib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.settings import UiSettings
from ui.dashboard.auth.addresses import is_loopback
from ui.dashboard.auth.roles import Role

_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_SECRET_LENGTH = 32
CALLBACK = "/oauth2callback"
"""Streamlit answers the provider at this path and no other."""


def why_not_started(settings: UiSettings, host: str) -> str | None:
    """Why it may not be started so on this address, and what to configure; None where it may."""
    secrets = settings.oidc_secrets
    if secrets is None:
        if is_loopback(host):
            return None
        return (
            f"{host} can be reached from other machines, and without OpenID Connect anybody there could choose a role. "
            "Configure TRIAGE_UI__OIDC_SECRETS (a TOML file with an [auth] table, see docs/dashboard.md), "
            "or listen on 127.0.0.1"
        )
    try:
        table = tomllib.loads(secrets.read_text(encoding="utf-8")).get("auth")
        everybody = secrets.stat().st_mode & stat.S_IRWXO
    except (OSError, ValueError) as error:
        return (
            f"TRIAGE_UI__OIDC_SECRETS names {secrets}, which cannot be read as TOML ({type(error).__name__})"
        )
    if everybody:
        return f"{secrets} holds secrets and everybody on this machine may open it: chmod o= {secrets}"
    wrong = _wrong(table if isinstance(table, dict) else {})
    return f"[auth] in {secrets} {wrong}" if wrong is not None else _wrong_role(settings.roles)


def _wrong(table: Mapping[str, Any]) -> str | None:
    lacking = [key for key in _NEEDED if not table.get(key)]
    if lacking:
        return f"lacks {', '.join(lacking)}; docs/dashboard.md has an example"
    if len(str(table["cookie_secret"])) < _SECRET_LENGTH:
        return (
            f"has a cookie_secret of fewer than {_SECRET_LENGTH} characters: whoever guesses it signs in as anybody. "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'` makes one"
        )
    for key in ("redirect_uri", "server_metadata_url"):
        address = urlsplit(str(table[key]))
        if address.scheme != "https" and not is_loopback(address.hostname or ""):
            return f"has a {key} that is not https: a sign-in could be read or changed on the way"
    if not urlsplit(str(table["redirect_uri"])).path.endswith(CALLBACK):
        return f"has a redirect_uri that does not end in {CALLBACK}: the provider's answer would reach nobody"
    return None


def _wrong_role(roles: Mapping[str, str]) -> str | None:
    unknown = sorted(set(roles.values()) - set(Role))
    if not unknown:
        return None
    return f"TRIAGE_UI__ROLES gives {', '.join(unknown)}; the roles are {', '.join(Role)}"
