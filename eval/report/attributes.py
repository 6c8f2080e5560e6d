"""The 31 source attributes of HTI-1: the adapter's own answers, and beside them what this run measured.

An answer is of one adapter only: it is shown where the run names that adapter by its hash, else the question is open.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from eval.report import words
from eval.report.document import Cell, Paragraph, Section, Table
from eval.suite.result import ModelRow, SuiteResult
from triage.slm import shipped_adapters
from triage.slm.adapter import adapter_sha256
from triage.slm.source_attributes import GROUPS, read_source_attributes

_FILE = Path(__file__).with_name("source_questions.yaml")
_HASH = re.compile(r"\b[0-9a-f]{12,64}\b")
RULE = "45 CFR 170.315(b)(11)(iv)(B), adopted by the HTI-1 rule (89 FR 1192, 9 January 2024)"


@cache
def questions() -> Mapping[str, Mapping[str, str]]:
    """``groups`` and ``questions``: what each is called, in our own words."""
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def source_attributes(result: SuiteResult) -> Section:
    """One table an adapter that ran; the open questions where none of the shipped ones did."""
    lead = Paragraph(
        f"The 31 questions of {RULE}. Answers are those that came with the model; beside them stands what "
        "this run measured. "
        "Software of this project is not certified under that rule.",
        tone="soft",
    )
    adapters = dict(_adapters(result))
    if not adapters:
        none = Paragraph(
            "No row of this run names a shipped adapter by its hash, so the questions stand open.",
            tone="note",
        )
        return Section("attributes", "Source attributes (ONC HTI-1)", (lead, none, _table("", {}, {})))
    tables = [_table(name, answers, _measured(result, rows)) for name, (answers, rows) in adapters.items()]
    return Section("attributes", "Source attributes (ONC HTI-1)", (lead, *tables))


def _adapters(result: SuiteResult) -> Iterator[tuple[str, tuple[Mapping[str, str], frozenset[str]]]]:
    """The shipped adapters whose hash a row gives, with their answers and the names of these rows."""
    rows = [model for task in result.tasks for model in task.models]
    if not any(_hashes(model) for model in rows):
        return
    for name, folder in shipped_adapters().items():
        digest = adapter_sha256(folder)
        own = frozenset(m.name for m in rows if any(digest.startswith(found) for found in _hashes(m)))
        if own:
            yield name, (read_source_attributes(folder), own)


def _hashes(model: ModelRow) -> list[str]:
    return [found for value in model.details.values() for found in _HASH.findall(value)]


def _table(name: str, answers: Mapping[str, str], measured: Mapping[str, str]) -> Table:
    rows: list[tuple[str | Cell, ...]] = []
    number = 0
    for group, keys in GROUPS.items():
        for key in keys:
            number += 1
            answer = answers.get(key)
            rows.append(
                (
                    f"{number}. {questions()['questions'][key]}",
                    questions()["groups"][group],
                    answer if answer else Cell("open", "bad"),
                    measured.get(key, ""),
                )
            )
    of = f" of the adapter {name}" if name else ""
    return Table(
        f"hti1-{name or 'open'}",
        f"Source attributes{of}",
        ("Question", "Group", "Answer that came with the model", "Measured in this run"),
        tuple(rows),
        words=True,
    )


def _measured(result: SuiteResult, names: frozenset[str]) -> dict[str, str]:
    """What this run adds. Whether a set of cases is external to the training is for the reader of question 17."""
    scored, strict, gaps, rank = [], [], [], []
    for task in result.tasks:
        for row in task.comparison.rows:
            if row.name not in names:
                continue
            who = f"{task.title} (n = {words.count(row.cases)}), {words.row_name(row.name)}"
            scored.append(
                f"{who}: accuracy {words.estimate(row.scores['accuracy'])}, weighted kappa "
                f"{words.estimate(row.scores['quadratic_weighted_kappa'])}, recall of levels 1-2 "
                f"{words.estimate(row.scores['recall_high'])}"
            )
            low = words.count(row.counts.get("strict_under_triage"))
            strict.append(f"{who}: {low} of level 1 or 2 put at 4 or 5")
        gaps += [
            f"{task.title}, {words.row_name(g.row)}, {words.score_name(g.score).lower()} by "
            f"{g.attribute}: {g.highest} over "
            f"{g.lowest} by {words.estimate(g.difference)}"
            for g in task.comparison.gaps
            if g.row in names and g.score in {"accuracy", "recall_high"}
        ]
        rank += [f"{task.title}, {r.outcome}" for r in task.comparison.rankings if r.row in names]
    data = [f"{t.title}, n = {words.count(t.comparison.cases)}" for t in result.tasks]
    found = {
        "known_risks": "; ".join(strict),
        "external_source": "; ".join(data),
        "validity_external": "; ".join(scored),
        "fairness_external": "; ".join(gaps),
    }
    if rank:
        found["outcome_evaluations"] = (
            "Not what its use did; how its urgency ranks recorded outcomes is under "
            + ", ".join(dict.fromkeys(rank))
            + "."
        )
    return {key: value for key, value in found.items() if value}
