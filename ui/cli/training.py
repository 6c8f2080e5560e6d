"""``triage train``: fine-tune the model. Needs the extra ``train``."""

import json
from pathlib import Path
from typing import Any

import typer

from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="Fine-tuning (extra `train`).")


@app.callback()
def _group() -> None:
    """Keeps ``finetune`` a subcommand while it is the only one."""


@app.command()
def finetune(
    config: Path = typer.Argument(
        help="A recipe, such as triage/training/configs/embedded_cpu.yaml.", exists=True
    ),
    out: Path = typer.Option(..., "--out", help="Where the adapter goes."),
    start_from: Path | None = typer.Option(None, "--from", help="Go on from this adapter."),
) -> None:
    """Fine-tune by a recipe; leaves an adapter with its calibration, and the run's record."""
    try:
        from triage.training.run import run  # noqa: PLC0415 - torch is only in the extra
    except ImportError as error:
        common.err.print(
            f"[bold red]{error.name} is not installed[/]: pip install 'ed-triage-agent\\[train]'",
            highlight=False,
        )
        raise typer.Exit(Exit.FAILED) from None

    def report(row: dict[str, Any]) -> None:
        common.out.print(json.dumps(row), highlight=False, soft_wrap=True)

    try:
        run(config, out, start_from=start_from, report=report)
    except CorpusError as error:
        common.err.say("not read", error)
        raise typer.Exit(Exit.FAILED) from None
    common.out.print(
        f"adapter in {out}; try it: TRIAGE_MODEL__ADAPTER={out} triage assess ...", highlight=False
    )
