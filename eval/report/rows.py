"""Which rows a report puts first. All rows are in the tables; plots and sentences are about these."""

from dataclasses import dataclass

from eval.comparison.result import RowResult
from eval.suite.result import Kind, ModelRow, TaskResult

MOST = 9
"""More rows than this in one plot cannot be told apart."""

_KINDS: dict[str, Kind] = {
    "predictions": "model",
    "decision rule": "model",
    "recorded": "recorded",
    "mean of runs": "recorded",
    "nurse": "nurse",
}
_SUBJECT: tuple[Kind, ...] = ("agent", "model", "rules", "llm", "comparator", "recorded", "nurse")


@dataclass(frozen=True, slots=True)
class Chosen:
    """``best_of``: of how many recorded runs of that model this row has the most levels right; None for one's own."""

    result: RowResult
    kind: Kind
    best_of: int | None = None

    @property
    def name(self) -> str:
        """The row's."""
        return self.result.name


def kind_of(task: TaskResult, row: RowResult) -> Kind:
    """The row's kind: as the run says, else as the comparison does."""
    found = model_of(task, row.name)
    return found.kind if found is not None else _KINDS.get(row.kind, "model")


def model_of(task: TaskResult, row: str) -> ModelRow | None:
    """What the run says about a row."""
    return next((model for model in task.models if model.name == row), None)


def chosen(task: TaskResult) -> tuple[Chosen, ...]:
    """Every row but decision rules and means of runs; of a recorded model with several rows the most accurate one.

    That choice is made on these very cases and flatters the recorded model: it is a bar, not an estimate.
    """
    own: list[Chosen] = []
    recorded: dict[str, list[RowResult]] = {}
    for row in task.comparison.rows:
        if row.kind in {"decision rule", "mean of runs"}:
            continue
        kind = kind_of(task, row)
        if kind == "recorded":
            recorded.setdefault(row.name.split(" ", 1)[0], []).append(row)
        else:
            own.append(Chosen(row, kind))
    best = [
        Chosen(max(rows, key=_accuracy), "recorded", len(rows) if len(rows) > 1 else None)
        for rows in recorded.values()
    ]
    people = [item for item in own if item.kind == "nurse"]
    return (*(item for item in own if item.kind != "nurse"), *best, *people)


def subject(task: TaskResult) -> Chosen:
    """The row that the report is about: the agent where it ran, else a model, else what there is."""
    rows = chosen(task) or (Chosen(task.comparison.rows[0], kind_of(task, task.comparison.rows[0])),)
    reference = task.comparison.reference
    order = {kind: index for index, kind in enumerate(_SUBJECT)}
    return min(rows, key=lambda item: (order[item.kind], item.name != reference))


def plotted(task: TaskResult) -> tuple[str, ...]:
    """Names of the rows in plots, at most ``MOST``."""
    return tuple(item.name for item in chosen(task))[:MOST]


def _accuracy(row: RowResult) -> float:
    value = row.scores["accuracy"].value
    return -1.0 if value is None else value
