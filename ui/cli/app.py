"""The commands, put together. Exit codes are in ``ui.cli.exits``."""

import logging
import sys
from importlib.metadata import version

import typer
from rich.console import Console

from agents import AgentError
from integrations.fhir.errors import FhirError
from integrations.sandbox import SandboxError
from triage.guidelines import GuidelineError
from triage.slm.errors import EngineError
from ui.cli import assess, cases, configuration, demo, evaluation, model, training
from ui.cli.exits import Exit

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Emergency department triage with a privately hosted small language model. A clinician decides.",
)
app.command("demo")(demo.demo)
app.command("assess")(assess.assess)
app.command("review")(cases.review)
app.command("show")(cases.show)
app.command("explain")(cases.explain)
app.command("cases")(cases.list_cases)
app.command("pending")(cases.pending)
app.command("recover")(cases.recover)
app.add_typer(cases.audit_app, name="audit")
app.add_typer(model.app, name="model")
app.add_typer(configuration.app, name="config")
app.add_typer(evaluation.app, name="eval")
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
    """Run a command; an expected failure is one clear line and an exit code, never a traceback."""
    try:
        app()
    except (AgentError, EngineError, FhirError, GuidelineError, SandboxError) as error:
        Console(stderr=True).print(
            f"[bold red]{type(error).__name__}[/]: {error}", highlight=False, soft_wrap=True
        )
        sys.exit(Exit.FAILED)
