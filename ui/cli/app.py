"""The commands, put together. Exit codes are in ``ui.cli.exits``."""

import io
import logging
import sys
import traceback
from importlib.metadata import version
from pathlib import Path

import typer

from agents import AgentError
from integrations.fhir.errors import FhirError, IntakeError
from integrations.queue_errors import QueueError
from integrations.sandbox import SandboxError
from triage.guidelines import GuidelineError
from triage.slm.errors import EngineError
from ui.cli import (
    alerts,
    assess,
    cases,
    common,
    configuration,
    corpus,
    dashboard,
    demo,
    evaluation,
    guidelines,
    model,
    predict,
    records,
    serving,
    training,
    training_preference,
    watch,
    worker,
)
from ui.cli.exits import Exit

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Emergency department triage with a privately hosted small language model. A clinician decides.",
)
app.command("demo")(demo.demo)
app.command("serve-model")(serving.serve_model)
app.command("assess")(assess.assess)
app.command("predict")(predict.predict)
app.command("enqueue")(worker.enqueue)
app.command("review")(cases.review)
app.command("show")(cases.show)
app.command("explain")(cases.explain)
app.command("cases")(cases.list_cases)
app.command("ui")(dashboard.ui)
app.command("watch")(watch.watch)
app.command("pending")(cases.pending)
app.command("recover")(cases.recover)
app.command("replay")(records.replay)
app.add_typer(worker.app, name="worker")
app.add_typer(alerts.app, name="alerts")
app.add_typer(cases.audit_app, name="audit")
app.add_typer(records.app, name="records")
app.add_typer(model.app, name="model")
app.add_typer(configuration.app, name="config")
app.add_typer(guidelines.app, name="guidelines")
app.add_typer(evaluation.app, name="eval")
training.app.command("corpus-card")(corpus.card)
training.app.command("preference")(training_preference.preference)
app.add_typer(training.app, name="train")


@app.callback(invoke_without_command=True)
def _root(
    show_version: bool = typer.Option(False, "--version", help="Print the version and stop."),
    verbose: bool = typer.Option(False, "--verbose", help="Log what happens (never patient data) to stderr."),
) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, stream=sys.stderr)
    if show_version:
        typer.echo(version("ed-triage-agent"))
        raise typer.Exit


def run_app() -> None:
    """Run a command; a failure is one clear line and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter still shows the level
    try:
        app()
    except (
        AgentError,
        EngineError,
        FhirError,
        GuidelineError,
        IntakeError,
        QueueError,
        SandboxError,
    ) as error:
        common.err.say(type(error).__name__, error)
        sys.exit(Exit.FAILED)
    except OSError as error:
        common.err.say(type(error).__name__, f"{error.filename or 'a file'}: {error.strerror}")
        sys.exit(Exit.FAILED)
    except (
        Exception
    ) as error:  # a defect: its words could quote the record, so the type and the place are shown
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        common.err.say(
            "defect", f"{type(error).__name__} at {place}. What was stored is kept; please report this line"
        )
        sys.exit(Exit.FAILED)
