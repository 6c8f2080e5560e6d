"""``triage eval``: score the rules and the model on cases with a known level."""

import csv
from pathlib import Path

import typer
from rich.progress import Progress
from rich.table import Table

from data_schemas import EsiVersion
from eval import (
    EvaluationCase,
    ModelPrediction,
    Scorecard,
    Task,
    load_cases,
    predict_with_model,
    predict_with_rules,
    sample_cases,
    score,
)
from triage.training.corpus import CorpusError
from ui.cli import (
    citations,
    common,
    comparison,
    evaluation_energy,
    evaluation_report,
    evaluation_run,
    floor,
    gate,
    redteam,
)
from ui.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="Offline evaluation.")
app.command("citations")(citations.citations)
app.command("model-citations")(citations.model_citations)
app.command("faithfulness")(citations.faithfulness)
app.command("compare-models")(comparison.compare_models)
app.command("redteam")(redteam.redteam)
app.command("run")(evaluation_run.run)
app.command("report")(evaluation_report.report)
app.command("compare")(evaluation_report.compare)
app.command("floor")(floor.floor)
app.command("gate")(gate.gate)
app.command("energy")(evaluation_energy.energy)


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
        common.err.say("--data", "goes with --task esi, ktas, nhamcs or fhir, and only with those")
        raise typer.Exit(Exit.USAGE)
    try:
        cases = (
            sample_cases(version) if not data else [case for path in data for case in load_cases(task, path)]
        )
    except CorpusError as error:
        common.err.say("not read", error)
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


def _cases(task: Task, data: list[Path], version: EsiVersion) -> list[EvaluationCase]:
    if (task is Task.SAMPLES) == bool(data):
        common.err.say("--data", "goes with --task esi, ktas, nhamcs or fhir, and only with those")
        raise typer.Exit(Exit.USAGE)
    try:
        return (
            sample_cases(version) if not data else [case for path in data for case in load_cases(task, path)]
        )
    except CorpusError as error:
        common.err.say("not read", error)
        raise typer.Exit(Exit.FAILED) from None


def _table(card: Scorecard) -> Table:
    table = Table(
        "Score", "Value", "95 % interval", "Cases", title=f"{card.model} on {card.data}, n = {card.cases}"
    )
    for name, item in card.proportions.items():
        table.add_row(name, f"{item.value:.3f}", f"{item.low:.3f}-{item.high:.3f}", str(item.total))
    table.add_row("quadratic weighted kappa", f"{card.quadratic_weighted_kappa:.3f}", "", str(card.cases))
    table.add_row("macro F1", f"{card.macro_f1:.3f}", "", str(card.cases))
    return table


@app.command()
def model(
    task: Task = typer.Option(Task.SAMPLES, "--task", help="What the cases are."),
    data: list[Path] = typer.Option([], "--data", help="Labelled data files; the samples need none."),
    adapter: str = typer.Option(
        "default", "--adapter", help="A shipped adapter, a folder, `default` or `none`."
    ),
    limit: int | None = typer.Option(None, "--limit", min=1, help="Only the first cases."),
    out: Path | None = typer.Option(None, "--out", help="Write case_id, levels and probabilities as CSV."),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output."),
) -> None:
    """The model (its level decoded alone), the model with the safety floor, and the rules, on the same cases."""
    settings = common.settings().with_adapter(adapter)
    cases = _cases(task, data, settings.esi_version)[:limit]
    with Progress(console=common.err, transient=True) as progress:
        bar = progress.add_task("model", total=len(cases))
        predictions = common.run(
            predict_with_model(cases, settings, lambda done: progress.update(bar, completed=done))
        )
    truth = [case.truth for case in cases]
    names = ", ".join(path.name for path in data) or "samples"
    cards = [
        score("rules", names, truth, predict_with_rules(cases, settings.esi_version)),
        score("model alone", names, truth, [item.alone for item in predictions]),
        score("model with floor", names, truth, [item.floored for item in predictions]),
    ]
    if out is not None:
        _write_csv(out, predictions)
    for card in cards:
        if as_json:
            print(card.model_dump_json())
        else:
            common.out.print(_table(card))


def _write_csv(path: Path, predictions: list[ModelPrediction]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case_id", "alone", "floored", "p1", "p2", "p3", "p4", "p5"])
        for item in predictions:
            p = item.probabilities.p if item.probabilities else ("",) * 5
            writer.writerow([item.case_id, item.alone or "", item.floored or "", *p])
