"""Do the project's own teaching cases share runs of words with another file of vignettes?

    python scripts/check_authored_overlap.py FILE...            # .jsonl files with a text in `vignette` (or --field)
    python scripts/check_authored_overlap.py FILE --words 8     # length of a run; 8 is the default

Prints each shared run with the ids on both sides and a count for each file; exit status 1 where there is any. Words are
compared in lower case, punctuation aside. Run it before a data set is used to judge a model trained on the cases.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from triage.training.corpus import authored_cases

_WORD = re.compile(r"[^\W_]+")


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """Every run of ``length`` words of ``text``, in order."""
    words = _WORD.findall(text.lower())
    return (tuple(words[start : start + length]) for start in range(len(words) - length + 1))


def overlaps(path: Path, field: str, length: int) -> dict[tuple[str, str], list[str]]:
    """(id of ours, id of theirs) -> the runs of words that both have."""
    ours: dict[tuple[str, ...], set[str]] = {}
    for case in authored_cases():
        for run in runs(case.vignette, length):
            ours.setdefault(run, set()).add(case.case_id)
    found: dict[tuple[str, str], list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        row = json.loads(line)
        if field not in row:
            raise SystemExit(f"{path.name}, line {number}: no field {field}; name the text with --field")
        for run in dict.fromkeys(runs(str(row[field]), length)):
            for case_id in ours.get(run, ()):
                theirs = str(row.get("case_id", f"line {number}"))
                found.setdefault((case_id, theirs), []).append(" ".join(run))
    return found


def main() -> int:
    """Report every file; 1 where anything is shared."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--words", type=int, default=8, help="length of a run")
    parser.add_argument("--field", default="vignette", help="the field that holds the text")
    arguments = parser.parse_args()
    shared = 0
    for path in arguments.files:
        found = overlaps(path, arguments.field, arguments.words)
        shared += len(found)
        for (ours, theirs), texts in sorted(found.items()):
            print(f"{path.name}: {ours} and {theirs}: {'; '.join(texts[:3])}")
        print(f"{path.name}: {len(found)} pairs of cases share a run of {arguments.words} words")
    return 1 if shared else 0


if __name__ == "__main__":
    sys.exit(main())
