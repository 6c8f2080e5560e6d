"""TRIPOD-LLM (Gallifant et al., Nat Med 2025;31:60-69): what this run can say to each item, and what stays open.

Nothing is invented: an item that only authors can answer (ethics, funding of their study, conflicts) is open.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from eval.report import words
from eval.report.document import Cell, Mark, Paragraph, Section, Table
from eval.report.rows import subject
from eval.suite.result import SuiteResult

_FILE = Path(__file__).with_name("tripod_llm.yaml")
State = Literal["from this run", "project", "not applicable", "open"]

_PROJECT: Mapping[str, str] = {
    "3b": "Patients arriving at an emergency department, for triage nurses and emergency physicians; a "
    "clinician decides on "
    "every level before it is final.",
    "4": "Validation: this report evaluates models as they are and trains none.",
    "6d": "Decision points, a level 1-5 with a probability for each, and cited facts, decoded under a "
    "grammar; then a floor by "
    "rules, calibration, and a set of levels. Other rows: a level, with probabilities where they have them.",
    "7b": "Under-triage is counted in each of its usual definitions, because it is what hurts; "
    "over-triage costs places.",
    "7c": "The level 1-5 that the data set holds. Definitions of every score are in the package "
    "triage.metrics; intervals and "
    "tests are named at each table.",
    "14f": "The code is this open source project (Apache-2.0); version and commit are under “How to get it again”.",
    "19d": "It proposes a level with evidence; rules can only raise it; a named clinician accepts or changes it.",
    "19e": "What is missing is named and never read as normal; a case without a readable answer counts as wrong here.",
    "19f": "Users are trained in triage; they check the evidence shown and decide.",
}
_NOT_APPLICABLE: Mapping[str, str] = {"10": "Nothing is summarised."}


@dataclass(frozen=True, slots=True)
class Item:
    """One item with what could be said."""

    id: str
    part: str
    asks: str
    state: State
    answer: str


def items(result: SuiteResult) -> tuple[Item, ...]:
    """All items in the checklist's order."""
    return tuple(_item(entry, result) for entry in _entries()["items"])


def source() -> str:
    """What to cite."""
    return str(_entries()["source"])


def tripod(result: SuiteResult) -> Section:
    """The items as a table."""
    found = items(result)
    marks: dict[State, Mark] = {
        "open": "bad",
        "from this run": "good",
        "project": "",
        "not applicable": "soft",
    }
    told = sum(item.state != "open" for item in found)
    lead = (
        f"{told} of {len(found)} items are filled from this run or by what the project states; the others are for the "
        f"authors and are said to be open. Questions in our own words, after {source()}."
    )
    table = Table(
        "tripod-llm",
        "TRIPOD-LLM items",
        ("Item", "Part", "Asks", "State", "Answer"),
        tuple((i.id, i.part, i.asks, Cell(i.state, marks[i.state]), i.answer or "–") for i in found),
        words=True,
    )
    return Section("tripod", "TRIPOD-LLM", (Paragraph(lead, tone="soft"), table))


@cache
def _entries() -> dict[str, Any]:
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _item(entry: Mapping[str, str], result: SuiteResult) -> Item:
    key = entry["id"]
    answer, state = "", "open"
    if key in _FROM_RUN:
        answer = _FROM_RUN[key](result)
        state = "from this run" if answer else "open"
    elif key in _PROJECT:
        answer, state = _PROJECT[key], "project"
    elif key in _NOT_APPLICABLE:
        answer, state = _NOT_APPLICABLE[key], "not applicable"
    return Item(key, entry["part"], entry["asks"], state, answer)  # type: ignore[arg-type]


def _data(result: SuiteResult) -> str:
    sets = [
        f"{task.title}: {task.sample} "
        f"({', '.join(f'{name} sha256 {digest[:12]}' for name, digest in task.comparison.data.items())})"
        for task in result.tasks
    ]
    return f"Evaluation: {'; '.join(sets)}. Training data: see the source attributes." if sets else ""


def _distribution(result: SuiteResult) -> str:
    return "; ".join(
        f"{t.title}: n = {words.count(t.comparison.cases)}, levels 1 to 5: "
        f"{', '.join(map(words.count, t.comparison.levels))}"
        for t in result.tasks
    )


