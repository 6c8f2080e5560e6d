"""``triage ui``: the clinician's dashboard."""

import errno
import socket
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from integrations.settings import Settings
from ui.cli import common
from ui.cli.dashboard_demo import demonstration
from ui.cli.exits import Exit
from ui.dashboard.auth.configured import why_not_started


def ui(
    host: str | None = typer.Option(
        None, "--host", help="The address to listen on; default TRIAGE_UI__HOST."
    ),
    port: int | None = typer.Option(None, "--port", min=1, max=65535, help="The port; TRIAGE_UI__PORT."),
    demo: bool = typer.Option(
        False, "--demo", help="Sample patients arrive live on a FHIR server that is started for it."
    ),
    every: float = typer.Option(8.0, "--every", min=0.5, help="With --demo: seconds between two arrivals."),
    limit: int | None = typer.Option(None, "--limit", min=1, help="With --demo: only so many patients."),
    venv: Path | None = typer.Option(
        None, "--sandbox-venv", help="With --demo: the environment of the sandbox FHIR server."
    ),
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Start the dashboard. Without OpenID Connect it listens on this machine only, for demonstrations."""
    settings = common.with_engine(common.settings(data_dir), engine)
    if find_spec("streamlit") is None or find_spec("authlib") is None:
        common.err.say("the dashboard is not installed", "pip install 'ed-triage-agent[ui]'")
        raise typer.Exit(Exit.USAGE)
    address, door = host or settings.ui.host, port or settings.ui.port
    if demo and settings.ui.oidc_secrets is not None:
        common.err.say(
            "not started", "--demo and TRIAGE_UI__OIDC_SECRETS: sample patients have no place in a hospital"
        )
        raise typer.Exit(Exit.USAGE)
    refusal = why_not_started(settings.ui, address) or _taken(address, door)
    if refusal is not None:
        common.err.say("not started", refusal)
        raise typer.Exit(Exit.USAGE)
    try:
        if demo:
            with demonstration(settings, data_dir, venv=venv, every_s=every, limit=limit) as around:
                _run(around, address, door)
        else:
            _run(settings, address, door)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None


def _run(settings: Settings, address: str, door: int) -> None:
    """Serve the dashboard of these settings until it is stopped."""
    from ui.dashboard.services import Dashboard, connect, disconnect  # noqa: PLC0415 - brings Streamlit

    where = f"[{address}]" if ":" in address else address
    how = "OpenID Connect" if settings.ui.oidc_secrets else "local demonstration, choose a role"
    common.out.print(f"The dashboard is at http://{where}:{door} ({how}). Ctrl-C stops it.", highlight=False)
    connect(Dashboard(settings))
    try:
        serve(options(settings, address, door))
    finally:
        disconnect()


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


def _taken(host: str, port: int) -> str | None:
    """Whether something else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"{host}:{port} is taken by another program; choose another with --port"
    return None


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
