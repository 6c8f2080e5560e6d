"""``triage eval floor``: what the demand rules do on labelled cases, and that the suggestion never goes below them."""

from pathlib import Path

import typer
from rich.progress import Progress
from rich.table import Table

from data_schemas import EsiVersion
from eval.cases import Task, load_cases, sample_cases
from eval.floor import Added, FloorReport, check_floor
from eval.scorecard import Proportion
from triage.guidelines import GuidelineLibrary
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit


def floor(
    task: Task = typer.Option(Task.SAMPLES, "--task", help="What the cases are."),
    data: list[Path] = typer.Option([], "--data", help="Labelled data files; the samples need none."),
    version: EsiVersion = typer.Option(EsiVersion.V5, "--esi-version", help="Whose tables apply."),
    top: int = typer.Option(15, "--top", min=1, help="How many statements to list, the most frequent first."),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output, with every statement."),
) -> None:
    """How often the demand rules fire, how often they are right, what they add to over-triage, and whether they hold.

    The exit code is 1 where a suggestion is less urgent than a demand rule allows.
    """
    if (task is Task.SAMPLES) == bool(data):
        common.err.say("--data", "goes with --task esi, ktas, nhamcs or fhir, and only with those")
        raise typer.Exit(Exit.USAGE)
    try:
        cases = (
            sample_cases(version) if not data else [case for path in data for case in load_cases(task, path)]
        )
    except CorpusError as error:
        common.err.say("not read", error)
        raise typer.Exit(Exit.FAILED) from None
    names = ", ".join(path.name for path in data) or "samples"
    with Progress(console=common.err, transient=True) as progress:
        bar = progress.add_task("floor", total=len(cases))
        try:
            report = check_floor(
                names,
                cases,
                GuidelineLibrary.load(version),
                done=lambda count: progress.update(bar, completed=count),
            )
        except ValueError as error:
            common.err.say("not checked", error)
            raise typer.Exit(Exit.FAILED) from None
    if as_json:
        print(report.model_dump_json())
    else:
        _show(report, top)
    for case_id in report.below_floor:
        common.err.say("below the floor", case_id)
    raise typer.Exit(Exit.FAILED if report.below_floor else Exit.DONE)


def _show(report: FloorReport, top: int) -> None:
    out = common.out
    title = f"The safety floor on {report.data}, n = {report.cases}, levels as on {report.scale.value}"
    table = Table("What", "Value", "95 % interval", "Cases", title=title)
    rows = (
        ("a demand rule fires", report.fires),
        ("precision: true level at least as urgent", report.precision),
        ("true levels 1-2 with a demand rule", report.recall_high),
        ("over-triage of the floor with nothing else", report.over_alone),
    )
    for name, share in rows:
        table.add_row(name, *_words(share))
    table.add_row("over-triage added to the rules", *_difference(report.over_rules, report.cases))
    table.add_row(
        "over-triage added to the agent with the prior", *_difference(report.over_agent, report.cases)
    )
    held = report.checked - len(report.below_floor)
    table.add_row(
        f"at least as urgent as the floor on {report.answers} answers", f"{held} of {report.checked}", "", ""
    )
    out.print(table)
    found = Table(
        "Statement",
        "Level",
        "Fires",
        "Alone",
        "Precision",
        "95 % interval",
        "Or one less",
        title="By statement",
    )
    for item in report.statements[:top]:
        value, interval, _ = _words(item.precision)
        counts = (str(item.level), str(item.fires), str(item.decisive))
        found.add_row(item.statement_id, *counts, value, interval, f"{item.near.value:.3f}")
    out.print(found)


def _words(share: Proportion | None) -> tuple[str, str, str]:
    if share is None:
        return "-", "", "0"
    return f"{share.value:.3f}", f"{share.low:.3f}-{share.high:.3f}", str(share.total)


def _difference(added: Added, cases: int) -> tuple[str, str, str]:
    words = f"{added.added:+.3f} ({added.without:.3f} to {added.with_floor:.3f})"
    return words, f"{added.low:+.3f} to {added.high:+.3f}", str(cases)
