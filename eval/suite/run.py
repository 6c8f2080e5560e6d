"""A whole run: every task of a suite, and what was found as one value."""

import csv
import os
import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from eval.predictions import COLUMNS
from eval.predictors.run_record import package_version, source_commit
from eval.prompting import Prices, load_prices
from eval.suite.asking import file_name
from eval.suite.metering import energy_of
from eval.suite.preparing import Prepared
from eval.suite.result import SuiteResult, TaskResult, Versions
from eval.suite.running import Context, run_task
from eval.suite.spec import SuiteSpec
from eval.suite.watching import Watch
from integrations.settings import Settings

_PACKAGES = ("inspect-ai", "openvino", "numpy", "scikit-learn", "scipy", "lightgbm", "openai", "codecarbon")


def run_suite(
    spec: SuiteSpec,
    prepared: Prepared,
    settings: Settings,
    out: Path,
    watch: Watch,
    *,
    command: str,
    energy_file: Path | None = None,
    prices: Prices | None = None,
) -> SuiteResult:
    """Ask every row of every prepared task. A killed run goes on where it was, with the same ``out``.

    Writes ``logs/`` (Inspect's), ``predictions/<task>/<row>.csv``, ``predictions.csv`` (all of them) and ``answers/``
    (what a run that is gone on with needs). The report and ``results.json`` are the caller's to write.
    """
    started, began = datetime.now(UTC), perf_counter()
    os.environ.setdefault("INSPECT_NO_ANSI", "1")
    not_run = list(prepared.not_run)
    tasks: list[TaskResult] = []
    with ThreadPoolExecutor(1, thread_name_prefix="triage-model") as thread:
        context = Context(
            spec, settings, out, source_commit(), thread, watch, load_prices() if prices is None else prices
        )
        for task in prepared.tasks:
            found = run_task(task, context, not_run)
            if found is not None:
                tasks.append(found)
        wanted = spec.energy or energy_file is not None
        energy = energy_of(prepared.tasks, context, energy_file, not_run) if wanted else ()
    _all_predictions(out, tasks)
    return SuiteResult(
        suite=spec.name,
        command=command,
        started=started,
        seconds=round(perf_counter() - began, 1),
        versions=versions(context.commit),
        seed=spec.seed,
        tasks=tuple(tasks),
        energy=energy,
        not_run=tuple(not_run),
    )


def versions(commit: str | None) -> Versions:
    """What runs here."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return Versions(
        project=package_version(),
        commit=commit,
        python=platform.python_version(),
        machine=machine(),
        packages=found,
    )


def machine() -> str:
    """Processor, cores that this process may use, and operating system."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{processor}, {cores} cores, {platform.system()}"


def _all_predictions(out: Path, tasks: Sequence[TaskResult]) -> None:
    """One file of all answers: task, row and the columns of a predictions file."""
    partial = out / ".predictions.csv.partial"
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("task", "row", *COLUMNS))
        for task in tasks:
            for row, path in _files(out, task).items():
                with path.open(newline="", encoding="utf-8") as one:
                    lines = csv.reader(one)
                    next(lines)
                    writer.writerows((task.name, row, *line) for line in lines)
    os.replace(partial, out / "predictions.csv")


def _files(out: Path, task: TaskResult) -> Mapping[str, Path]:
    names = task.comparison.predictions
    folder = out / "predictions" / task.name
    return {
        row: folder / f"{file_name(row)}.csv" for row in names if (folder / f"{file_name(row)}.csv").exists()
    }
