"""Runs a batch on Ray Data: parts go to actors that hold the model, one parquet file a part comes back."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from data_schemas._base import Frozen
from eval.batch.parts import BatchError, BatchInput, Part, split
from eval.batch.reading import check_layout
from eval.batch.scoring import Scorer, calibration_of, scale_of
from eval.batch.shards import Options, Shards, Summary, added
from eval.predictors import InputTask
from eval.predictors.run_record import package_version
from integrations.settings import Settings
from triage.slm.prompt import asked_scale

_OBJECT_STORE_BYTES = 128 * 1024 * 1024
"""On this machine: only the parts' places and counts pass through it, never a record."""


class BatchStoppedError(Exception):
    """The batch was stopped and goes on with the same command; the message says why."""


class BatchReport(Frozen):
    """What a batch came to. ``seconds``: of this run; ``new_rows``: written by it.

    ``failures``: rows without a level by class; ``rules_only``: rows whose level is from the rules alone, by the class
    of the model's failure.
    """

    units: int
    rows: int
    new_rows: int
    failed: int
    failures: dict[str, int]
    rules_only: dict[str, int]
    model: str
    seconds: float


Progress = Callable[[int, int], None]
"""Called after each part with the units done and all units."""


def run_batch(
    path: Path,
    out: Path,
    settings: Settings,
    *,
    task: InputTask | None = None,
    levels_only: bool = False,
    part_rows: int = 500,
    workers: int = 1,
    ray_address: str | None = None,
    patience: float = 300.0,
    progress: Progress = lambda done, units: None,
) -> BatchReport:
    """Score every encounter of ``path`` that ``out`` does not hold.

    Every unit of the input is in exactly one part, and a part's file is written as a whole, so that a run that was
    killed costs the parts it was at, and going on neither loses nor repeats a row.

    Args:
        path: NDJSON with a Bundle a line, a folder of Bundles, or with ``task`` a .csv, .parquet or .jsonl file.
        out: a folder; on a cluster both must be at the same place on every machine.
        settings: the agent's: which model, where.
        task: the layout of a data set file.
        levels_only: decode just the level; no evidence.
        part_rows: units in a part.
        workers: actors, each with its own model or connections.
        ray_address: of a cluster, ``ray://HOST:PORT`` or ``auto``; None runs Ray on this machine for the while.
        patience: seconds that a part waits for a model server that is away.
        progress: told how far it is.

    Raises:
        BatchError: input or output are not what they should be.
        BatchStoppedError: the model stayed away, or parts were answered by different models.
    """
    began = time.monotonic()
    source, parts = split(path, task, part_rows)
    check_layout(source, parts[0])
    options = Options(
        levels_only=levels_only,
        part_rows=part_rows,
        engine=settings.model.engine,
        adapter=settings.model.adapter,
        scale=scale_of(settings, source),
        esi_version=settings.esi_version,
        calibration=calibration_of(settings, asked_scale(scale_of(settings, source))).name,
        version=package_version(),
    )
    shards = Shards(out)
    shards.begin(source, options)
    done = {part.number: found for part in parts if (found := shards.summary(part)) is not None}
    before = sum(summary.rows for summary in done.values())
    todo = [part for part in parts if part.number not in done]
    units = sum(summary.units for summary in done.values())
    progress(units, source.units)
    if todo:
        for summary in _on_ray(source, todo, settings, shards, options, workers, ray_address, patience):
            if summary.refused is not None:
                raise BatchStoppedError(
                    f"the model does not answer ({summary.refused}); the same command goes on when it does"
                )
            done[summary.part] = summary
            units += summary.units
            progress(units, source.units)
            _require_one_model(done.values())
    return _report(shards, parts, before, time.monotonic() - began)


def _on_ray(
    source: BatchInput,
    parts: Sequence[Part],
    settings: Settings,
    shards: Shards,
    options: Options,
    workers: int,
    address: str | None,
    patience: float,
) -> Any:
    """A summary a part, as they are done."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    import ray  # noqa: PLC0415 - an extra
    import ray.data  # noqa: PLC0415

    size = min(workers, len(parts))
    common = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    if address is None:
        ray.init("local", num_cpus=size + 1, object_store_memory=_OBJECT_STORE_BYTES, **common)
    else:
        ray.init(address, log_to_driver=False)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray").setLevel(logging.ERROR)
        given = ray.data.from_items(
            [{"part": part.model_dump_json()} for part in parts], override_num_blocks=len(parts)
        )
        scored = given.map(
            ScorePart,
            fn_constructor_args=(settings, source, shards, options.levels_only, patience),
            compute=ray.data.ActorPoolStrategy(size=size),
            num_cpus=1,
        )
        for row in scored.iter_rows():
            yield Summary.model_validate_json(row["summary"])
    finally:
        ray.shutdown()


class ScorePart:
    """What an actor holds; it opens its model with the first part."""

    def __init__(
        self, settings: Settings, source: BatchInput, shards: Shards, levels_only: bool, patience: float
    ) -> None:
        self._scorer = Scorer(settings, source, levels_only=levels_only, patience=patience)
        self._shards = shards

    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        """Score one part and write it, unless an earlier attempt at it did."""
        part = Part.model_validate_json(given["part"])
        failure = ""
        try:
            summary = self._shards.summary(part)
            if summary is None:
                rows, summary = self._scorer.score(part)
                if summary.refused is None:
                    self._shards.write(rows, summary)
            return {"summary": summary.model_dump_json()}
        except Exception as error:  # its words could quote a record, and Ray would log them
            failure = type(error).__name__
        raise BatchError(f"part {part.number} failed: {failure}")


def _require_one_model(summaries: Any) -> None:
    models = {summary.model for summary in summaries}
    if len(models) > 1:
        raise BatchStoppedError(
            f"the parts in --out were answered by {len(models)} different models: give another folder, "
            "and serve one model while it runs"
        )


def _report(shards: Shards, parts: Sequence[Part], before: int, seconds: float) -> BatchReport:
    """Counted from what is on the disk, not from what was said to be written."""
    summaries = [shards.summary(part) for part in parts]
    there = [summary for summary in summaries if summary is not None]
    if len(there) != len(parts):
        raise BatchStoppedError(
            f"{len(parts) - len(there)} parts are missing in --out; the same command goes on"
        )
    _require_one_model(there)
    failures, rules_only = added(there)
    rows = sum(summary.rows for summary in there)
    report = BatchReport(
        units=sum(summary.units for summary in there),
        rows=rows,
        new_rows=rows - before,
        failed=failures.total(),
        failures=dict(failures),
        rules_only=dict(rules_only),
        model=there[0].model,
        seconds=seconds,
    )
    shards.finish(report.model_dump(mode="json"))
    return report
