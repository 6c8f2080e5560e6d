"""``triage eval run``: an evaluation from the data to the report."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from eval.cases import Task
from integrations.settings import Settings
from triage.slm import EngineError
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit

if TYPE_CHECKING:
    from eval.prompting import Prices
    from eval.suite.options import RunOptions
    from eval.suite.preparing import Prepared
    from eval.suite.result import SuiteResult, TaskResult

_MINUTE = 60
_MODEL_HELP = (
    "A row (rules, majority, boosting, encoder, base, slm, agent, agent-prior, hybrid, nurse, recorded), FILE.py with "
    "a model of your own, or PROVIDER/NAME of a general model (openai/gpt-4o)."
)
_SHOWN = {
    "accuracy": "accuracy",
    "quadratic_weighted_kappa": "QWK",
    "recall_high": "recall 1-2",
    "over_triage": "over",
}


def run(
    suite: str | None = typer.Option(None, "--suite", help="A shipped suite (development) or a .yaml file."),
    task: Task | None = typer.Option(None, "--task", help="Or one kind of cases, with --model."),
    model: list[str] = typer.Option([], "--model", help=_MODEL_HELP),
    data: Path | None = typer.Option(
        None, "--data", help="The labelled file (with --task), or the folder of the suite's files."
    ),
    out: Path = typer.Option(
        ..., "--out", help="Folder for the report; a run that was stopped goes on there."
    ),
    full: bool = typer.Option(False, "--full", help="All cases of every set, not a sample."),
    sample: int | None = typer.Option(
        None, "--sample", min=1, help="So many cases, by hash within each level."
    ),
    limit: int | None = typer.Option(None, "--limit", min=1, help="Only the first cases."),
    group_prefix: str | None = typer.Option(
        None, "--group-prefix", help="Only cases whose group begins so, such as 2020-."
    ),
    train: list[Path] = typer.Option(
        [], "--train", help="Labelled files: for comparators and few-shot prompts."
    ),
    recorded: list[Path] = typer.Option(
        [], "--recorded", help="Recorded answers: case_id, model, predicted."
    ),
    inputs: list[str] = typer.Option(
        [], "--input", help="A further column to show as a note; never a label or an outcome."
    ),
    with_diagnosis: bool = typer.Option(
        False, "--with-diagnosis", help="KTAS: also show the final diagnosis, which is not known at triage."
    ),
    strategy: str = typer.Option(
        "zero-shot",
        "--strategy",
        help="General models: zero-shot, chain-of-thought, few-shot or retrieved-few-shot.",
    ),
    base_url: str | None = typer.Option(None, "--base-url", help="General models: another server's address."),
    structured: bool = typer.Option(
        True, "--structured/--unstructured", help="General models: bind the answer to a JSON schema."
    ),
    connections: int = typer.Option(10, "--connections", min=1, help="General models: requests at once."),
    outcomes: bool = typer.Option(False, "--outcomes", help="Rank admission and critical outcomes, too."),
    site_labels: int | None = typer.Option(
        None, "--site-labels", min=20, help="Also calibrate on so many labelled cases of the data."
    ),
    examples: int = typer.Option(
        30, "--examples", min=0, help="Errors shown with the evidence cited, a row."
    ),
    robustness: int | None = typer.Option(
        None, "--robustness", min=0, help="Cases asked in variants; 0: none."
    ),
    energy: bool = typer.Option(True, "--energy/--no-energy", help="Suites: meter the models' energy."),
    energy_file: Path | None = typer.Option(
        None, "--energy-file", exists=True, dir_okay=False, help="What `triage eval energy --out` wrote."
    ),
    prices: Path | None = typer.Option(
        None,
        "--prices",
        exists=True,
        dir_okay=False,
        help="General models: your own prices in USD per million tokens (.yaml); they replace the shipped by name.",
    ),
    resamples: int | None = typer.Option(None, "--resamples", min=100, help="Bootstrap draws (2000)."),
    adapter: str = typer.Option(
        "configured", "--adapter", help="A shipped adapter, a folder, default or none."
    ),
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
    estimate: bool = typer.Option(False, "--estimate", help="Check everything, say time and cost, and stop."),
) -> None:
    """Ask every model about every case, compare them, and write the report.

    Everything is checked first, and time and cost are said before the first question. What is answered is kept:
    the same command goes on after a crash, and asks nothing twice. Exit codes: 0 done; 1 nothing could be done;
    2 wrong options; 3 done, but something could not be had, or a case has no level (both are in the report);
    130 stopped.
    """
    settings = common.settings()
    settings = common.with_engine(
        settings if adapter == "configured" else settings.with_adapter(adapter), engine
    )
    try:
        from eval.suite.options import RunOptions  # noqa: PLC0415 - Inspect is an extra, and slow to import

        for needed in ("eval.suite.run", "eval.report.html"):  # said now, not after an hour of answers
            import_module(needed)
    except ImportError as error:
        common.err.say("not installed", f"{error.name}: pip install 'ed-triage-agent[eval]'")
        raise typer.Exit(Exit.FAILED) from None
    options = RunOptions(
        suite=suite,
        task=task,
        models=tuple(model),
        data=data,
        full=full,
        sample=sample,
        limit=limit,
        group_prefix=group_prefix,
        train=tuple(train),
        recorded=tuple(recorded),
        inputs=tuple(inputs),
        with_diagnosis=with_diagnosis,
        strategy=strategy,
        base_url=base_url,
        structured=structured,
        connections=connections,
        outcomes=outcomes,
        site_labels=site_labels,
        examples=examples,
        robustness=robustness,
        energy=energy,
        resamples=resamples,
    )
    result = _evaluated(options, settings, out, energy_file, prices, only_estimate=estimate)
    if result is None:
        return
    _say_result(result, out)
    answered = [row for one in result.tasks for row in one.models if row.kind not in {"recorded", "nurse"}]
    if not result.tasks:
        raise typer.Exit(Exit.FAILED)
    if any(row.failed for row in answered) or result.not_run:
        raise typer.Exit(Exit.SOME_UNREADABLE)


def _evaluated(
    options: "RunOptions",
    settings: Settings,
    out: Path,
    energy_file: Path | None,
    prices_file: Path | None,
    *,
    only_estimate: bool,
) -> "SuiteResult | None":
    from eval.harness.errors import HarnessError  # noqa: PLC0415
    from eval.prompting import PriceError, load_prices  # noqa: PLC0415
    from eval.report import write_report  # noqa: PLC0415
    from eval.suite.options import command_line, spec_of  # noqa: PLC0415
    from eval.suite.preparing import prepare  # noqa: PLC0415
    from eval.suite.run import run_suite  # noqa: PLC0415

    try:
        spec = spec_of(options)
        prices = load_prices(prices_file)
    except (HarnessError, PriceError) as error:
        common.err.say("usage", error)
        raise typer.Exit(Exit.USAGE) from None
    try:
        with _progress() as progress:
            prepared = prepare(spec, options.data if options.suite else None, out, Bar(progress))
        _say_estimate(prepared, prices)
        if only_estimate:
            return None
        out.mkdir(parents=True, exist_ok=True)
        with _progress() as progress:
            bar = Bar(progress)
            command = command_line(sys.argv[1:])
            result = run_suite(
                spec,
                prepared,
                settings,
                out,
                bar,
                command=command,
                energy_file=energy_file,
                prices=prices,
            )
            bar.stage("writing the report")
            write_report(result, out)
    except (HarnessError, CorpusError, EngineError) as error:
        common.err.say("not evaluated", error)
        raise typer.Exit(Exit.FAILED) from None
    except KeyboardInterrupt:
        common.err.say("interrupted", "what was answered is kept; the same command goes on from here")
        raise typer.Exit(Exit.INTERRUPTED) from None
    return result


class Bar:
    """Progress on a terminal; elsewhere a line for every part that begins."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, words: str) -> None:
        """Something that cannot be counted."""
        self._show(words, None)

    def begin(self, words: str, total: int) -> None:
        """Something that can."""
        self._show(words, total)

    def advance(self, count: int) -> None:
        """So many more are done."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def _show(self, words: str, total: int | None) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(words, total=total)
        if not common.err.is_terminal:
            common.err.print(words, highlight=False, markup=False)


def _progress() -> Progress:
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


def _say_estimate(prepared: "Prepared", prices: "Prices") -> None:
    from eval.suite.estimate import estimates  # noqa: PLC0415

    found = [one for task in prepared.tasks for one in estimates(task, prices)]
    seconds = sum(one.seconds for one in found)
    table = Table("Cases of", "Row", "Cases", "About", "USD", title="Before it starts")
    for one in found:
        price = "-" if one.usd is None else f"{one.usd:.2f}"
        table.add_row(one.task, one.row, str(one.cases), _duration(one.seconds), price)
    common.err.print(table)
    for how in dict.fromkeys(one.how for one in found if one.how):
        common.err.print(f"  {how}", highlight=False, markup=False)
    priced = [one.usd for one in found if one.usd is not None]
    cost = f", about {sum(priced):.2f} USD" if priced else ""
    common.err.print(
        f"about {_duration(seconds)}{cost}, less what is kept from an earlier run; on two cores, without the scores",
        highlight=False,
    )
    _list("not run", prepared.not_run)


def _say_result(result: "SuiteResult", out: Path) -> None:
    for task in result.tasks:
        common.out.print(_table(task))
        for row in task.models:
            if row.failed and row.kind not in {"recorded", "nurse"}:
                causes = "; ".join(f"{count} x {cause}" for cause, count in row.failures.items())
                common.err.say("no level", f"{task.name}, {row.name}: {row.failed} cases, wrong: {causes}")
    _list("not run", result.not_run)
    common.out.print(f"{_duration(result.seconds)}; {out / 'report.html'}", highlight=False, soft_wrap=True)


def _table(task: "TaskResult") -> Table:
    timed = {row.name: row for row in task.models}
    table = Table(
        "Row", *_SHOWN.values(), "strict under", "seconds", title=f"{task.title}, n = {task.comparison.cases}"
    )
    for row in task.comparison.rows:
        if row.kind == "recorded" and row.runs == 1:
            continue  # each run of a recorded model is in the report
        cells = []
        for score in _SHOWN:
            item = row.scores[score]
            cells.append(
                "-"
                if item.value is None or item.low is None or item.high is None
                else f"{item.value:.3f} ({item.low:.2f}-{item.high:.2f})"
            )
        seconds = timed[row.name].seconds if row.name in timed else None
        strict = f"{row.counts['strict_under_triage']:.4g}"
        table.add_row(row.name, *cells, strict, "-" if seconds is None else f"{seconds:.1f}")
    return table


def _list(label: str, lines: Sequence[str]) -> None:
    for line in lines:
        common.err.say(label, line, "bold yellow")


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min"
