"""``triage worker``: takes assessment jobs from the queue; ``triage enqueue``: puts them there."""

import asyncio
import os
import signal
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from agents import Case
from integrations.assembly import Agent
from integrations.settings import Settings
from triage.slm import EngineError
from ui.cli import common
from ui.cli.exits import Exit

if TYPE_CHECKING:
    from integrations.queue import WorkerReport

app = typer.Typer(help="Workers on the queue of assessment jobs (docs/scaling.md).")


@app.callback(invoke_without_command=True)
def worker(
    context: typer.Context,
    drain: bool = typer.Option(False, "--drain", help="Stop when nothing is due any more."),
    concurrency: int | None = typer.Option(
        None, "--concurrency", min=1, max=64, help="Jobs at once (TRIAGE_QUEUE__CONCURRENCY)."
    ),
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Assess what is queued until Ctrl-C or SIGTERM, which let the jobs in hand end. Start as many as you need."""
    if context.invoked_subcommand is not None:
        return
    settings = common.with_engine(common.settings(data_dir), engine)
    if concurrency is not None:
        queue = settings.queue.model_copy(update={"concurrency": concurrency})
        settings = settings.model_copy(update={"queue": queue})
    done = common.run(_work(settings, drain=drain))
    common.out.print(f"{done.assessed} assessed, {done.closed} already over; jobs put back: {done.rescued}")
    for name, count in sorted(done.failures.items()):
        common.out.print(f"  {count} attempts failed: {name}")


@app.command()
def jobs(
    limit: int = typer.Option(50, "--limit", min=1, help="At most so many."),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """How the queue stands, dead jobs, and those that wait for another attempt. Exit code 3 where a job is dead."""
    settings = common.settings(data_dir)

    async def look() -> Exit:
        async with _library().open_queue(settings.queue) as queue:
            state, found = await queue.state(), await queue.failed(limit)
        oldest = "" if state.oldest_seconds is None else f" (the first for {state.oldest_seconds:.0f} s)"
        common.out.print(
            f"{state.waiting} waiting{oldest}, {state.doing} in hand ({state.stalled} of them of a silent worker), "
            f"{state.dead} dead; {state.workers} workers"
        )
        if found:
            table = Table("job", "encounter", "attempts", "last failure", "at", "")
            for job in found:
                at = "" if job.at is None else job.at.isoformat(timespec="seconds")
                row = (str(job.id), job.encounter, str(job.attempts), job.error, at)
                table.add_row(*row, "dead" if job.dead else "waits")
            common.out.print(table)
        if state.workers == 0 and state.waiting:
            common.err.say("no worker", "nobody takes these jobs: start `triage worker`", "bold yellow")
        return Exit.SOME_UNREADABLE if state.dead else Exit.DONE

    raise typer.Exit(common.run(look()))


@app.command()
def retry(
    ids: list[int] = typer.Argument(None, help="Jobs of `triage worker jobs`; all dead ones without."),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Put dead jobs back, with all their attempts."""
    settings = common.settings(data_dir)

    async def put_back() -> int:
        async with _library().open_queue(settings.queue) as queue:
            count: int = await queue.retry(ids or None)
            return count

    common.out.print(f"{common.run(put_back())} put back")


def enqueue(
    encounters: list[str] = typer.Argument(None, help="Encounter ids; every open ED visit without."),
    watch: bool = typer.Option(
        False, "--watch", help="Stay and queue what arrives and what changes, until Ctrl-C."
    ),
    data_dir: Path | None = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP),
) -> None:
    """Queue ED visits of the FHIR server for `triage worker`. A job holds the encounter's id and nothing else."""
    settings = common.settings(data_dir)
    if watch and encounters:
        common.err.say("--watch", "looks for every visit: give no encounters")
        raise typer.Exit(Exit.USAGE)
    _library()  # says what is missing
    from integrations import queue_feed  # noqa: PLC0415 - the extra `queue` need not be installed

    if not watch:
        put, waited, workers = common.run(queue_feed.enqueue(settings, encounters or None))
        common.out.print(f"{put} queued, {waited} waited already")
        if workers == 0:
            common.err.say("no worker", "nobody takes jobs now: start `triage worker`", "bold yellow")
        return

    async def stay() -> None:
        stop = _stop_on_signals()
        await queue_feed.watch(settings, stop, lambda words: common.err.say("not queued", words))

    common.run(stay())


async def _work(settings: Settings, *, drain: bool) -> "WorkerReport":
    def ready(agent: Agent) -> None:
        common.out.print(f"worker {os.getpid()} takes jobs of {settings.queue.name!r}", highlight=False)
        background.append(asyncio.create_task(_say_model(agent)))

    def told(case: Case) -> None:
        level = "none" if case.assessment is None else case.assessment.level
        common.out.print(f"case {case.id}: level {level}", highlight=False)

    background: list[asyncio.Task[None]] = []
    done: WorkerReport = await _library().run_worker(
        settings,
        stop=_stop_on_signals(),
        drain=drain,
        on_ready=ready,
        on_case=told,
        on_problem=lambda words: common.err.say("worker", words, "bold yellow"),
    )
    await asyncio.gather(*background, return_exceptions=True)
    return done


async def _say_model(agent: Agent) -> None:
    """Loads the model before the first patient needs it, and says where there is none."""
    try:
        await agent.engine.ready()
    except EngineError as error:
        common.err.say("rules alone", error, "bold yellow")


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _library() -> ModuleType:
    try:
        from integrations import queue  # noqa: PLC0415 - an extra that need not be installed
    except ModuleNotFoundError as error:
        common.err.say("queue", f"needs {error.name}: pip install 'ed-triage-agent[queue]'")
        raise typer.Exit(Exit.USAGE) from None
    return queue
