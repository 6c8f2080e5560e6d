"""The small model's energy against a large one's, on the same machine, prompts and number of tokens, in one run.

"Same tokens": each model reads as many prompt tokens and writes as many answer tokens, case by case, as the small
model does for these patients. The ids are random, for a large model has another vocabulary. Both models run in the same
runtime (transformers, bfloat16, one pass a written token, no part of a prompt kept); beside them stands the small model
as deployed, whose engine keeps the start of the prompt and passes forced text at once.
"""

import random
from collections.abc import Sequence
from contextlib import ExitStack

from eval.energy.blocks import Blocks, Progress, Work, in_turns, to_row
from eval.energy.depths import Depths, extrapolated
from eval.energy.meter import EnergyError, idle_watts
from eval.energy.random_model import INITIALISATION, RandomModel, available_bytes, bytes_needed
from eval.energy.rows import count_tokens, open_asker, work_of
from eval.energy.shapes import QWEN25_7B, Shape, slm_shape
from eval.predictors import LAYOUTS, InputTask, ModelName, TriageCase
from eval.predictors.slm import SlmPredictor
from eval.suite.result import EnergyRow
from integrations.settings import Settings

REFERENCE_CASES = 2
ROOM_BYTES = 17 * 10**9
"""Available memory from which on the whole of Qwen2.5-7B's shape (15.2 GB) is made on a CPU."""


def measure_reference(
    cases: Sequence[TriageCase],
    settings: Settings,
    *,
    task: InputTask = InputTask.ESI,
    shape: Shape = QWEN25_7B,
    depths: Depths | None = None,
    device: str = "cpu",
    limit: int = REFERENCE_CASES,
    rounds: int = 3,
    seconds: float = 2.0,
    cpu_watts: float | None = None,
    progress: Progress = lambda row: None,
) -> tuple[EnergyRow, ...]:
    """Rows ``slm`` (as deployed), ``slm-transformers``, and the reference; the first two with their ratio to it.

    Args:
        cases: what was known at triage; the first ``limit`` are used.
        settings: adapter and threads; the reference gets as many threads.
        task: gives the scale.
        shape: the reference.
        depths: measure it at these numbers of layers and extrapolate; None makes all of it.
        device: of the two models in transformers; the deployed engine is always on the CPU.
        limit: cases.
        rounds: blocks of each row, at least 3.
        seconds: processor time of the shortest block of the small model; the reference does the cases once a block.
        cpu_watts: see ``metered``.
        progress: told the row that begins.

    Raises:
        EnergyError: no case, too little memory, torch missing, or the depths do not lie on a line.
        EngineError: the small model cannot be opened.
    """
    chosen = list(cases)[:limit]
    if not chosen:
        raise EnergyError("there is nothing to meter: give a case")
    if settings.model.engine != "embedded":
        raise EnergyError(
            "the reference is compared with the embedded engine: set TRIAGE_MODEL__ENGINE=embedded"
        )
    threads = settings.model.threads
    with ExitStack() as stack:
        asker = open_asker(ModelName.SLM, settings, LAYOUTS[task].scale)
        stack.callback(asker.close)
        counted = count_tokens(asker, chosen)
        prompt = sum(one for one, _ in counted) / len(chosen)
        answer = sum(one for _, one in counted) / len(chosen)
        deployed = work_of(SlmPredictor(asker, levels_only=False), chosen, prompt, answer)
        progress("making the random models")
        small = RandomModel(slm_shape(), device=device, threads=threads)
        stack.callback(small.close)
        large = RandomModel(shape, layers=max(depths.all) if depths else None, device=device, threads=threads)
        stack.callback(large.close)
        works = [deployed, _work("slm-transformers", small, counted, threads, device, times=None)]
        for layers in depths.all if depths else (shape.layers,):
            name = reference_name(shape) + (f", {layers} of {shape.layers} layers" if depths else "")
            # Warm up apart: the cases once more would cost minutes.
            large.run([[1, 2, 3]], [2], layers=layers)
            works.append(_work(name, large, counted, threads, device, times=1, layers=layers))
        done = in_turns(works, rounds=rounds, seconds=seconds, cpu_watts=cpu_watts, progress=progress)
        idle = idle_watts(cpu_watts=cpu_watts)
    reference = done[2] if depths is None else extrapolated(done[2:], depths, shape, reference_name(shape))
    rows = [to_row(one, against=reference, idle=idle) for one in done[:2]]
    return (*rows, *(to_row(one, idle=idle) for one in _shown(reference, done[2:], depths)))


def reference_name(shape: Shape) -> str:
    """Its row: that its weights are random must be seen."""
    return f"{shape.name} shape, random weights"


def has_room(shape: Shape = QWEN25_7B) -> bool:
    """Whether the whole reference can be made in this machine's memory now."""
    free = available_bytes()
    return free is None or free >= max(ROOM_BYTES if shape is QWEN25_7B else 0, bytes_needed(shape))


def _shown(reference: Blocks, parts: Sequence[Blocks], depths: Depths | None) -> Sequence[Blocks]:
    return (reference,) if depths is None else (reference, *parts)


def _work(
    row: str,
    model: RandomModel,
    counted: Sequence[tuple[int, int]],
    threads: int,
    device: str,
    *,
    times: int | None,
    layers: int | None = None,
) -> Work:
    draw = random.Random(0)  # noqa: S311 - any tokens will do, the same in every run
    prompts = [[draw.randrange(model.shape.vocabulary) for _ in range(prompt)] for prompt, _ in counted]
    answers = [answer for _, answer in counted]
    depth = "" if layers in (None, model.shape.layers) else ", its first layers"
    return Work(
        row=row,
        run=lambda: model.run(prompts, answers, layers=layers),
        cases=len(counted),
        what=(
            f"transformers, bfloat16, {device}{f', {threads} threads' if device == 'cpu' else ''}; "
            f"{model.shape.name} shape{depth}; weights are {INITIALISATION}"
        ),
        prompt_tokens=sum(map(len, prompts)) / len(prompts),
        decoded_tokens=sum(answers) / len(answers),
        times=times,
    )
