"""A suite from what was said on the command line, and the command again without a path of this machine."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_schemas._base import Frozen
from eval.cases import Task
from eval.harness.errors import HarnessError
from eval.suite.spec import GeneralModel, SuiteSpec, TaskSpec, load_suite

_ROBUST_ROWS = frozenset({"rules", "majority", "boosting", "encoder", "base", "slm", "agent", "agent-prior"})


class RunOptions(Frozen):
    """What ``triage eval run`` was given. Either ``suite``, or ``task`` with ``models``."""

    suite: str | None = None
    task: Task | None = None
    models: tuple[str, ...] = ()
    data: Path | None = None
    full: bool = False
    sample: int | None = None
    limit: int | None = None
    group_prefix: str | None = None
    train: tuple[Path, ...] = ()
    recorded: tuple[Path, ...] = ()
    inputs: tuple[str, ...] = ()
    with_diagnosis: bool = False
    strategy: str = "zero-shot"
    base_url: str | None = None
    structured: bool = True
    connections: int = 10
    outcomes: bool = False
    site_labels: int | None = None
    examples: int = 30
    robustness: int | None = None
    energy: bool = True
    resamples: int | None = None


def spec_of(options: RunOptions) -> SuiteSpec:
    """The suite that the options describe.

    Raises:
        HarnessError: they do not go together.
    """
    if (options.suite is None) == (options.task is None):
        raise HarnessError("give --suite NAME, or --task with --model; not both")
    if options.suite is not None:
        return _changed(load_suite(options.suite), options)
    try:
        return _single(options)
    except ValidationError as error:
        raise HarnessError(error.errors(include_input=False)[0]["msg"]) from None


def command_line(words: Sequence[str]) -> str:
    """The command again, files by name only: a machine's folders are nobody's business."""
    shown = [Path(word).name if "/" in word and Path(word).exists() else word for word in words]
    return shlex.join(["triage", *shown])


def _changed(spec: SuiteSpec, options: RunOptions) -> SuiteSpec:
    single = {
        "--model": options.models,
        "--train": options.train,
        "--recorded": options.recorded,
        "--input": options.inputs,
        "--sample": options.sample,
        "--group-prefix": options.group_prefix,
        "--with-diagnosis": options.with_diagnosis,
        "--outcomes": options.outcomes,
        "--site-labels": options.site_labels,
    }
    given = [name for name, value in single.items() if value]
    if given:
        raise HarnessError(
            f"{', '.join(given)}: a suite says this itself; give --task, or a .yaml file of your own"
        )
    if options.full:
        spec = spec.full()
    update: dict[str, Any] = {"examples": options.examples}
    if options.limit is not None:
        update["limit"] = options.limit
    tasks = tuple(
        task.model_copy(
            update=update
            | (
                {"robustness_cases": options.robustness}
                if options.robustness is not None and task.robustness_cases
                else {}
            )
        )
        for task in spec.tasks
    )
    return spec.model_copy(
        update={
            "tasks": tasks,
            "energy": spec.energy and options.energy,
            "resamples": options.resamples or spec.resamples,
        }
    )


def _single(options: RunOptions) -> SuiteSpec:
    task = options.task
    assert task is not None
    if not options.models and not options.recorded:
        raise HarnessError("give --model, once or more")
    rows = [name for name in options.models if _is_own(name)]
    if options.recorded and "recorded" not in rows:
        rows.append("recorded")
    general = tuple(
        GeneralModel(
            model=name,
            strategy=options.strategy,
            base_url=options.base_url,
            structured=options.structured,
            max_connections=options.connections,
        )
        for name in options.models
        if not _is_own(name)
    )
    data = None if options.data is None else str(options.data)
    spec = TaskSpec(
        name=task.value,
        title=task.value if options.data is None else f"{task.value}, {options.data.name}",
        task=task,
        data=data,
        group_prefix=options.group_prefix,
        sample=None if options.full else options.sample,
        limit=options.limit,
        inputs=options.inputs,
        with_diagnosis=options.with_diagnosis,
        rows=tuple(rows),
        general=general,
        train=tuple(map(str, options.train)),
        recorded=tuple(map(str, options.recorded)),
        outcomes=options.outcomes,
        site_labels=options.site_labels,
        examples=options.examples,
        robustness_cases=options.robustness or 0,
        robustness_rows=tuple(row for row in rows if row in _ROBUST_ROWS),
    )
    return SuiteSpec(name=task.value, tasks=(spec,), resamples=options.resamples or 2000)


def _is_own(name: str) -> bool:
    """Whether a name is a row of this project or a file, and no general model."""
    return name.endswith(".py") or "/" not in name
