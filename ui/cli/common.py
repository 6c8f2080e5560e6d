"""What the commands share: settings, consoles, and running a coroutine."""

import asyncio
import sys
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from integrations.settings import ConfigurationError, Settings
from ui.cli.exits import Exit
from ui.cli.terminal import SafeConsole

T = TypeVar("T")

_PIPE_WIDTH = 120  # a pipe or file has no width of its own; rich would take 80 and fold every table

out = SafeConsole() if sys.stdout.isatty() else SafeConsole(width=_PIPE_WIDTH)
err = SafeConsole(stderr=True)

DATA_DIR_HELP = "Where the records are kept; the default is the user's data folder."


def settings(data_dir: Path | None = None) -> Settings:
    """The settings, with what was given on the command line on top; a wrong value ends the command."""
    try:
        return Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as error:
        for item in error.errors():
            name = "TRIAGE_" + "__".join(str(part).upper() for part in item["loc"])
            dotted = ".".join(map(str, item["loc"]))
            err.say("configuration", f"{name} (`{dotted}` in triage.toml): {item['msg']}")
    except (ConfigurationError, SettingsError) as error:
        err.say("configuration", error)
    raise typer.Exit(Exit.USAGE)


class EngineName(StrEnum):
    """Where the model runs."""

    EMBEDDED = "embedded"
    VLLM = "vllm"
    NONE = "none"


ENGINE_HELP = "Where the model runs; the default is what is configured (TRIAGE_MODEL__ENGINE)."


def with_engine(given: Settings, engine: EngineName | None) -> Settings:
    """The settings with another engine; None leaves it."""
    if engine is None:
        return given
    return given.model_copy(update={"model": given.model.model_copy(update={"engine": engine.value})})


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C ends it in order and says that nothing is lost."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        err.say("interrupted", "what was done is kept; the same command goes on from here", "bold yellow")
        raise typer.Exit(Exit.INTERRUPTED) from None
