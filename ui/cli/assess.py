"""``triage assess``: read arrivals from a bundle, a folder or a FHIR server, and suggest a level for each."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import typer
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents import Case, NotReadyError, RunFailedError
from data_schemas import AssessmentMode, IntakeRecord
from integrations.assembly import open_agent, open_client, reader_settings, utc_now
from integrations.fhir import IntakeError, read_path, read_server
from integrations.settings import Settings
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.render import board, case_panel


def assess(
    source: str = typer.Argument(help="A FHIR R4 Bundle, a folder of them, or a server's base URL."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a patient on standard output."),
    out: Path | None = typer.Option(None, "--out", help="Write the JSON lines to this file."),
    write: bool = typer.Option(
        False, "--write", help="Write the suggestion to the server as preliminary (servers only)."
    ),
    details: bool = typer.Option(
        False, "--details", help="Show every patient's evidence, not only the board."
    ),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Suggest a level with evidence for every arrival. A clinician decides: `triage review`."""
    settings = common.settings(data_dir)
    raise typer.Exit(
        common.run(_assess(source, settings, as_json=as_json, out=out, write=write, details=details))
    )


async def _assess(
    source: str, settings: Settings, *, as_json: bool, out: Path | None, write: bool, details: bool
) -> Exit:
    server = source.rstrip("/") if source.startswith(("http://", "https://")) else None
    if server is None and not Path(source).exists():
        common.err.print(f"[bold red]no such file or folder[/]: {source}", highlight=False)
        return Exit.USAGE
    if write and server is None:
        common.err.print(
            "[bold red]--write[/] needs a FHIR server as the source: a file cannot be written back to"
        )
        return Exit.USAGE
    writes = server if server and (write or settings.fhir.write_back) else None
    cases, problems = await _triage(source, server, settings, writes)
    lines = [json.dumps(case.model_dump(mode="json"), ensure_ascii=False) for case in cases]
    if out is not None:
        out.write_text("".join(line + "\n" for line in lines))
    if as_json:
        for line in lines:
            print(line)  # plain print: rich would wrap the line
    else:
        for case in cases if details else ():
            common.out.print(case_panel(case))
        common.out.print(board(cases))
        common.out.print(f"{len(cases)} triaged; decide with: triage review CASE --accept | --override LEVEL")
    for problem in problems:
        common.err.print(f"[bold red]not read[/]: {problem}", highlight=False, soft_wrap=True)
    return _exit(cases, problems)


async def _triage(
    source: str, server: str | None, settings: Settings, write_to: str | None
) -> tuple[list[Case], list[str]]:
    cases: list[Case] = []
    problems: list[str] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    async with open_agent(settings, write_to=write_to) as agent:
        with Progress(*columns, console=common.err, transient=True) as progress:
            bar = progress.add_task("triage", total=None)
            async for result in _read(source, server, settings):
                try:
                    if isinstance(result, IntakeError):
                        raise result
                    cases.append(await agent.service.assess(result))
                except IntakeError as error:
                    problems.append(f"{error.source}: {error}" if error.source else str(error))
                except (RunFailedError, NotReadyError) as error:
                    problems.append(str(error))
                progress.update(bar, completed=len(cases), total=len(cases) + len(problems))
    return cases, problems


def _exit(cases: list[Case], problems: list[str]) -> Exit:
    if not cases:
        return Exit.FAILED
    if problems:
        return Exit.SOME_UNREADABLE
    modes = {case.assessment.mode for case in cases if case.assessment}
    return Exit.RULES_ONLY if AssessmentMode.RULES_ONLY in modes else Exit.DONE


async def _read(
    source: str, server: str | None, settings: Settings
) -> AsyncIterator[IntakeRecord | IntakeError]:
    reading = reader_settings(settings)
    if server is None:
        for result in read_path(Path(source), now=utc_now(), settings=reading):
            yield result
        return
    async with open_client(settings, server) as client:
        async for result in read_server(client, source=server, now=utc_now(), settings=reading):
            yield result
