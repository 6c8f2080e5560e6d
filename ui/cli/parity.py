"""``triage model parity``: the same cases through the embedded engine and the model server."""

import asyncio
from collections import Counter
from enum import StrEnum
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from data_schemas import AcuityScale
from eval.parity import (
    DEFAULT_CASES,
    ParityReport,
    ParityRow,
    cases_of_file,
    compare_engines,
    scale_of,
    shipped_cases,
)
from eval.predictors import InputError, InputTask
from eval.predictors.inputs import ReadCase
from integrations.assembly import load_calibration, open_engine
from integrations.settings import Settings
from triage.slm import EmbeddedEngine, resolve_adapter
from ui.cli import common
from ui.cli.exits import Exit


class Precision(StrEnum):
    """How the embedded engine stores its weights."""

    INT8 = "int8"
    F32 = "f32"


def parity(
    cases: int | None = typer.Option(
        None,
        "--cases",
        min=1,
        help=f"How many; the default is {DEFAULT_CASES} shipped ones, or the whole file.",
    ),
    data: Path | None = typer.Option(
        None, "--data", exists=True, dir_okay=False, help="Cases of a file instead of the shipped ones."
    ),
    task: InputTask = typer.Option(InputTask.ESI, "--task", help="The layout of --data."),
    out: Path | None = typer.Option(
        None, "--out", help="Write the report, case by case, as JSON; no patient text."
    ),
    full: bool = typer.Option(False, "--full", help="Compare path and citations too; takes longer."),
    precision: Precision = typer.Option(
        Precision.INT8,
        "--embedded-precision",
        help="int8 is what runs; f32 tells rounding of the weights from everything else.",
    ),
) -> None:
    """Ask the embedded engine and the model server about the same cases, and say where they differ.

    The server is the configured one (TRIAGE_MODEL__URL). Exit codes: 0 every case has the same level and the same
    suggestion; 3 an engine left cases unanswered; 8 a level or a suggestion differs.
    """
    settings = common.with_engine(common.settings(), common.EngineName.VLLM)
    try:
        chosen = shipped_cases(cases or DEFAULT_CASES) if data is None else cases_of_file(data, task, cases)
    except InputError as error:
        common.err.say("not compared", error)
        raise typer.Exit(Exit.USAGE) from None
    scale = scale_of(None if data is None else task)
    report = common.run(_compare(chosen, settings, scale, precision, whole=full))
    if out is not None:
        out.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _show(report)
    raise typer.Exit(_code(report))


async def _compare(
    chosen: list[ReadCase], settings: Settings, scale: AcuityScale, precision: Precision, *, whole: bool
) -> ParityReport:
    calibration = load_calibration(settings, scale)
    served = await asyncio.to_thread(open_engine, settings)
    try:
        embedded = await asyncio.to_thread(
            EmbeddedEngine.open,
            resolve_adapter(settings.model.adapter),
            precision=precision.value,
            threads=settings.model.threads,
        )
        try:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            with Progress(*columns, console=common.err, transient=True) as progress:
                bar = progress.add_task("parity", total=len(chosen))
                return await compare_engines(
                    chosen,
                    embedded,
                    served,
                    calibration,
                    settings,
                    scale,
                    whole=whole,
                    progress=lambda done: progress.update(bar, completed=done),
                )
        finally:
            await embedded.close()
    finally:
        await served.close()


def _show(report: ParityReport) -> None:
    lines = [
        f"{report.compared} of {report.cases} cases compared ({report.scale.value}): {report.first.engine} and "
        f"{report.second.engine}, {report.second.model} with {report.second.adapter or 'no adapter'}",
        f"same likeliest level      {_percent(report.same_level)}",
        f"same suggestion           {_percent(report.same_suggestion)}  (calibration {report.calibration})",
    ]
    if report.same_answer is not None:
        lines.append(f"same path and citations   {_percent(report.same_answer)}")
    if report.largest_difference is not None and report.median_difference is not None:
        lines.append(
            f"difference of a level's probability: median {report.median_difference:.2g}, "
            f"largest {report.largest_difference:.2g}"
        )
    for line in lines:
        common.out.print(line, highlight=False, markup=False, soft_wrap=True)
    if report.differing:
        table = Table(
            "Case",
            "Likeliest",
            "Suggested",
            "Gap of the two likeliest",
            "To a threshold",
            "Largest difference",
        )
        for row in report.differing:
            table.add_row(*_cells(row))
        common.out.print(table)
    for cause, count in Counter(row.error for row in report.failed).most_common():
        common.err.say("not answered", f"{count} x {cause}; --out names the cases")


def _cells(row: ParityRow) -> tuple[str, ...]:
    levels, suggested = row.levels or ("?", "?"), row.suggested or ("?", "?")
    return (
        row.case_id,
        f"{levels[0]} / {levels[1]}",
        f"{suggested[0]} / {suggested[1]}",
        f"{row.gap:.4f}",
        f"{row.to_threshold:.4f}",
        f"{row.difference:.4f}",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _code(report: ParityReport) -> Exit:
    if report.failed:
        return Exit.SOME_UNREADABLE if report.compared else Exit.FAILED
    return Exit.NOT_IDENTICAL if report.differing else Exit.DONE