def _models(result: SuiteResult) -> str:
    seen: dict[str, str] = {}
    for task in result.tasks:
        for model in task.models:
            said = ", ".join(f"{name} {value}" for name, value in model.details.items())
            if said:
                seen.setdefault(words.row_name(model.name), said)
    return "; ".join(f"{name}: {said}" for name, said in seen.items())


def _decoding(result: SuiteResult) -> str:
    said = _detailed(result, ("prompt", "decod", "temperature", "seed"))
    return f"{said}. Seed of the run: {result.seed}." if said else ""


def _deciding(result: SuiteResult) -> str:
    return _detailed(result, ("decision", "threshold", "calibration"))


def _detailed(result: SuiteResult, about: tuple[str, ...]) -> str:
    found: dict[str, str] = {}
    for task in result.tasks:
        for model in task.models:
            own = [f"{k} {v}" for k, v in model.details.items() if any(word in k.lower() for word in about)]
            if own:
                found.setdefault(words.row_name(model.name), ", ".join(own))
    return "; ".join(f"{name}: {said}" for name, said in found.items())


def _missing(result: SuiteResult) -> str:
    failed = [
        f"{t.title}, {words.row_name(m.name)}: {words.count(m.failed)} of {words.count(m.cases)}"
        for t in result.tasks
        for m in t.models
        if m.failed
    ]
    told = "; ".join(failed) or "none"
    return (
        f"Cases without an answer, counted as wrong: {told}. What did not run is listed in its own section."
    )


def _against(result: SuiteResult) -> str:
    return "; ".join(
        f"{t.title}: {', '.join(words.row_name(row.name) for row in t.comparison.rows if row.kind != 'mean of runs')}"
        for t in result.tasks
    )


def _compute(result: SuiteResult) -> str:
    energy = [
        f"{words.row_name(e.row)} {words.number(e.wh_per_1000, 2)} Wh per 1,000 ({e.source})"
        for e in result.energy
    ]
    told = f" {'; '.join(energy)}." if energy else ""
    return f"{words.number(result.seconds, 0)} s in all on {result.versions.machine}.{told}"


def _available(result: SuiteResult) -> str:
    names = dict.fromkeys(name for task in result.tasks for name in task.comparison.data)
    if not names:
        return ""
    return (
        f"Files by name and hash: {', '.join(names)}; their own terms say who may have them. Not part "
        "of this report."
    )


def _performance(result: SuiteResult) -> str:
    return "; ".join(
        f"{t.title}: {words.row_name(main.name)} accuracy "
        f"{words.estimate(main.result.scores['accuracy'])}, recall of levels "
        f"1-2 {words.estimate(main.result.scores['recall_high'])}, n = {words.count(t.comparison.cases)}"
        for t in result.tasks
        for main in (subject(t),)
    )


def _limitations(result: SuiteResult) -> str:
    notices = [notice for task in result.tasks for notice in task.notices]
    return "Under “What this cannot say”" + (f": {' '.join(notices)}" if notices else ".")


def _characteristics(result: SuiteResult) -> str:
    found = []
    for task in result.tasks:
        groups = {(s.attribute, s.subgroup): s.cases for s in task.comparison.subgroups}
        if groups:
            told = ", ".join(f"{by} {name} {words.count(n)}" for (by, name), n in groups.items())
            found.append(f"{task.title}: {told}")
    return "; ".join(found)


def _events(result: SuiteResult) -> str:
    found = [
        f"{t.title}: {words.count(t.comparison.levels[0] + t.comparison.levels[1])} of levels 1-2 among "
        f"{words.count(t.comparison.cases)}"
        for t in result.tasks
    ]
    return "; ".join(found)


_FROM_RUN: Mapping[str, Callable[[SuiteResult], str]] = {
    "5a": _data,
    "5b": _distribution,
    "5e": _missing,
    "6a": _models,
    "6c": _decoding,
    "6e": _deciding,
    "7e": _against,
    "12": _compute,
    "14e": _available,
    "16a": _events,
    "16b": _characteristics,
    "16d": _events,
    "17": _performance,
    "19b": _limitations,
}
