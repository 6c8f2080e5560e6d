"""The command ``triage``."""

import sys

from ui.cli.packages import conflicts

__all__ = ["main"]


def main() -> None:
    """Run the command, after looking whether our packages are ours: their names are common words."""
    found = conflicts()
    if found:
        for problem in found:
            sys.stderr.write(f"triage: {problem}\n")
        sys.exit(1)
    from ui.cli.app import run_app  # noqa: PLC0415 - a foreign package would break this import

    run_app()
