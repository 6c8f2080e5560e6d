"""``triage train preference``: the stage after fine-tuning (extra ``train``)."""

import json
from pathlib import Path
from typing import Any

import typer

from triage.slm.chat import ChatFormatError
from triage.slm.errors import EngineError
from triage.slm.shipped import resolve_adapter
from triage.training.config import TrainingError
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit


def preference(
    config: Path = typer.Argument(
        help="A recipe, such as triage/training/configs/preference_cpu.yaml.", exists=True, dir_okay=False
    ),
    start_from: str = typer.Option(
        ..., "--start-from", help="The fine-tuned adapter: a folder, a shipped one's name, or `default`."
    ),
    out: Path = typer.Option(
        ..., "--out", help="Where the new adapter goes; the folder of a stopped run goes on.", file_okay=False
    ),
) -> None:
    """Teach an adapter to prefer safer levels and citations that stand; leaves an adapter with its calibration."""
    try:
        from triage.training.preference.run import run  # noqa: PLC0415 - torch and trl are only in the extra
    except ImportError as error:
        common.err.print(
            f"[bold red]{error.name} is not installed[/]: pip install 'ed-triage-agent\\[train]'",
            highlight=False,
        )
        raise typer.Exit(Exit.FAILED) from None

    def report(row: dict[str, Any]) -> None:
        common.out.print(json.dumps(row), highlight=False, soft_wrap=True, markup=False)

    try:
        adapter = resolve_adapter(start_from)
        if adapter is None:
            raise TrainingError(
                "--start-from names the base model: this stage goes on from a fine-tuned adapter"
            )
        run(config, adapter, out, report=report)
    except KeyboardInterrupt:
        common.err.say("interrupted", "the same command goes on from the last checkpoint", "bold yellow")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except (EngineError, TrainingError, ChatFormatError, CorpusError) as error:
        common.err.say("not trained", error)
        raise typer.Exit(Exit.FAILED) from None
    common.out.print(
        f"adapter in {out}; try it: TRIAGE_MODEL__ADAPTER={out} triage assess ...", highlight=False
    )
