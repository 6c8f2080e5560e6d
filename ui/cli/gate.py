"""``triage eval gate``: has a change made the answers worse than the recorded ones?"""

import typer
from rich.progress import Progress
from rich.table import Table

from eval.gate import (
    GATE_MODELS,
    GateError,
    GateReport,
    judge,
    read_reference,
    run_gate,
    write_reference,
)
from triage.slm import EngineError
from ui.cli import common
from ui.cli.exits import Exit

_SHOWN = ("accuracy", "quadratic_weighted_kappa", "recall_high", "over_triage", "strict_under_triage")


def gate(
    adapter: str = typer.Option(
        "default", "--adapter", help="A shipped adapter, a folder, `default` or `none`."
    ),
    update: bool = typer.Option(False, "--update", help="Record the answers as the new reference."),
    new_cases: bool = typer.Option(
        False, "--new-cases", help="With --update: the cases themselves were changed and reviewed."
    ),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output."),
) -> None:
    """Score a small frozen set of invented patients with the rules, the model and the agent.

    Fails, with the cases named, where a score falls beyond its paired interval or the agent newly puts a patient of
    level 1 or 2 at 4 or 5. Nothing may be tuned on these cases.
    """
    if new_cases and not update:
        common.err.say("--new-cases", "goes with --update, and only with it")
        raise typer.Exit(Exit.USAGE)
    try:
        reference = None if new_cases else read_reference()
        with Progress(console=common.err, transient=True) as progress:
            bar = progress.add_task("gate", total=len(GATE_MODELS))
            answers = run_gate(
                common.settings().with_adapter(adapter),
                lambda model: progress.update(bar, advance=1, description=model),
            )
        report = None if reference is None else judge(answers, reference)
        if update:
            write_reference(answers)
    except (GateError, EngineError) as error:
        common.err.say("gate", error)
        raise typer.Exit(Exit.FAILED) from None
    if report is None:
        common.out.print("recorded on the new cases")
        return
    if as_json:
        print(report.model_dump_json())
    else:
        _show(report)
    if update:
        common.out.print("recorded: say in the commit message why the answers may change")
    elif not report.holds:
        raise typer.Exit(Exit.FAILED)


def _show(report: GateReport) -> None:
    table = Table("Model", *(name.replace("_", " ") for name in _SHOWN), title="Recorded -> now")
    for model in GATE_MODELS:
        before, now = report.before[model], report.now[model]
        table.add_row(model, *(f"{before[name]:.3f} -> {now[name]:.3f}" for name in _SHOWN))
    common.out.print(table)
    for change in report.changes:
        common.out.print(str(change), highlight=False)
    for fall in report.falls:
        common.out.print(f"FAILS {fall}", highlight=False)
    common.out.print("the gate holds" if report.holds else "the gate does not hold")
