"""The pairs of an unfinished run, so that a killed one goes on with the very same: sampling them again takes long.

The file holds answers and case ids, no prompt. It goes when the run is finished.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from triage.training.config import TrainingError
from triage.training.preference.cases import PreferenceCase
from triage.training.preference.pairs import PreferencePair

PAIRS = "pairs.json"

Pairs = tuple[list[PreferencePair], list[PreferencePair]]


class ResumeError(TrainingError):
    """The output folder holds a run that is not this one; the message says what to do."""


def fingerprint(parts: Mapping[str, object]) -> str:
    """One hash over everything that decides the pairs and the steps."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def save_pairs(work: Path, pairs: Pairs, mark: str) -> None:
    """Write training and held-out pairs; whole or not at all."""
    content = {"fingerprint": mark, "pairs": [[_row(pair) for pair in part] for part in pairs]}
    scratch = work / (PAIRS + ".new")
    scratch.write_text(json.dumps(content), encoding="utf-8")
    scratch.replace(work / PAIRS)


def load_pairs(work: Path, cases: Sequence[PreferenceCase], mark: str) -> Pairs | None:
    """The pairs of the run that was under way, or None where none was.

    Raises:
        ResumeError: they belong to another recipe, adapter or corpus.
    """
    path = work / PAIRS
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    by_id = {case.judged.case_id: case for case in cases}
    if content["fingerprint"] != mark:
        raise ResumeError(
            f"{work} holds an unfinished run of another recipe, adapter or corpus: delete it or give another --out"
        )
    training, held_out = (
        [PreferencePair(**{**row, "case": by_id[row["case"]]}) for row in part] for part in content["pairs"]
    )
    return training, held_out


def _row(pair: PreferencePair) -> dict[str, object]:
    values = {name: getattr(pair, name) for name in PreferencePair.__dataclass_fields__}
    return {**values, "case": pair.case.judged.case_id}
