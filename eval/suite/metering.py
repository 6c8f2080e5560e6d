"""Energy of the rows on a few cases, with the estimates published of closed models beside it."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from eval.cases import Task
from eval.energy import QUICK_CASES, EnergyError, estimate_rows, load_energy, measure
from eval.harness.sampling import smallest
from eval.predictors import InputTask, ModelName
from eval.suite.keeping import kept_energy, key_of
from eval.suite.preparing import PreparedTask
from eval.suite.result import EnergyRow
from eval.suite.running import Context
from triage.slm import EngineError

_METERED = (ModelName.RULES, ModelName.SLM, ModelName.AGENT, ModelName.BASE)
_LAYOUTS = {Task.KTAS: InputTask.KTAS, Task.ESI: InputTask.ESI, Task.NHAMCS: InputTask.NHAMCS}
_REFERENCE = (
    "energy of a model of Qwen2.5-7B's shape: not measured in this run; "
    "`triage eval energy --reference --out FILE` does it, and --energy-file FILE puts it here"
)


def energy_of(
    tasks: Sequence[PreparedTask], context: Context, file: Path | None, not_run: list[str]
) -> tuple[EnergyRow, ...]:
    """Rows metered here, those of ``file`` (``triage eval energy --out``), and estimates of closed models."""
    rows: list[EnergyRow] = []
    if file is not None:
        try:
            rows += load_energy(file).rows
        except EnergyError as error:
            not_run.append(f"energy: {error}")
    else:
        not_run.append(_REFERENCE)
    known = {row.row for row in rows}
    task = next((one for one in tasks if one.spec.task in _LAYOUTS), None)
    wanted = [row for row in _METERED if row.value not in known and task is not None and row in task.rows]
    if task is not None and wanted:
        ids = set(smallest([case.case_id for case in task.cases.readable], QUICK_CASES))
        cases = [case for case in task.cases.readable if case.case_id in ids]
        context.watch.begin("energy", len(wanted))
        setup = key_of(
            [context.setups.get((task.spec.name, row.value)) for row in wanted],
            [row.value for row in wanted],
            sorted(ids),
            context.settings.model.model_dump(mode="json"),
            [platform.node(), platform.processor(), os.cpu_count()],
        )
        try:
            found, _ = kept_energy(
                context.out / "answers" / "energy.json",
                setup,
                lambda: context.there(
                    lambda: measure(
                        wanted,
                        cases,
                        context.settings,
                        task=_LAYOUTS[task.spec.task],
                        progress=lambda words: context.watch.stage(f"energy: {words}"),
                    )
                ),
            )
            rows += found
        except (EnergyError, EngineError) as error:
            not_run.append(f"energy: {error}")
    return (*rows, *estimate_rows())
