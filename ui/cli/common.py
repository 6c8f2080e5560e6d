"""What the commands share: settings, consoles, and running a coroutine."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from integrations.settings import Settings
from ui.cli.exits import Exit

T = TypeVar("T")

_PIPE_WIDTH = 120  # a pipe or file has no width of its own; rich would take 80 and fold every table

out = Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)
err = Console(stderr=True)

DATA_DIR_HELP = "Where the records are kept; the default is the user's data folder."


def settings(data_dir: Path | None = None) -> Settings:
    """The settings, with what was given on the command line on top; a wrong value ends the command."""
    try:
        return Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as error:
        for item in error.errors():
            name = "TRIAGE_" + "__".join(str(part).upper() for part in item["loc"])
            err.print(f"[bold red]configuration[/]: {name}: {item['msg']}", highlight=False)
        raise typer.Exit(Exit.USAGE) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(work)
