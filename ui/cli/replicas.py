"""``triage serve-model --replicas`` and ``triage model balancer``: several servers, and what stands before them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from triage.slm.serving import (
    BalancerOptions,
    Device,
    Replicas,
    ServeError,
    ServeOptions,
    haproxy_config,
)
from triage.slm.serving.process import free_port
from ui.cli import common
from ui.cli.exits import Exit

CONFIG_FILE = "haproxy.cfg"


def several(
    folder: Path,
    count: int,
    options: ServeOptions,
    *,
    device: Device,
    venv: Path,
    install: bool,
    api_key: str,
    logs: Path,
    ready_seconds: float,
    report: Callable[[str], None],
) -> Replicas:
    """Replicas on the ports after ``options.port``, which is left to the balancer.

    Raises:
        ServeError: a port is taken, or the machine has fewer cores or GPUs than replicas.
    """
    first = options.port + 1 if options.port else 0
    return Replicas(
        folder,
        count,
        replace(options, port=first),
        device=device,
        venv=venv,
        install=install,
        api_key=api_key,
        logs=logs,
        ready_seconds=ready_seconds,
        report=report,
    )


def say_ready(replicas: Replicas, port: int, key_file: Path, where: Path) -> None:
    """Write the balancer's configuration, and say how to start it and how clients ask it."""
    own = BalancerOptions(port=port or free_port("127.0.0.1", 0))
    path = where / CONFIG_FILE
    path.write_text(haproxy_config(replicas.urls, own), "utf-8")
    url = f"http://{own.host}:{own.port}"
    for line in (
        *(
            f"replica {number}   {address} after {server.start_seconds:.0f} s ({server.device}); log {server.log}"
            for number, (address, server) in enumerate(
                zip(replicas.urls, replicas.servers, strict=True), start=1
            )
        ),
        f"balancer    start it now: haproxy -f {path}",
        f"clients     TRIAGE_MODEL__ENGINE=vllm TRIAGE_MODEL__URL={url} TRIAGE_MODEL__API_KEY_FILE={key_file}",
    ):
        common.out.print(line, highlight=False, soft_wrap=True, markup=False)
    common.out.print("Ctrl-C ends the replicas")
    replicas.report = lambda words: common.err.say("model server", words, "bold yellow")


def balancer(
    servers: Annotated[
        list[str], typer.Argument(metavar="URL...", help="The replicas, as http://127.0.0.1:8001.")
    ],
    host: Annotated[
        str, typer.Option(help="Where the balancer listens; the default is this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    certificate: Annotated[
        Path | None,
        typer.Option(help="A PEM file with certificate and key, for a balancer that other machines ask."),
    ] = None,
    allow_plain_http: Annotated[
        bool,
        typer.Option(
            "--allow-plain-http", help="Patient data unencrypted, on a network protected otherwise."
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write it here instead of to standard output.")] = None,
) -> None:
    """HAProxy's configuration for several model servers with the same folder and key: `... > haproxy.cfg`."""
    options = BalancerOptions(host, port, certificate, allow_plain_http)
    try:
        text = haproxy_config(servers, options)
    except ServeError as error:
        common.err.say("balancer", error)
        raise typer.Exit(Exit.USAGE) from None
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")
