"""Times of the embedded engine on this machine: load, prefill, one token, whole answers, levels a second.

    python benchmarks/embedded_engine.py [--adapter FOLDER] [--precision int8|f32] [--threads 2] [--repeat 15]

Prints the minimum beside the median, because other processes share the cores. Asserts nothing.
"""

import argparse
import asyncio
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov

from triage.slm.build import EMBEDDINGS_FILE, GRAPH_FILE, BuiltModel, ensure_built
from triage.slm.embedded import EmbeddedEngine
from triage.slm.engine import EngineRequest
from triage.slm.fetch import find_base_model
from triage.slm.runtime import Decoder

PREFIX = (
    "<|im_start|>system\nAssign the triage level, 1 is now and 5 can wait, with the decision path and the "
    "facts and statements that support it.<|im_end|>\n<|im_start|>user\n"
)
CHOICES = "|".join(f"F{number}" for number in range(1, 17))
REGEX = (
    r"Level: [1-5]\nPath: A (yes|no); B (yes|no); C (none|one|many); D (yes|no)\n"
    rf"Facts: (({CHOICES}), ){{4}}({CHOICES})\nRules: (S1|S12|S103), (S2|S3)\n"
)


def request(number: int) -> EngineRequest:
    """An invented patient; every number gives another text of the same length."""
    rng = np.random.default_rng(number)
    facts = [
        f"age {rng.integers(18, 99)} y",
        "sex male",
        "arrival ambulance",
        "complaint chest pain radiating to the left arm",
        f"temp {rng.integers(35, 40)}.{rng.integers(0, 9)} C",
        f"heart rate {rng.integers(100, 160)} /min",
        f"resp rate {rng.integers(12, 40)} /min",
        f"BP {rng.integers(100, 200)}/{rng.integers(50, 99)} mmHg",
        f"SpO2 {rng.integers(80, 99)} %",
        f"pain {rng.integers(1, 9)}/10",
        "alert",
        "history hypertension, diabetes, atrial fibrillation",
        "takes metformin, apixaban, bisoprolol",
        f"onset {rng.integers(1, 9)} h ago, sudden, at rest",
        "vomited twice, pale and sweating",
        "no allergies",
    ]
    lines = "\n".join(f"F{index} {fact}" for index, fact in enumerate(facts, start=1))
    return EngineRequest(PREFIX, f"{lines}<|im_end|>\n<|im_start|>assistant\n", "Level: ", REGEX)


def timed(work: Callable[[], object], repeat: int) -> str:
    """Minimum and median time, and the least processor time of all cores, after one run not counted."""
    work()
    seconds, processor = [], []
    for _ in range(repeat):
        started, used = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    least, middle, cpu = (1e3 * value for value in (min(seconds), statistics.median(seconds), min(processor)))
    return f"min {least:7.1f} ms   median {middle:7.1f} ms   cpu {cpu:7.1f} ms"


def forward_passes(built: BuiltModel, threads: int, repeat: int) -> None:
    """The decoder alone."""
    decoder = Decoder(built.folder / GRAPH_FILE, built.folder / EMBEDDINGS_FILE, threads)
    tokens = np.random.default_rng(0).integers(100, 40000, 300).tolist()
    decoder.feed([tokens[:40]])
    kept = decoder.keep(tokens[:40])

    def run(count: int) -> None:
        decoder.restore(kept)
        decoder.feed([tokens[:count]])

    print(f"restore a prefix of 40 tokens         {timed(lambda: decoder.restore(kept), repeat)}")
    for count in (1, 4, 12, 180):
        print(f"restore it and read {count:3d} tokens        {timed(lambda n=count: run(n), repeat)}")  # type: ignore[misc]


async def whole_answers(engine: EmbeddedEngine, repeat: int, rows: int) -> None:
    """Answers one after another, then levels in bulk."""
    first = await engine.answer(request(0))
    seconds = sorted([(await engine.answer(request(number))).seconds for number in range(1, repeat + 1)])
    print(f"first answer                          {1e3 * first.seconds:11.1f} ms")
    print(
        f"answer, {first.prompt_tokens} + {first.answer_tokens} tokens              "
        f"min {1e3 * seconds[0]:7.1f} ms   median {1e3 * statistics.median(seconds):7.1f} ms   "
        f"p95 {1e3 * seconds[int(0.95 * (len(seconds) - 1))]:7.1f} ms"
    )
    requests = [request(number) for number in range(rows)]
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        await engine.levels(requests)
        rates.append(rows / (time.perf_counter() - started))
    print(
        f"levels only                           max {max(rates):5.2f} rows/s   median {statistics.median(rates):5.2f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--precision", choices=["int8", "f32"], default="int8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--rows", type=int, default=24)
    options = parser.parse_args()
    processor = ov.Core().get_property("CPU", "FULL_DEVICE_NAME")
    print(f"{processor}, {options.threads} threads, {platform.platform()}")
    print(f"Python {platform.python_version()}, openvino {ov.__version__}, {options.precision}")
    built = ensure_built(find_base_model(), options.adapter, precision=options.precision)
    started = time.perf_counter()
    built = ensure_built(find_base_model(), options.adapter, precision=options.precision)
    engine = EmbeddedEngine(built, threads=options.threads)
    print(f"load from the cache, hashes checked   {1e3 * (time.perf_counter() - started):11.1f} ms")
    asyncio.run(whole_answers(engine, options.repeat, options.rows))
    asyncio.run(engine.close())
    forward_passes(built, options.threads, options.repeat)


if __name__ == "__main__":
    main()
