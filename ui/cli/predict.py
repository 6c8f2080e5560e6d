"""``triage predict``: the level of every case of a file, by any model under test. Labels are not needed nor read."""

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

from eval.predictors import (
    CaseFile,
    InputError,
    InputTask,
    ModelName,
    OptionError,
    Output,
    RunRecord,
    command_line,
    open_predictor,
    predict_file,
)
from integrations.settings import Settings
from triage.slm import EngineError
from ui.cli import common
from ui.cli.exits import Exit

LEVELS_ONLY_ABOVE = 2000
"""Cases from which on just the level is decoded, unless ``--full`` is given."""


def predict(
    task: InputTask = typer.Option(..., "--task", help="The layout of the file, and with it the scale."),
    data: Path = typer.Option(
        ..., "--data", exists=True, dir_okay=False, help="The cases: .csv, .jsonl or .parquet."
    ),
    out: Path = typer.Option(
        ..., "--out", help="The predictions (.csv); the run record goes beside it (.json)."
    ),
    model: ModelName = typer.Option(
        ModelName.AGENT, "--model", help="Who answers; `agent` is the deployed one, floor included."
    ),
    adapter: str = typer.Option(
        "configured",
        "--adapter",
        help="For agent, slm, hybrid: a shipped adapter, a folder, `default` or `none`.",
    ),
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
    levels_only: bool | None = typer.Option(
        None,
        "--levels-only/--full",
        help=f"Decode just the level, in batches (default above {LEVELS_ONLY_ABOVE} cases), or whole answers.",
    ),
    fitted: Path | None = typer.Option(
        None,
        "--fitted",
        exists=True,
        file_okay=False,
        help="boosting, encoder, hybrid: the saved model's folder.",
    ),
    train: list[Path] = typer.Option(
        [],
        "--train",
        exists=True,
        dir_okay=False,
        help="Or labelled files of the same layout to fit it on now.",
    ),
    with_diagnosis: bool = typer.Option(
        False,
        "--with-diagnosis",
        help="KTAS: also show the final ED diagnosis (not known at triage), to compare with models that had it.",
    ),
    resume: bool = typer.Option(False, "--resume", help="Go on where an unfinished run stopped."),
) -> None:
    """Predict the level of every case, once and in the file's order; labels in the file are never read.

    Writes case_id, predicted, p1 to p5 (the model's calibrated probabilities, before any floor), most_urgent and
    least_urgent. A case without an answer has an empty level. Exit codes: 0 every case has a level; 1 nothing was
    predicted; 2 wrong options; 3 some cases have no level (their number is shown, the causes are in the run record);
    4 every case has a level, at least one from the rules because the agent's model did not answer; 130 stopped, and
    --resume goes on.
    """
    settings = common.with_engine(_settings(adapter), engine)
    try:
        output = Output(out, resume=resume)
        file = CaseFile(data, task, with_diagnosis=with_diagnosis)
        short = len(file.ids) > LEVELS_ONLY_ABOVE if levels_only is None else levels_only
        with common.err.status(f"opening {model.value}"):
            predictor = open_predictor(
                model, task, settings, levels_only=short, fitted=fitted, train=train, ids=set(file.ids)
            )
        command = command_line(
            {
                "--task": task.value,
                "--data": data,
                "--out": out,
                "--model": model.value,
                "--adapter": None if adapter == "configured" else Path(adapter),
                "--engine": None if engine is None else engine.value,
                "--levels-only": levels_only is True,
                "--full": levels_only is False,
                "--fitted": fitted,
                "--train": train,
                "--with-diagnosis": with_diagnosis,
            }
        )
        with _bar() as bar:
            row = bar.add_task(model.value, total=len(file.ids), completed=len(output.rows))
            try:
                record = predict_file(
                    file,
                    predictor,
                    output,
                    version=settings.esi_version,
                    command=command,
                    progress=lambda done, _: bar.update(row, completed=done),
                )
            finally:
                predictor.close()
    except (InputError, EngineError) as error:
        common.err.say("not predicted", error)
        raise typer.Exit(Exit.USAGE if isinstance(error, OptionError) else Exit.FAILED) from None
    except KeyboardInterrupt:
        common.err.say("interrupted", "what was done is kept; --resume goes on from here", "bold yellow")
        raise typer.Exit(Exit.INTERRUPTED) from None
    _report(out, output.record_path, record)
    raise typer.Exit(_code(record))


def _settings(adapter: str) -> Settings:
    settings = common.settings()
    return settings if adapter == "configured" else settings.with_adapter(adapter)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=common.err,
        transient=True,
    )


def _report(out: Path, record_path: Path, record: RunRecord) -> None:
    say = common.out.print
    if record.notice:
        common.err.say("note", record.notice, "bold yellow")
    provenance = record.setup.provenance
    lines = [
        f"{record.predicted} of {record.setup.data.cases} cases have a level ({record.setup.scale.value}, "
        f"{record.setup.model}); {record.failed} failed",
        *(f"  failed: {count} x {cause}" for cause, count in sorted(record.failures.items())),
    ]
    if record.rules_only:
        lines.append(f"  {record.rules_only} from the rules alone: the agent's model did not answer")
    if provenance.calibration:
        lines.append(f"  calibration: {provenance.calibration}")
    if record.input_counts.get("levels_in_text"):
        lines.append(
            f"  {record.input_counts['levels_in_text']} texts named an acuity level: taken out, as for any patient"
        )
    if len(record.commits) > 1:
        lines.append("  resumed after the source had changed: see commits in the run record")
    lines.append(f"{record.seconds:.1f} s; {out} and {record_path.name}")
    for line in lines:
        say(line, highlight=False, markup=False, soft_wrap=True)


def _code(record: RunRecord) -> Exit:
    if record.predicted == 0:
        return Exit.FAILED
    if record.failed:
        return Exit.SOME_UNREADABLE
    return Exit.RULES_ONLY if record.rules_only else Exit.DONE
