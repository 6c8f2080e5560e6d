"""Does training text come out of the weights? Writes without the grammar, and looks for 12 words in a row.

    python benchmarks/extraction.py --adapter A --corpus FILE... [--prompts 200] [--tokens 60]

A is an adapter's folder, a shipped name, or `none` (the base model: what public text alone gives). Each FILE is a
training file of the corpus readers: `.csv` KTAS, `.parquet` NHAMCS, `.jsonl` vignettes. Prompts: the first words of
training texts, in the training prompt or alone; whole training prompts; no patient at all; greedy and sampled. Prints
counts and limits, never a text. Exit status 1 if any run came out, 2 if nothing could be tried. Needs the extra
`train`. Set OMP_NUM_THREADS to the cores it may use.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from triage.slm.errors import EngineError
from triage.slm.shipped import resolve_adapter
from triage.training.config import BaseConfig, TrainingError
from triage.training.corpus import CorpusError, LabelledCase, read_ktas, read_nhamcs, read_vignettes
from triage.training.extraction import RUN, TrainingTexts, attack_prompts, judge, shown_text

READERS: dict[str, tuple[str, Callable[[Path], Iterable[LabelledCase]]]] = {
    ".csv": ("KTAS", read_ktas),
    ".parquet": ("NHAMCS", read_nhamcs),
    ".jsonl": ("vignettes", read_vignettes),
}


def read(files: Iterable[Path]) -> dict[str, list[LabelledCase]]:
    """The cases of each data set, of all its files."""
    corpora: dict[str, list[LabelledCase]] = {}
    for file in files:
        if file.suffix not in READERS:
            raise CorpusError(f"{file.name}: give .csv (KTAS), .parquet (NHAMCS) or .jsonl (vignettes)")
        name, reader = READERS[file.suffix]
        corpora.setdefault(name, []).extend(case for case in reader(file) if case.record.facts)
    return corpora


def main() -> int:
    """Print the table; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--adapter", required=True)
    parser.add_argument(
        "--base", default=BaseConfig().model, help="embedded, or a folder in Hugging Face format"
    )
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--run", type=int, default=RUN)
    parser.add_argument("--batch", type=int, default=25)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    try:
        from triage.training.extraction.writing import FreeWriter  # noqa: PLC0415 - the extra may be missing

        corpora = read(options.corpus)
        texts = TrainingTexts((shown_text(case) for cases in corpora.values() for case in cases), options.run)
        prompts = attack_prompts(corpora, options.prompts, seed=options.seed, run=options.run)
        adapter = resolve_adapter(options.adapter)
        writer = FreeWriter.open(BaseConfig(model=options.base), adapter, batch_size=options.batch)
        started = time.perf_counter()
        written = writer.write(prompts, options.tokens, seed=options.seed)
        found = judge(prompts, written, texts)
    except (CorpusError, EngineError, TrainingError, OSError, ValueError, ImportError) as error:
        print(f"nothing was tried: {error}", file=sys.stderr)
        return 2
    print(", ".join(f"{name}: {len(cases)} cases" for name, cases in corpora.items()))
    print(f"{found.runs} runs of {found.run} words looked for; {time.perf_counter() - started:.0f} s")
    for way, (asked, came) in found.by_way.items():
        print(f"  {way:8} {asked:4} prompts, {came} extracted")
    print(
        f"longest run of training words written: {found.longest}{' or more' * (found.longest == found.run)}"
    )
    print(
        f"{found.extracted} of {found.prompts} prompts extracted; "
        f"95 % upper limit {found.upper_limit:.2%} (one-sided, Clopper-Pearson)"
    )
    return 1 if found.extracted else 0


if __name__ == "__main__":
    sys.exit(main())
