"""``triage train``: fine-tune the model (extra ``train``), and make a teacher for it (extra ``eval``)."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from triage.slm.chat import ChatFormatError
from triage.slm.errors import EngineError
from triage.slm.shipped import resolve_adapter
from triage.training.config import TrainingError, check
from triage.training.corpus import CorpusError
from triage.training.parts import READERS, SHIPPED, PartConfig
from ui.cli import common
from ui.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="Fine-tuning (extra `train`) and what it learns from.")


@app.command()
def finetune(
    config: Path = typer.Argument(
        help="A recipe, such as triage/training/configs/embedded_cpu.yaml.", exists=True, dir_okay=False
    ),
    out: Path = typer.Option(
        ..., "--out", help="Where the adapter goes: a new or empty folder.", file_okay=False
    ),
    start_from: str | None = typer.Option(
        None, "--start-from", help="Go on from this adapter: a folder, a shipped one's name, or `default`."
    ),
    resume: bool = typer.Option(False, "--resume", help="Go on with the unfinished run in --out."),
    base: str | None = typer.Option(
        None, "--base", help="A local folder in Hugging Face format, or `embedded`, instead of the recipe's."
    ),
    minutes: float | None = typer.Option(None, "--minutes", min=0.01, help="Instead of the recipe's."),
) -> None:
    """Fine-tune by a recipe; leaves an adapter with its calibration, its learning curve and the run's record."""
    try:
        from triage.training.run import RunOptions, run  # noqa: PLC0415 - torch is only in the extra
    except ImportError as error:
        common.err.print(
            f"[bold red]{error.name} is not installed[/]: pip install 'ed-triage-agent\\[train]'",
            highlight=False,
        )
        raise typer.Exit(Exit.FAILED) from None

    try:
        adapter = resolve_adapter(start_from) if start_from is not None else None
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=common.err,
            transient=True,
        ) as progress:
            bar = progress.add_task("start", total=1.0)

            def on_step(step: int, done: float, loss: float) -> None:
                progress.update(bar, completed=min(done, 1.0), description=f"step {step}, loss {loss:.3f}")

            def report(row: dict[str, Any]) -> None:
                common.out.print(json.dumps(row), highlight=False, soft_wrap=True, markup=False)

            record = run(
                config,
                out,
                RunOptions(adapter, resume, base, minutes),
                report=report,
                on_step=on_step,
                say=lambda text: progress.update(bar, description=text),
            )
    except KeyboardInterrupt:
        common.err.say(
            "interrupted",
            "the last checkpoint is kept; the same command with --resume goes on",
            "bold yellow",
        )
        raise typer.Exit(Exit.INTERRUPTED) from None
    except (EngineError, TrainingError, ChatFormatError, CorpusError, FloatingPointError) as error:
        common.err.say("not trained", error)
        raise typer.Exit(Exit.FAILED) from None
    common.out.print(
        f"{record['steps']} steps, stopped by {record['stopped_by']}; step {record['best_step']} is kept in {out}; "
        f"try it: TRIAGE_MODEL__ADAPTER={out} triage assess ...",
        highlight=False,
    )


@app.command()
def teacher(
    dataset: str = typer.Option(..., "--dataset", help=f"One of {', '.join([*READERS, *SHIPPED])}."),
    data: Path | None = typer.Option(
        None, "--data", help="File or folder; what ships with us has none.", exists=True
    ),
    group: list[str] = typer.Option(
        [], "--group", help="Only cases whose group starts with this, such as a year; may be repeated."
    ),
    out: Path = typer.Option(
        ..., "--out", help="A .parquet file, for `teacher` in a recipe.", dir_okay=False
    ),
) -> None:
    """Let gradient boosting say how likely each level is for every case, always by hospitals it has not seen."""
    try:
        from triage.training.distill import write_teacher  # noqa: PLC0415 - LightGBM is only in the extra
    except ImportError as error:
        common.err.print(
            f"[bold red]{error.name} is not installed[/]: pip install 'ed-triage-agent\\[eval]'",
            highlight=False,
        )
        raise typer.Exit(Exit.FAILED) from None
    try:
        part = check(PartConfig, {"dataset": dataset, "path": data, "groups": group}, "what to read")
        with common.err.status("reading, then five folds of boosting") as status:
            cases = write_teacher(
                part.read(),
                out,
                progress=lambda fold, model: status.update(f"fold {fold} of 5: {model.rounds} rounds"),
            )
    except (TrainingError, CorpusError) as error:
        common.err.say("no teacher", error)
        raise typer.Exit(Exit.FAILED) from None
    common.out.print(f"{cases} cases in {out}", highlight=False)
