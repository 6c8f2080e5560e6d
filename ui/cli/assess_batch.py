"""``triage assess --batch``: any number of encounters, offline, on Ray Data."""

import importlib.util
from pathlib import Path

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from eval.batch import BatchError, BatchReport, BatchStoppedError, run_batch
from eval.predictors import InputTask
from integrations.settings import Settings
from triage.slm import EngineError
from ui.cli import common
from ui.cli.exits import Exit

_PART = {True: 2000, False: 200}
"""Units a part, with levels only and whole: some minutes of work, so that little is lost with a killed run."""


def assess_batch(
    path: Path,
    out: Path,
    settings: Settings,
    *,
    task: InputTask | None,
    levels_only: bool,
    part_rows: int | None,
    workers: int,
    ray_address: str | None,
) -> Exit:
    """Score ``path`` into the folder ``out``, or go on with it."""
    if importlib.util.find_spec("ray") is None:
        common.err.say("--batch", "needs Ray: pip install 'ed-triage-agent[batch]'")
        return Exit.USAGE
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=common.err, transient=True) as bar:
            row = bar.add_task("batch", total=None)
            report = run_batch(
                path,
                out,
                settings,
                task=task,
                levels_only=levels_only,
                part_rows=part_rows or _PART[levels_only],
                workers=workers,
                ray_address=ray_address,
                progress=lambda done, units: bar.update(row, completed=done, total=units),
            )
    except BatchStoppedError as error:
        common.err.say("stopped", error, "bold yellow")
        return Exit.FAILED
    except (BatchError, EngineError) as error:
        common.err.say("not scored", error)
        return Exit.USAGE if isinstance(error, BatchError) else Exit.FAILED
    except KeyboardInterrupt:
        common.err.say(
            "interrupted", "what was done is kept; the same command goes on from here", "bold yellow"
        )
        raise typer.Exit(Exit.INTERRUPTED) from None
    return _say(report, out)


def _say(report: BatchReport, out: Path) -> Exit:
    rate = f", {report.new_rows / report.seconds:.1f} rows/s" if report.new_rows else ""
    lines = [
        f"{report.rows} rows of {report.units} units, {report.failed} without a level; {report.new_rows} new in "
        f"{report.seconds:.1f} s{rate}; {out}",
        *(f"  no level: {count} x {cause}" for cause, count in sorted(report.failures.items())),
        *(f"  rules alone: {count} x {cause}" for cause, count in sorted(report.rules_only.items())),
        f"  answered by {report.model}",
    ]
    for line in lines:
        common.out.print(line, highlight=False, markup=False, soft_wrap=True)
    if report.rows == report.failed:
        return Exit.FAILED
    if report.failed:
        return Exit.SOME_UNREADABLE
    return Exit.RULES_ONLY if report.rules_only else Exit.DONE
