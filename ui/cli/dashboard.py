"""``triage ui``: the clinician's dashboard."""

import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from integrations.settings import Settings
from ui.cli import common
from ui.cli.exits import Exit

_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")


def ui(
    host: str | None = typer.Option(
        None, "--host", help="The address to listen on; default TRIAGE_UI__HOST."
    ),
    port: int | None = typer.Option(None, "--port", min=1, max=65535, help="The port; TRIAGE_UI__PORT."),
    demo: bool = typer.Option(False, "--demo", help="The sample patients arrive, one after the other."),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Start the dashboard. Without OpenID Connect it listens on this machine only, for demonstrations."""
    settings = common.settings(data_dir)
    if find_spec("streamlit") is None or find_spec("authlib") is None:
        common.err.say("the dashboard is not installed", "pip install 'ed-triage-agent[ui]'")
        raise typer.Exit(Exit.USAGE)
    address, door = host or settings.ui.host, port or settings.ui.port
    refusal = _refusal(settings, address)
    if refusal is not None:
        common.err.say("not started", refusal)
        raise typer.Exit(Exit.USAGE)
    if data_dir is not None:
        os.environ["TRIAGE_DATA_DIR"] = str(
            data_dir
        )  # the script is run by Streamlit and reads the settings itself
    if demo and settings.ui.oidc_secrets is not None:
        common.err.say(
            "not started", "--demo and TRIAGE_UI__OIDC_SECRETS: sample patients have no place in a hospital"
        )
        raise typer.Exit(Exit.USAGE)
    if demo:
        os.environ["TRIAGE_UI__DEMO"] = "true"
    where = f"[{address}]" if ":" in address else address
    how = "OpenID Connect" if settings.ui.oidc_secrets else "local demonstration, choose a role"
    common.out.print(f"The dashboard is at http://{where}:{door} ({how}). Ctrl-C stops it.", highlight=False)
    serve(options(settings, address, door))


def options(settings: Settings, host: str, port: int) -> dict[str, Any]:
    """Streamlit's options as it takes them from flags: those shipped, the address, where the sign-in is described."""
    shipped = tomllib.loads(files("ui.dashboard").joinpath("config.toml").read_text(encoding="utf-8"))
    flags = {name.replace(".", "_"): value for name, value in _flat(shipped)}
    flags |= {"server_address": host, "server_port": port}
    if settings.ui.oidc_secrets is not None:
        flags["secrets_files"] = [str(settings.ui.oidc_secrets.absolute())]
    return flags


def serve(flags: Mapping[str, Any]) -> None:
    """Run the server until it is stopped."""
    from streamlit.web import bootstrap  # noqa: PLC0415 - takes a second; other commands need none of it

    script = str(files("ui.dashboard").joinpath("app.py"))
    bootstrap.load_config_options(dict(flags))
    bootstrap.run(script, False, [], dict(flags))


def _refusal(settings: Settings, host: str) -> str | None:
    """Why it may not be started so, and what to configure; None where it may."""
    secrets = settings.ui.oidc_secrets
    if secrets is None:
        if _loopback(host):
            return None
        return (
            f"{host} can be reached from other machines, and without OpenID Connect anybody there could choose a role. "
            "Configure TRIAGE_UI__OIDC_SECRETS (a TOML file with an [auth] table, see docs/dashboard.md), "
            "or listen on 127.0.0.1"
        )
    try:
        table = tomllib.loads(secrets.read_text(encoding="utf-8")).get("auth")
    except (OSError, ValueError) as error:
        return (
            f"TRIAGE_UI__OIDC_SECRETS names {secrets}, which cannot be read as TOML ({type(error).__name__})"
        )
    table = table if isinstance(table, dict) else {}
    lacking = [key for key in _NEEDED if not table.get(key)]
    if lacking:
        return f"[auth] in {secrets} lacks {', '.join(lacking)}; docs/dashboard.md has an example"
    redirect = urlsplit(str(table["redirect_uri"]))
    if redirect.scheme != "https" and not _loopback(redirect.hostname or ""):
        return f"redirect_uri in {secrets} is not https: a sign-in could be read on the way"
    return None


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
