"""``triage eval energy``: watt-hours per 1,000 triages of each model, and the small model's against a large one's."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.table import Table

from eval import sample_cases
from eval.energy import (
    QUICK_CASES,
    REFERENCE_CASES,
    Depths,
    EnergyError,
    EnergyFile,
    estimate_rows,
    has_room,
    machine_words,
    measure,
    measure_reference,
)
from eval.predictors import CaseFile, InputError, InputTask, ModelName, OptionError, ReadCase, TriageCase
from eval.predictors.run_record import source_commit
from eval.suite.result import EnergyRow
from integrations.settings import Settings
from triage.slm import EngineError
from ui.cli import common
from ui.cli.exits import Exit

QUICK = (ModelName.RULES, ModelName.SLM, ModelName.AGENT, ModelName.BASE)


class Whole(StrEnum):
    """How much of the reference is made."""

    AUTO = "auto"
    ALL = "all"
    SCALED = "scaled"


def energy(
    model: list[ModelName] = typer.Option(
        [], "--model", help="A row; by default rules, slm, agent and base."
    ),
    task: InputTask = typer.Option(
        InputTask.ESI, "--task", help="The layout of --data, and with it the scale."
    ),
    data: Path | None = typer.Option(
        None, "--data", exists=True, dir_okay=False, help="Cases; by default the shipped sample patients."
    ),
    cases: int | None = typer.Option(None, "--cases", min=1, help="Cases metered (6; with --reference 2)."),
    rounds: int = typer.Option(3, "--rounds", min=3, help="Blocks of each row, taken in turns."),
    seconds: float = typer.Option(2.0, "--seconds", min=0.5, help="Processor time of the shortest block."),
    levels_only: bool = typer.Option(False, "--levels-only", help="Decode just the level, in batches."),
    fitted: Path | None = typer.Option(
        None,
        "--fitted",
        exists=True,
        file_okay=False,
        help="boosting, encoder, hybrid: the saved model's folder.",
    ),
    train: list[Path] = typer.Option(
        [], "--train", exists=True, dir_okay=False, help="Or files to fit it on now."
    ),
    cpu_watts: float | None = typer.Option(
        None,
        "--cpu-watts",
        min=1,
        help="Power of all cores at full load, for the model of a machine without a meter.",
    ),
    reference: bool = typer.Option(
        False,
        "--reference",
        help="Instead: the small model against a random one of Qwen2.5-7B's shape (minutes).",
    ),
    layers: Whole = typer.Option(
        Whole.AUTO,
        "--layers",
        help="The reference whole, or extrapolated from three depths; auto: as memory allows.",
    ),
    depths: str = typer.Option(
        "2,5,8", "--depths", help="Layers of the three depths; the middle one is a check."
    ),
    device: str = typer.Option("cpu", "--device", help="Where the models in transformers run: cpu or cuda."),
    out: Path | None = typer.Option(None, "--out", dir_okay=False, help="Write the rows (.json)."),
) -> None:
    """Watt-hours per 1,000 triages, what was metered, and intervals over repeated blocks.

    A ratio is given only between rows of one run. Closed models are shown by published estimates, in no ratio.
    """
    settings = common.settings()
    limit = cases or (REFERENCE_CASES if reference else QUICK_CASES)
    began, started = time.perf_counter(), datetime.now(UTC)
    try:
        found, words = _cases(task, data, settings)
        with common.err.status("metering") as status:
            if reference:
                rows = measure_reference(
                    found,
                    settings,
                    task=task,
                    depths=_depths(layers, depths, device),
                    device=device,
                    rounds=rounds,
                    seconds=seconds,
                    cpu_watts=cpu_watts,
                    progress=status.update,
                    limit=limit,
                )
            else:
                rows = measure(
                    model or _quick(fitted, train),
                    found,
                    settings,
                    task=task,
                    levels_only=levels_only,
                    fitted=fitted,
                    train=train,
                    rounds=rounds,
                    seconds=seconds,
                    cpu_watts=cpu_watts,
                    progress=status.update,
                    limit=limit,
                )
    except (EnergyError, InputError, EngineError) as error:
        common.err.say("not metered", error)
        raise typer.Exit(Exit.USAGE if isinstance(error, OptionError) else Exit.FAILED) from None
    except KeyboardInterrupt:
        common.err.say("interrupted", "nothing was written", "bold yellow")
        raise typer.Exit(Exit.INTERRUPTED) from None
    result = EnergyFile(
        command=_command(reference, layers, depths, device, rounds, cases),
        started=started,
        seconds=time.perf_counter() - began,
        machine=machine_words(),
        commit=source_commit(),
        cases=words,
        rows=rows,
    )
    if out is not None:
        result.save(out)
    _show(result)


def _cases(task: InputTask, data: Path | None, settings: Settings) -> tuple[list[TriageCase], str]:
    found: list[TriageCase] = []
    if data is None:
        if task is not InputTask.ESI:
            raise OptionError(
                f"--task {task.value} needs --data FILE; only the shipped sample patients need none"
            )
        found += sample_cases(settings.esi_version)
        return found, "shipped sample patients"
    file = CaseFile(data, task)
    found += [case for case in file.cases() if isinstance(case, ReadCase)]
    return found, f"{data.name}, sha256 {file.sha256[:12]}, in the file's order"


def _quick(fitted: Path | None, train: list[Path]) -> tuple[ModelName, ...]:
    return (*QUICK, ModelName.BOOSTING) if fitted or train else QUICK


def _depths(layers: Whole, words: str, device: str) -> Depths | None:
    if layers is Whole.ALL or (layers is Whole.AUTO and (device != "cpu" or has_room())):
        return None
    try:
        low, check, high = (int(word) for word in words.split(","))
        return Depths(low=low, check=check, high=high)
    except (ValueError, ValidationError):
        raise OptionError(f"--depths {words}: give three growing numbers of layers, such as 2,5,8") from None


def _command(reference: bool, layers: Whole, depths: str, device: str, rounds: int, cases: int | None) -> str:
    words = ["triage eval energy"]
    if reference:
        words += ["--reference", f"--layers {layers.value}", f"--depths {depths}", f"--device {device}"]
    words.append(f"--rounds {rounds}")
    if cases is not None:
        words.append(f"--cases {cases}")
    return " ".join(words)


def _show(found: EnergyFile) -> None:
    table = Table("Row", "Wh per 1,000", "95 % interval", "s a case", "Tokens in/out", "Source", "Ratio")
    shown = found.rows + estimate_rows()
    for row in shown:
        table.add_row(
            row.row,
            f"{row.wh_per_1000:.3g}",
            "" if row.low is None or row.high is None else f"{row.low:.3g}-{row.high:.3g}",
            "" if row.seconds is None else f"{row.seconds / row.cases:.3g}",
            "" if row.prompt_tokens is None else f"{row.prompt_tokens:.0f}/{row.decoded_tokens or 0:.0f}",
            row.source,
            _ratio(row),
        )
    common.out.print(table)
    for line in dict.fromkeys(row.meter for row in found.rows):
        common.out.print(line, highlight=False, markup=False)
    for row in shown:
        said = row.reference if row.source == "estimate" else row.what
        common.out.print(f"{row.row}: {said}", highlight=False, markup=False)
    common.out.print(f"{found.machine}; {found.cases}; {found.seconds:.0f} s", highlight=False, markup=False)


def _ratio(row: EnergyRow) -> str:
    if row.ratio is None or row.ratio_low is None or row.ratio_high is None:
        return ""
    return f"{row.ratio:.2g} ({row.ratio_low:.2g}-{row.ratio_high:.2g}) of {row.against}"
