"""Inspect tasks: one for each kind of labelled data.

    inspect eval eval/tasks.py@ktas -T data=FILE --model triage/rules
    inspect eval triage/ktas -T data=FILE -T strategy=few-shot -T train=FILE --model openai/gpt-4o

Every task takes ``data`` (its file), ``sample`` (so many cases, chosen by hash within each level), ``limit`` (the
first), and for general models ``strategy``, ``train``, ``k``, ``seed`` and ``structured`` (``eval.prompting``).
"""

import os
from pathlib import Path
from typing import Any

import inspect_ai
from inspect_ai import task
from inspect_ai.solver import Solver

from eval.cases import Task
from eval.harness.case_set import CaseChoice, CaseSet, case_set
from eval.harness.dataset import dataset
from eval.harness.scorer import triage_scorer
from eval.harness.solver import ask


@task
def ktas(
    data: str, with_diagnosis: bool = False, inputs: str | None = None, **options: Any
) -> inspect_ai.Task:
    """Korean EDs, experts' KTAS levels. ``with_diagnosis`` shows the final diagnosis, as the published prompts did."""
    return _of(Task.KTAS, data, with_diagnosis=with_diagnosis, inputs=_columns(inputs), **options)


@task
def nhamcs(
    data: str, group_prefix: str | None = None, inputs: str | None = None, **options: Any
) -> inspect_ai.Task:
    """The US survey of ED visits. ``group_prefix`` chooses a year (``2020-``)."""
    return _of(Task.NHAMCS, data, group_prefix=group_prefix, inputs=_columns(inputs), **options)


@task
def esi(data: str, inputs: str | None = None, **options: Any) -> inspect_ai.Task:
    """Vignettes with an ESI level: ``case_id``, ``vignette``, ``acuity``."""
    return _of(Task.ESI, data, inputs=_columns(inputs), **options)


@task
def semigran(data: str, **options: Any) -> inspect_ai.Task:
    """45 vignettes in the classes em, ne, sc (``eval.semigran`` says how levels become classes)."""
    return _of(Task.SEMIGRAN, data, **options)


@task
def fhir(data: str, **options: Any) -> inspect_ai.Task:
    """A hospital's own FHIR export: a folder of Bundles, or NDJSON."""
    return _of(Task.FHIR, data, **options)


@task
def mimic(data: str, **options: Any) -> inspect_ai.Task:
    """MIMIC-IV-ED, the user's own licensed copy: the folder with ``triage.csv`` or ``triage.csv.gz``."""
    return _of(Task.MIMIC, data, **options)


@task
def samples(**options: Any) -> inspect_ai.Task:
    """The sample patients that ship with the project."""
    return _of(Task.SAMPLES, None, **options)


def task_for(cases: CaseSet, *, solver: Solver | None = None, **options: Any) -> inspect_ai.Task:
    """The task of cases that were read already; ``options`` are those of ``eval.harness.solver.ask``.

    ``solver``: one that has the cases itself, instead.
    """
    scale = "SEMIGRAN" if cases.choice.task is Task.SEMIGRAN else cases.scale.value
    return inspect_ai.Task(
        dataset=dataset(cases, records=solver is None),
        solver=ask(scale, **options) if solver is None else solver,
        scorer=triage_scorer(),
        name=cases.choice.task.value,
        metadata={"cases": cases.words, "data": cases.data_sha256, "scale": cases.scale.value},
    )


def _of(
    kind: Task,
    data: str | None,
    *,
    sample: int | None = None,
    limit: int | None = None,
    group_prefix: str | None = None,
    with_diagnosis: bool = False,
    inputs: tuple[str, ...] = (),
    **options: Any,
) -> inspect_ai.Task:
    path = None if data is None else _path(data)
    choice = CaseChoice(kind, path, group_prefix, sample, limit, inputs, with_diagnosis)
    return task_for(case_set(choice), **options)


def _path(data: str) -> Path:
    """``data`` as the user meant it: Inspect runs a task in the folder of its file."""
    path = Path(data).expanduser()
    started = os.environ.get("PWD")
    return path if path.exists() or path.is_absolute() or not started else Path(started) / path


def _columns(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
