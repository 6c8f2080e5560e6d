"""``triage eval report`` and ``triage eval compare``: what a run found, for people and for a regression gate."""

from pathlib import Path

import typer

from eval.report import ReportError, compare_runs, described, read_result, write_report
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


def compare(
    before: Path = typer.Argument(..., metavar="A", help="The run before: its folder or results.json."),
    after: Path = typer.Argument(..., metavar="B", help="The run after; differences are B minus A."),
    score: list[str] = typer.Option(
        [], "--score", help="Let only these scores make the verdict, such as accuracy or recall_high."
    ),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output."),
) -> None:
    """Compare two runs on the same cases. Exit 0: nothing is worse beyond its interval; 10: something is; 1: refused.

    A verdict is of the 95 % interval of the difference, paired where both runs kept their answers. Cases are named.
    """
    try:
        with common.err.status("comparing"):
            found = compare_runs(before, after, **({"scores": score} if score else {}))
    except (ReportError, OSError) as error:
        common.err.say("not compared", error)
        raise typer.Exit(Exit.FAILED) from None
    except ValueError as error:
        common.err.say("--score", error)
        raise typer.Exit(Exit.USAGE) from None
    if as_json:
        print(found.model_dump_json(indent=1))
    else:
        for line in described(found):
            common.out.print(line, highlight=False, soft_wrap=True, markup=False)
    if found.regression:
        raise typer.Exit(Exit.REGRESSION)
