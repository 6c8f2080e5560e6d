"""Everything that can be wrong is found here, before any model is asked."""

from dataclasses import dataclass, field
from pathlib import Path

from eval.cases import Task
from eval.comparison.answers import Answers, nurse, recorded
from eval.comparison.errors import ComparisonError
from eval.harness.case_set import CaseChoice, CaseSet, case_set, read_all
from eval.harness.errors import HarnessError
from eval.harness.opening import NURSE, RECORDED, ROWS
from eval.prompting import PromptError, not_configured
from eval.prompting import solver as prompted
from eval.suite.asking import file_name
from eval.suite.spec import GeneralModel, SuiteSpec, TaskSpec
from eval.suite.training import Training
from eval.suite.watching import Watch

TRAINED = frozenset({"boosting", "encoder", "hybrid"})


@dataclass(frozen=True)
class PreparedTask:
    """One task with its cases read and checked.

    ``rows``: to be asked here; ``general``: to be asked live; ``others``: recorded answers and the nurse's.
    """

    spec: TaskSpec
    cases: CaseSet
    training: Training
    rows: tuple[str, ...]
    general: tuple[GeneralModel, ...]
    recorded: tuple[Path, ...]
    others: tuple[Answers, ...]
    training_file: Path | None = None
    """Where few-shot prompts take their examples from."""


@dataclass
class Prepared:
    """The tasks that can be run, and what cannot, with why."""

    tasks: list[PreparedTask] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)


def prepare(spec: SuiteSpec, data: Path | None, out: Path, watch: Watch) -> Prepared:
    """Read and check every task of ``spec``.

    Args:
        spec: the suite.
        data: the folder that the suite's paths are relative to; None takes them as they stand.
        out: where fitted comparators are kept.
        watch: told what is read.

    Raises:
        HarnessError: a file that is there cannot be used as asked, or nothing can be run at all.
        CorpusError: a file is not of its task's form.
    """
    found = Prepared()
    for task in spec.tasks:
        watch.stage(f"reading {task.name}")
        lacking = [
            name for name in (task.data, *task.train, *task.recorded) if name and not _at(data, name).exists()
        ]
        if task.data in lacking:
            found.not_run.append(
                f"{task.name}: {Path(str(task.data)).name} is not there; give its folder with --data"
            )
            continue
        try:
            found.tasks.append(_prepare(task, data, out, set(lacking), found.not_run, watch))
        except (ComparisonError, PromptError) as error:
            raise HarnessError(f"{task.name}: {error}") from None
    if not found.tasks:
        raise HarnessError("nothing can be run: " + "; ".join(found.not_run))
    return found


def _prepare(
    task: TaskSpec, data: Path | None, out: Path, lacking: set[str], not_run: list[str], watch: Watch
) -> PreparedTask:
    choice = CaseChoice(
        task=task.task,
        data=_at(data, task.data) if task.data else None,
        group_prefix=task.group_prefix,
        sample=task.sample,
        limit=task.limit,
        inputs=task.inputs,
        with_diagnosis=task.with_diagnosis,
    )
    labelled = read_all(choice)
    cases = case_set(choice, labelled)
    not_run += [f"{task.name}: {Path(name).name} is not there, nor what needs it" for name in sorted(lacking)]
    training = Training(
        cases,
        labelled,
        [_at(data, name) for name in task.train if name not in lacking],
        other_groups=task.other_groups,
        folder=out / "fitted" / task.name,
        encoder_cases=task.encoder_cases,
        say=watch.stage,
    )
    files = tuple(_at(data, name) for name in task.recorded if name not in lacking)
    human = nurse(cases.labels)
    others = [item for path in files for item in recorded(path, cases.labels)]
    rows = _rows(task, training, human is not None, bool(files), not_run)
    general = _general(task, cases, training, data, not_run)
    names = [file_name(row) for row in rows] + [file_name(one.row) for one in general]
    if len(set(names)) < len(names):
        raise HarnessError(f"{task.name}: two rows have the same name; give each its own")
    return PreparedTask(
        spec=task,
        cases=cases,
        training=training,
        rows=rows,
        general=general,
        recorded=files,
        training_file=next((_at(data, name) for name in task.train if name not in lacking), None),
        others=(*others, *([human] if human is not None else [])),
    )


def _rows(
    task: TaskSpec, training: Training, has_nurse: bool, has_recorded: bool, not_run: list[str]
) -> tuple[str, ...]:
    """The rows to ask; recorded answers and the nurse's are the comparison's own rows."""
    kept = []
    for row in task.rows:
        if row.endswith(".py"):
            if not Path(row).is_file():
                raise HarnessError(f"{Path(row).name}: there is no such file")
            kept.append(row)
        elif row not in ROWS:
            raise HarnessError(
                f"no row is called {row}: it is one of {', '.join(ROWS)}, FILE.py or PROVIDER/MODEL"
            )
        elif row == NURSE:
            if not has_nurse:
                not_run.append(f"{task.name}, nurse: no nurse's level is recorded beside the label")
        elif row == RECORDED:
            if not has_recorded:
                not_run.append(f"{task.name}, recorded: no file of recorded answers was given (--recorded)")
        elif row in TRAINED and not training.has_any:
            not_run.append(f"{task.name}, {row}: nothing to fit it on; give labelled cases with --train")
        else:
            kept.append(row)
    if any(row in TRAINED for row in kept):
        training.check()
    if not kept and (has_nurse or has_recorded):
        return ("rules",)  # what is recorded is compared with something
    return tuple(kept)


def _general(
    task: TaskSpec, cases: CaseSet, training: Training, data: Path | None, not_run: list[str]
) -> tuple[GeneralModel, ...]:
    kept = []
    for one in task.general:
        reason = not_configured(one.model, base_url=one.base_url)
        if reason is not None:
            not_run.append(f"{task.name}, {one.row}: {reason}")
            continue
        scale = "SEMIGRAN" if task.task is Task.SEMIGRAN else cases.scale.value
        shots = one.strategy not in {"zero-shot", "chain-of-thought"}
        train = str(_at(data, task.train[0])) if shots and task.train else None
        prompted(one.strategy, scale, train, one.k, 0, one.structured)
        kept.append(one)
    return tuple(kept)


def _at(folder: Path | None, name: str) -> Path:
    path = Path(name)
    return path if folder is None or path.is_absolute() else folder / path
