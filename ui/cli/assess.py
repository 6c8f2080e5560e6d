"""``triage assess``: read arrivals from a bundle, a folder or a FHIR server, and suggest a level for each."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import typer
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents import AgentError, Case, StoreError, utc_now
from data_schemas import AssessmentMode, IntakeRecord
from eval.predictors import InputTask
from integrations.assembly import Agent, open_agent, open_client, reader_settings
from integrations.fhir import IntakeError, read_path, read_server
from integrations.fhir.identity import normal_base
from integrations.settings import Settings
from triage.slm import EngineError
from ui.cli import common
from ui.cli.assess_batch import assess_batch
from ui.cli.exits import Exit
from ui.cli.render import board, case_panel
from ui.cli.terminal import json_line

Problem = tuple[str, str]
"""What happened, and to what."""


def assess(
    source: str | None = typer.Argument(
        None, help="A FHIR R4 Bundle, a folder of them, or a server's base URL."
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a patient on standard output."),
    out: Path | None = typer.Option(
        None, "--out", help="Write the JSON lines to this file; with --batch, parquet files to this folder."
    ),
    write: bool = typer.Option(
        False, "--write", help="Write the suggestion to the server as preliminary (servers only)."
    ),
    details: bool = typer.Option(
        False, "--details", help="Show every patient's evidence, not only the board."
    ),
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
    batch: Path | None = typer.Option(
        None,
        "--batch",
        help="Offline, no case is opened: .ndjson, folder, .csv or .parquet (docs/scaling.md).",
    ),
    task: InputTask | None = typer.Option(None, "--task", help="--batch: the layout of a data set file."),
    levels_only: bool = typer.Option(
        False, "--levels-only/--full", help="--batch: decode just the level, without evidence."
    ),
    workers: int = typer.Option(1, "--workers", min=1, help="--batch: processes, each with its model."),
    ray_address: str | None = typer.Option(
        None, "--ray-address", help="--batch: a Ray cluster; none: on this machine."
    ),
    part_rows: int | None = typer.Option(
        None, "--part-rows", min=1, help="--batch: encounters in one output file."
    ),
) -> None:
    """Suggest a level with evidence for every arrival. A clinician decides: `triage review`."""
    settings = common.with_engine(common.settings(data_dir), engine)
    if batch is not None:
        if source is not None or out is None or as_json or write or details:
            common.err.say(
                "--batch", "takes --out FOLDER, and neither a source, --json, --write nor --details"
            )
            raise typer.Exit(Exit.USAGE)
        raise typer.Exit(
            assess_batch(
                batch,
                out,
                settings,
                task=task,
                levels_only=levels_only,
                part_rows=part_rows,
                workers=workers,
                ray_address=ray_address,
            )
        )
    if source is None:
        common.err.say("nothing to assess", "name a Bundle, a folder or a server, or --batch")
        raise typer.Exit(Exit.USAGE)
    raise typer.Exit(
        common.run(_assess(source, settings, as_json=as_json, out=out, write=write, details=details))
    )


async def _assess(
    source: str, settings: Settings, *, as_json: bool, out: Path | None, write: bool, details: bool
) -> Exit:
    server = normal_base(source) if source.lower().startswith(("http://", "https://")) else None
    if server is None and (not source or not Path(source).exists()):
        common.err.say(
            "no such file or folder", f"{source or '(empty)'}; a server starts with http:// or https://"
        )
        return Exit.USAGE
    if write and server is None:
        common.err.say("--write", "needs a FHIR server as the source: a file cannot be written back to")
        return Exit.USAGE
    writes = server if server and (write or settings.fhir.write_back) else None
    with contextlib.ExitStack() as stack:
        try:
            file = None if out is None else stack.enter_context(out.open("w", encoding="utf-8"))
        except OSError as error:
            common.err.say("--out", f"{out} cannot be written ({error.strerror})")
            return Exit.USAGE

        def show(case: Case) -> None:
            line = json_line(case.model_dump(mode="json"))
            if file is not None:
                print(line, file=file, flush=True)
            if as_json:
                print(line, flush=True)  # plain print: rich would wrap the line

        cases, problems = await _triage(source, server, settings, writes, show)
    if cases and not as_json:
        for case in cases if details else ():
            common.out.print(case_panel(case))
        common.out.print(board(cases))
        common.out.print(f"{len(cases)} triaged; decide with: triage review CASE --accept | --override LEVEL")
    for label, problem in problems:
        common.err.say(label, problem)
    if not cases and not problems:
        common.err.say("nobody waits", f"{source} has no open ED visit", "bold yellow")
        return Exit.DONE
    return _exit(cases, problems)


async def _triage(
    source: str, server: str | None, settings: Settings, write_to: str | None, show: Callable[[Case], None]
) -> tuple[list[Case], list[Problem]]:
    """Every case, each shown as soon as it is there, and what was not triaged and why."""
    cases: list[Case] = []
    problems: list[Problem] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    async with open_agent(settings, write_to=write_to) as agent:
        with Progress(*columns, console=common.err, transient=True) as progress:
            bar = progress.add_task("triage", total=None)
            asked: deque[tuple[str, asyncio.Task[Case]]] = deque()

            async def settle() -> bool:
                """The oldest patient's case, or why there is none; False where nothing can be kept any more."""
                key, task = asked.popleft()
                try:
                    cases.append(await task)
                except StoreError as error:
                    problems.append(("not triaged", f"{key} and everyone after this patient: {error}"))
                    return False
                except AgentError as error:
                    problems.append(("not triaged", f"{key}: {error}"))
                else:
                    show(cases[-1])
                return True

            async for result in _read(source, server, settings):
                progress.update(bar, completed=len(cases), total=len(cases) + len(asked) + len(problems))
                if isinstance(result, IntakeError):
                    problems.append(
                        ("not read", f"{result.source}: {result}" if result.source else str(result))
                    )
                    continue
                asked.append((result.encounter_key, asyncio.create_task(agent.service.assess(result))))
                if len(asked) >= _at_once(settings) and not await settle():
                    break
            while asked:  # each has its own answer, also after one could not be kept
                await settle()
        without = sum(_by_rules(case) for case in cases)
        if without:
            why = await _why_no_model(agent)
            common.err.say(f"{without} of {len(cases)} by rules alone", why, "bold yellow")
    return cases, problems


def _at_once(settings: Settings) -> int:
    """A server answers several patients at once nearly as fast as one; the embedded model has one at a time."""
    return settings.model.concurrency if settings.model.engine == "vllm" else 1


def _by_rules(case: Case) -> bool:
    return case.assessment is not None and case.assessment.mode is AssessmentMode.RULES_ONLY


async def _why_no_model(agent: Agent) -> str:
    try:
        await agent.engine.ready()
    except EngineError as error:
        return str(error)
    except Exception as error:
        return f"the model does not start ({type(error).__name__}); try `triage model verify`"
    return "the model is there but did not answer in time or in form; --details shows each reason"


def _exit(cases: list[Case], problems: list[Problem]) -> Exit:
    if not cases:
        return Exit.FAILED
    if problems:
        return Exit.SOME_UNREADABLE
    return Exit.RULES_ONLY if any(map(_by_rules, cases)) else Exit.DONE


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
