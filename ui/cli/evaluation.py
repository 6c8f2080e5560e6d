"""``triage eval``: score the rules on cases with a known level."""

from pathlib import Path

import typer
from rich.table import Table

from data_schemas import EsiVersion
from eval import Scorecard, Task, load_cases, predict_with_rules, sample_cases, score
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="Offline evaluation.")


@app.callback()
def _group() -> None:
    """Keeps ``rules`` a subcommand while it is the only one."""


@app.command()
def rules(
    task: Task = typer.Option(Task.SAMPLES, "--task", help="What the cases are."),
    data: list[Path] = typer.Option([], "--data", help="Labelled data files; the samples need none."),
    version: EsiVersion = typer.Option(EsiVersion.V5, "--esi-version", help="Whose tables apply."),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output, with the confusion matrix."),
    misses: bool = typer.Option(False, "--misses", help="List the cases that the rules put too low."),
) -> None:
    """The rules alone, without the model, against the labelled levels."""
    if (task is Task.SAMPLES) == bool(data):
        common.err.print("[bold red]--data[/] goes with --task esi, ktas or nhamcs, and only with those")
        raise typer.Exit(Exit.USAGE)
    try:
        cases = (
            sample_cases(version) if not data else [case for path in data for case in load_cases(task, path)]
        )
    except CorpusError as error:
        common.err.print(f"[bold red]not read[/]: {error}", highlight=False)
        raise typer.Exit(Exit.FAILED) from None
    predicted = predict_with_rules(cases, version)
    names = ", ".join(path.name for path in data) or "samples"
    card = score(f"rules, ESI v{version.value}", names, [case.truth for case in cases], predicted)
    if as_json:
        print(card.model_dump_json())
    else:
        common.out.print(_table(card))
    if misses:
        for case, level in zip(cases, predicted, strict=True):
            if level > case.truth:
                common.out.print(
                    f"under-triage {case.case_id}: true {case.truth}, rules {level}", highlight=False
                )


def _table(card: Scorecard) -> Table:
    table = Table(
        "Score", "Value", "95 % interval", "Cases", title=f"{card.model} on {card.data}, n = {card.cases}"
    )
    for name, item in card.proportions.items():
        table.add_row(name, f"{item.value:.3f}", f"{item.low:.3f}-{item.high:.3f}", str(item.total))
    table.add_row("quadratic weighted kappa", f"{card.quadratic_weighted_kappa:.3f}", "", str(card.cases))
    table.add_row("macro F1", f"{card.macro_f1:.3f}", "", str(card.cases))
    return table
