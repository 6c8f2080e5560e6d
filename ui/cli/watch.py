"""``triage watch``: look for arrivals on the configured FHIR server and assess each, until stopped."""

import asyncio
from pathlib import Path

import typer

from agents import Case
from integrations.feed import FeedStatus, open_fed_agent
from integrations.settings import Settings
from ui.cli import common
from ui.cli.exits import Exit


def watch(
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Assess every ED visit of the configured FHIR server as it comes, and again when its record changes."""
    settings = common.with_engine(common.settings(data_dir), engine)
    if settings.fhir.base_url is None:
        common.err.say("nothing to watch", "set TRIAGE_FHIR__BASE_URL to the hospital's FHIR server")
        raise typer.Exit(Exit.USAGE)
    common.run(_watch(settings))


async def _watch(settings: Settings) -> None:
    told = _Told()
    common.out.print(
        f"Looking at {settings.fhir.base_url} every {settings.fhir.poll_seconds:g} s. Ctrl-C stops it.",
        highlight=False,
    )
    async with open_fed_agent(
        settings, on_case=told.case, on_problem=told.problem, on_status=told.status
    ) as agent:
        while True:
            await asyncio.sleep(30)
            await agent.service.retry_pending()


class _Told:
    """One line for what is new; nothing about who it is."""

    def __init__(self) -> None:
        self._error: str | None = None

    def case(self, case: Case) -> None:
        if case.assessment is not None:
            common.out.print(f"case {case.id}: level {case.assessment.level} suggested", highlight=False)

    def problem(self, words: str) -> None:
        common.err.say("not read", words)

    def status(self, status: FeedStatus) -> None:
        if status.error is not None and status.error != self._error:
            common.err.say("the server does not answer", f"{status.error}; it is asked again and again")
        elif status.error is None and self._error is not None:
            common.out.print("The server answers again")
        self._error = status.error
