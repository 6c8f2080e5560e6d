"""Offline scoring of any number of encounters on Ray Data (extra ``batch``): parts in, a parquet file a part out.

Nothing here imports Ray but ``run_batch``.
"""

from eval.batch.parts import BatchError, BatchInput, Part, split
from eval.batch.run import BatchReport, BatchStoppedError, run_batch
from eval.batch.shards import SCHEMA, Options, Shards, Summary

__all__ = [
    "SCHEMA",
    "BatchError",
    "BatchInput",
    "BatchReport",
    "BatchStoppedError",
    "Options",
    "Part",
    "Shards",
    "Summary",
    "run_batch",
    "split",
]
