"""What an evaluation is made of: tasks, rows, training data. ``eval/suites/*.yaml`` are of this form."""

from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator

from data_schemas._base import Frozen
from eval.cases import Task
from eval.harness.errors import HarnessError

_SUITES = files("eval") / "suites"


class GeneralModel(Frozen):
    """A general language model under an Inspect name (``openai/gpt-4o``), and how it is asked."""

    model: str
    strategy: str = "zero-shot"
    k: int | None = None
    structured: bool = True
    base_url: str | None = None
    max_connections: int = Field(default=10, ge=1)

    @property
    def row(self) -> str:
        """The row's name."""
        return f"{self.model} {self.strategy}"


class TaskSpec(Frozen):
    """One set of cases with the rows to ask. Paths are relative to the data folder.

    ``sample``: chosen by hash; ``--full`` takes all. ``train``: what comparators are fitted on, ``other_groups``: the
    task's own file without the cases of ``group_prefix``. ``encoder_cases``: the most that the encoder is fitted on.
    ``outcomes``, ``site_labels``: see ``eval.comparison.Request``. ``recorded_notice``: what a reader must know of the
    recorded answers.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    title: str
    task: Task
    data: str | None = None
    group_prefix: str | None = None
    sample: int | None = Field(default=None, ge=1)
    limit: int | None = Field(default=None, ge=1)
    inputs: tuple[str, ...] = ()
    with_diagnosis: bool = False
    rows: tuple[str, ...]
    general: tuple[GeneralModel, ...] = ()
    train: tuple[str, ...] = ()
    other_groups: bool = False
    encoder_cases: int | None = None
    recorded: tuple[str, ...] = ()
    recorded_notice: str | None = None
    outcomes: bool = False
    site_labels: int | None = None
    draws: int = 200
    examples: int = Field(default=30, ge=0)
    """Errors shown of each row that cites evidence."""
    robustness_cases: int = Field(default=0, ge=0)
    robustness_rows: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_rows(self) -> "TaskSpec":
        if not self.rows and not self.general and not self.recorded:
            raise ValueError("a task needs rows")
        if len(set(self.rows)) < len(self.rows):
            raise ValueError("a row stands twice")
        return self


class SuiteSpec(Frozen):
    """An evaluation."""

    name: str
    seed: int = 20261122
    resamples: int = Field(default=2000, ge=100)
    tasks: tuple[TaskSpec, ...] = Field(min_length=1)
    energy: bool = False

    def full(self) -> "SuiteSpec":
        """Without samples: every labelled case."""
        tasks = tuple(task.model_copy(update={"sample": None}) for task in self.tasks)
        return self.model_copy(update={"tasks": tasks, "name": f"{self.name} --full"})


def load_suite(name: str) -> SuiteSpec:
    """A shipped suite by name, or the user's own YAML file.

    Raises:
        HarnessError: there is none, or it is not of the form.
    """
    own = Path(name)
    shipped = _SUITES / f"{name}.yaml"
    if own.suffix in {".yaml", ".yml"} and own.is_file():
        text = own.read_text(encoding="utf-8")
    elif shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    else:
        names = sorted(item.name.removesuffix(".yaml") for item in _SUITES.iterdir())
        raise HarnessError(f"no suite is called {name}: it is one of {', '.join(names)}, or a .yaml file")
    try:
        return SuiteSpec.model_validate(yaml.safe_load(text))
    except yaml.YAMLError:
        raise HarnessError(f"{own.name}: not YAML") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HarnessError(f"{own.name}: {where}: {first['msg']}") from None
