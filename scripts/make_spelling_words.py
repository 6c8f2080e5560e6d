"""Count the words of emergency care: triage/text/spelling_words.txt.

    python scripts/make_spelling_words.py            # writes the file
    python scripts/make_spelling_words.py --check    # exit status 1 where it is not what the sources give

The sources are the project's own: the lexicon (weight 3; a beginning such as ``suicid*`` stands for the words of the
English dictionary that begin with it), ``scripts/emergency_words.txt`` (3), the guideline statements (2) and the
invented cases (1; words of one case only have 0: they are left alone, and no other word is read as one). No word is
taken from a data set.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from triage.text.english import english_words
from triage.text.spelling import MIN_LETTERS
from triage.training.corpus import authored_cases

_HERE = Path(__file__).resolve().parent
_EMERGENCY = _HERE / "emergency_words.txt"
_OUT = _HERE.parent / "triage" / "text" / "spelling_words.txt"
_WORD = re.compile(r"(?<![\w'’])[a-z]+(?![\w'’])", re.IGNORECASE)
_HEAD = "# Made by scripts/make_spelling_words.py; change its sources, not this file.\n"


def _words(text: str) -> Iterator[str]:
    return (word.lower() for word in _WORD.findall(text) if len(word) >= MIN_LETTERS)


def _patterns() -> Iterator[str]:
    for path in sorted((files("triage.text") / "lexicon").iterdir(), key=lambda item: item.name):
        if path.name.endswith(".yaml"):
            for entry in yaml.safe_load(path.read_text("utf-8")).values():
                yield from map(str, entry["patterns"] if isinstance(entry, dict) else entry)


def _lexicon() -> Iterator[str]:
    for pattern in _patterns():
        for choice in re.split(r"[ |?]+", pattern):
            if choice.endswith("*"):
                yield from (
                    word
                    for word in english_words()
                    if word.startswith(choice[:-1]) and len(word) >= MIN_LETTERS
                )
            else:
                yield from _words(choice)


def _statements() -> Iterator[str]:
    for path in (files("triage.guidelines") / "statements").iterdir():
        if path.name.endswith(".yaml"):
            for statement in yaml.safe_load(path.read_text("utf-8")):
                yield from _words(f"{statement['text']} {statement['short']}")


def counted() -> dict[str, int]:
    """Word to weighted count, in the order of the alphabet."""
    found: Counter[str] = Counter()
    for words, weight in ((_lexicon(), 3), (_words(_EMERGENCY.read_text("utf-8")), 3), (_statements(), 2)):
        for word in words:
            found[word] += weight
    cases = Counter(word for case in authored_cases() for word in set(_words(case.vignette)))
    for word, count in cases.items():
        found[word] += count if count > 1 else 0
    return dict(sorted(found.items()))


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where it differs")
    made = _HEAD + "".join(f"{word} {count}\n" for word, count in counted().items())
    if parser.parse_args().check:
        return int(_OUT.read_text("utf-8") != made)
    _OUT.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
