"""``triage eval report`` and ``triage eval compare``: what a run found, for people and for a regression gate."""

from pathlib import Path

import typer

from eval.report import ReportError, read_result, write_report
from ui.cli import common
from ui.cli.exits import Exit


def report(
    results: Path = typer.Argument(..., metavar="RESULTS", help="results.json of a run, or its folder."),
    out: Path = typer.Option(
        ..., "--out", help="Folder for report.html, report.md, plots, tables, results.json."
    ),
    without_cases: bool = typer.Option(
        False, "--without-cases", help="Leave the error browser's cases out: no record is in what is written."
    ),
) -> None:
    """Write a run's results as a page that works offline and prints, with Markdown, CSV and JSON beside it."""
    try:
        with common.err.status("report"):
            written = write_report(read_result(results), out, cases=not without_cases)
    except (ReportError, OSError) as error:
        common.err.say("not written", error)
        raise typer.Exit(Exit.FAILED) from None
    except ImportError as error:
        common.err.say("not installed", f"{error.name}: pip install 'ed-triage-agent[eval]'")
        raise typer.Exit(Exit.FAILED) from None
    for path in written:
        common.out.print(str(path), highlight=False, soft_wrap=True)
