"""What is in a corpus: counts, level mix, what is missing, and hashes that name it. No row can be read back from it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from data_schemas import AcuityScale, FactKind, QualityIssue
from data_schemas._base import Frozen
from data_schemas.intake import EXPECTED_FACTS
from triage.training.corpus.case import LabelledCase

FEWEST = 5
"""Counts below it are not told for findings and outcomes: a hospital's card can leave the house."""


class CorpusCard(Frozen):
    """Figures of one corpus.

    ``levels``: cases at levels 1 to 5. ``missing``: share of cases in which each expected fact is not known, 0 to 1.
    ``findings``: cases in which a defect is named, by issue. ``outcomes``: name -> (cases where it happened, cases
    where it is known). Findings and outcomes of fewer than ``FEWEST`` cases are left out. ``file_sha256``: of the file,
    or over the names and hashes of a folder's files.
    """

    dataset: str
    cases: int
    groups: int
    scales: tuple[AcuityScale, ...]
    levels: tuple[int, int, int, int, int]
    missing: dict[FactKind, float]
    findings: dict[QualityIssue, int]
    outcomes: dict[str, tuple[int, int]]
    nurse_agrees: float | None = Field(default=None, ge=0.0, le=1.0)
    """Share of cases in which the triage nurse gave the labelled level, where the label is another's."""
    file_sha256: str | None = None


def corpus_card(dataset: str, cases: Iterable[LabelledCase], path: Path | None = None) -> CorpusCard:
    """The card of labelled ``cases``, which came from ``path`` where it is given."""
    levels: Counter[int] = Counter()
    missing: Counter[FactKind] = Counter()
    findings: Counter[QualityIssue] = Counter()
    happened: Counter[str] = Counter()
    known: Counter[str] = Counter()
    groups: set[str] = set()
    scales: set[AcuityScale] = set()
    total = agreed = compared = 0
    for case in cases:
        total += 1
        levels[case.acuity or 0] += 1
        groups.add(case.group)
        scales.add(case.scale)
        missing.update(kind for kind in EXPECTED_FACTS if case.record.first(kind) is None)
        findings.update({finding.issue for finding in case.record.findings})
        known.update(case.outcomes.keys())
        happened.update(name for name, value in case.outcomes.items() if value)
        if case.nurse_acuity is not None and case.acuity is not None:
            compared += 1
            agreed += case.nurse_acuity == case.acuity
    return CorpusCard(
        dataset=dataset,
        cases=total,
        groups=len(groups),
        scales=tuple(sorted(scales)),
        levels=(levels[1], levels[2], levels[3], levels[4], levels[5]),
        missing={kind: round(missing[kind] / total, 4) for kind in EXPECTED_FACTS} if total else {},
        findings={issue: count for issue, count in findings.most_common() if count >= FEWEST},
        outcomes={name: (happened[name], known[name]) for name in sorted(known) if happened[name] >= FEWEST},
        nurse_agrees=round(agreed / compared, 4) if 0 < agreed < compared else None,
        file_sha256=None if path is None else path_sha256(path),
    )


def path_sha256(path: Path) -> str:
    """Of a file; of a folder, over the relative names and hashes of all files in it, sorted."""
    if path.is_file():
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    names = sorted(item for item in path.rglob("*") if item.is_file())
    said = "".join(f"{item.relative_to(path).as_posix()}\0{path_sha256(item)}\0" for item in names)
    return hashlib.sha256(said.encode()).hexdigest()
