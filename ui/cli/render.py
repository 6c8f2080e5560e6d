"""What the command line shows: the board, one case with all its evidence, and a case's history."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents import Case, Due, HistoryStep, questions
from data_schemas import (
    SCALES,
    AssessmentMode,
    Fact,
    FactSource,
    IntakeRecord,
    LevelProbabilities,
    LookVerdict,
    Reason,
    ReasonOrigin,
    ReviewDecision,
    Screening,
    SecondLook,
    TriageAssessment,
)
from triage.slm.calibration import UNCALIBRATED
from triage.verifying import evidence_label
from ui.cli.render_retriage import overdue_text

_STYLES = {
    1: "bold white on blue",
    2: "bold white on red",
    3: "bold black on yellow",
    4: "bold green",
    5: "cyan",
}
_SHAPES = {1: "⬢", 2: "▲", 3: "◆", 4: "●", 5: "○"}


def level_text(assessment: TriageAssessment, level: int) -> Text:
    """A level as shape, number and word: never colour alone."""
    word = SCALES[assessment.scale].words[level - 1]
    return Text(f"{_SHAPES[level]} {level} {word}", style=_STYLES[level])


def bars(probabilities: LevelProbabilities | None) -> str:
    """The five probabilities in words: ``1:2% 2:31% ...``."""
    if probabilities is None:
        return "rules only, no model"
    return " ".join(
        f"{level}:{probability:.0%}" for level, probability in enumerate(probabilities.p, start=1)
    )


def where(source: FactSource) -> str:
    """The element a fact came from: ``Observation/x component[0].valueQuantity``."""
    place = source.resource_type + (f"/{source.resource_id}" if source.resource_id else "")
    span = f" [{source.start}:{source.end}]" if source.start is not None else ""
    return f"{place} {source.path}{span}"


def board(cases: Sequence[Case], due: Sequence[Due] = ()) -> Table:
    """Everyone, most urgent first: the decided level where there is one, else the suggestion.

    ``due`` says who is to be looked at again; the overdue are marked.
    """
    late = {item.case_id: overdue_text(item) for item in due}
    table = Table(title="Board", header_style="bold", expand=True)
    for name in ("Level", "Set", "Patient", "Complaint", "Model", "First evidence", "State", "Case"):
        table.add_column(name, overflow="fold")
    waiting = [(case, case.assessment) for case in cases if case.assessment is not None]
    for case, assessment in sorted(
        waiting, key=lambda item: (_shown_level(item[0]), item[0].intake.encounter_key)
    ):
        level = _shown_level(case)
        shown = level_text(assessment, level)
        shown.append("\ndecided" if case.review is not None else "\nsuggested", "not bold")
        table.add_row(
            shown,
            f"{assessment.set_most_urgent}-{assessment.set_least_urgent}",
            escape(short_patient(case.intake)),
            escape(_complaint(case.intake)),
            bars(assessment.probabilities),
            escape(_headline(assessment)),
            Text("\n").join([Text(case.phase.value), *filter(None, [late.get(case.id)])]),
            case.id,
        )
    return table


def short_patient(record: IntakeRecord) -> str:
    """Age and sex; names are for the dashboard's decision screen only."""
    return (
        ", ".join(fact.text for fact in record.facts[:2] if fact.kind.value in {"age", "sex"})
        or "age and sex unknown"
    )


def case_panel(case: Case, title: str | None = None) -> Panel:
    """One case: level, probabilities, evidence with sources, rules, missing data, decision, resources."""
    assessment = case.assessment
    if assessment is None:
        return Panel(f"case {case.id}: still being assessed", title=title)
    record = case.intake
    parts: list[RenderableType] = [_summary(assessment)]
    if assessment.second_look is not None:
        parts.append(_second_look(assessment.second_look))
    parts.append(_evidence(record, assessment))
    if any(reason.origin is ReasonOrigin.MODEL and reason.struck is None for reason in assessment.reasons):
        parts.append(Text(f"The model's evidence is {evidence_label(assessment.identity)}.", "dim"))
    if assessment.struck_counts:
        counts = ", ".join(f"{kind} {count}" for kind, count in assessment.struck_counts.items())
        parts.append(Text(f"Refused citations: {counts}", "dim"))
    if record.missing:
        parts.append(
            Text("Missing: " + ", ".join(kind.value.replace("_", " ") for kind in record.missing), "yellow")
        )
    parts += [
        Text(f"Data quality ({item.issue.value}): {item.message}", "yellow") for item in record.findings
    ]
    parts += [Text(f"Flag {flag.code}: {flag.message}", "magenta") for flag in assessment.flags]
    parts += [Text(f"Look closely: {reason}", "bold magenta") for reason in assessment.needs_human]
    parts.append(Text(_scores(assessment), "dim"))
    parts += _decision(case, assessment)
    heading = title or f"{short_patient(record)}: {_complaint(record)}"
    return Panel(
        Group(*parts),
        title=escape(heading),
        title_align="left",
        subtitle=f"case {case.id}, assessment {assessment.id}",
    )


def step_panel(step: HistoryStep, case: Case) -> Panel:
    """One step of a case's history: when, how long, what was recorded, and whether it is still intact."""
    lines: list[RenderableType] = []
    for name, value in step.detail.items():
        if value not in (None, [], ""):
            lines.append(Text(f"{name}: {', '.join(value) if isinstance(value, list) else value}"))
    if isinstance(step.evidence, IntakeRecord):
        lines += [Text(_fact(fact)) for fact in step.evidence.facts]
    elif isinstance(step.evidence, Screening):
        for finding in step.evidence.findings:
            facts = ", ".join(finding.fact_ids)
            lines.append(
                Text(
                    f"{finding.tier.value} {finding.decision_point.value} -> {finding.level}: "
                    f"{finding.explanation} [{facts}] {finding.statement.id} ({finding.statement.source})"
                )
            )
        lines.append(Text(f"rules alone: {step.evidence.level}, {step.evidence.rationale}"))
    elif isinstance(step.evidence, tuple):
        lines += [
            Text(f"{reason.text}" + (f"  STRUCK: {reason.struck}" if reason.struck else ""))
            for reason in step.evidence
        ]
    taken = f", {step.seconds * 1000:.0f} ms" if step.seconds is not None else ""
    broken = "  EVIDENCE CHANGED SINCE" if step.intact is False else ""
    title = f"{step.sequence} {step.step.value}  {step.at.isoformat(timespec='milliseconds')}{taken}{broken}"
    return Panel(Group(*lines), title=title, title_align="left", border_style="red" if broken else "dim")


def _summary(assessment: TriageAssessment) -> Text:
    text = Text("Suggested ")
    text.append_text(level_text(assessment, assessment.level))
    text.append(
        f"   set {assessment.set_most_urgent}-{assessment.set_least_urgent}   {_probabilities(assessment)}"
    )
    if assessment.mode is AssessmentMode.RULES_ONLY:
        text.append(f"   RULES ONLY ({assessment.mode_reason})", "bold red")
    elif rules := assessment.raised_words:
        text.append(f"   model said {assessment.model_level}; raised by {rules}", "bold")
    text.append(f"\nRules alone: {assessment.screening.level} ({assessment.screening.rationale})", "dim")
    return text


def _second_look(look: SecondLook) -> Text:
    """Why the case was asked again, each answer, and whether they agree."""
    why = ", ".join(doubt.value.replace("-", " ") for doubt in look.why)
    words = {
        LookVerdict.AGREES: ("agrees", "dim"),
        LookVerdict.DISAGREES: ("DISAGREES", "bold magenta"),
        LookVerdict.NOT_DONE: (f"not done: {look.not_done}", "yellow"),
    }
    verdict, style = words[look.verdict]
    text = Text(f"Second look ({why}): {verdict}", style)
    if look.looks:
        said = "; ".join(
            f"{item.way.value.replace('-', ' ')} level {item.level} (1-2: {item.high:.0%})"
            + (" against it" if item.way in look.against else "")
            for item in look.looks
        )
        text.append(
            f"\n  first level {look.first_level} (1-2: {look.first_high:.0%}); {said}; "
            f"spread {look.spread} levels, {look.spread_high:.0%} of 1-2"
        )
        if look.not_done is not None:
            text.append(f"; not all asked: {look.not_done}")
    return text


def _probabilities(assessment: TriageAssessment) -> str:
    """What the model gave, and what was and was not done to it."""
    if assessment.probabilities is None:
        return bars(None)
    calibration = assessment.identity.calibration if assessment.identity is not None else None
    return f"model before the safety floor ({calibration or UNCALIBRATED}) {bars(assessment.probabilities)}"


def _evidence(record: IntakeRecord, assessment: TriageAssessment) -> Table:
    table = Table(show_edge=False, pad_edge=False, expand=True, header_style="dim")
    table.add_column("Argues for", overflow="fold")
    table.add_column("Reason", ratio=3, overflow="fold")
    table.add_column("Facts and where they stand in the record", ratio=4, overflow="fold")
    table.add_column("Guideline statement and its source", ratio=4, overflow="fold")
    shown: list[tuple[Text, Reason]] = [(Text(f"level {assessment.level}"), r) for r in assessment.evidence]
    shown += [
        (Text(f"level {r.argues_for(assessment.screening)}, not the suggested one", "yellow"), r)
        for r in assessment.other_levels
    ]
    shown += [(Text("nothing: looked at", "dim"), r) for r in assessment.observations]
    shown += [(Text("nothing: refused", "red"), r) for r in assessment.reasons if r.struck is not None]
    if not assessment.evidence:
        table.add_row(Text(f"level {assessment.level}"), Text("no checked evidence", "bold red"), "-", "-")
    for argues, reason in shown:
        facts = [fact for fact in map(record.fact, reason.fact_ids) if fact is not None]
        origin = "model" if reason.origin is ReasonOrigin.MODEL else "rule"
        label = f"[{origin}] {reason.text}"
        if reason.struck:
            label = f"[{origin}, struck: {reason.struck}] {reason.text}"
        statement = reason.statement
        table.add_row(
            argues,
            Text(label, "red strike" if reason.struck else ""),
            "\n".join(escape(_fact(fact)) for fact in facts) or "-",
            escape(f"{statement.id}: {statement.text} ({statement.source})") if statement else "-",
        )
    return table


def _fact(fact: Fact) -> str:
    return f"{fact.id} {fact.text} <- {where(fact.source)}"


def _decision(case: Case, assessment: TriageAssessment) -> list[RenderableType]:
    review = case.review
    if review is None:
        asked = questions(assessment, assessment.level)
        return [Text("Waiting for a clinician", "bold"), *(Text(item.text, "magenta") for item in asked)]
    verb = "accepted" if review.decision is ReviewDecision.ACCEPT else f"overridden ({review.reason})"
    line = Text("Clinician ")
    line.append(f"{verb}: ")
    line.append_text(level_text(assessment, review.level))
    line.append(f" by {review.reviewer} ({review.role.value})")
    if review.comment:
        line.append(f' "{review.comment}"', "italic")
    parts: list[RenderableType] = [line]
    if review.confirmed:
        parts.append(Text("Confirmed expressly", "dim"))
    if review.why_not is not None:
        parts.append(Text(f"Why not more urgent: {review.why_not}", "italic"))
    for delivery in (case.proposal, case.final):
        if delivery is None:
            continue
        for receipt in delivery.receipts:
            name = receipt.resource_type + (f"/{receipt.resource_id}" if receipt.resource_id else "")
            version = f" version {receipt.version_id}" if receipt.version_id else ""
            detail = f" ({receipt.detail})" if receipt.detail else ""
            style = "green" if receipt.state.value == "written" else "yellow"
            parts.append(Text(f"{delivery.kind.value}: {name}{version} {receipt.state.value}{detail}", style))
    return parts


def _scores(assessment: TriageAssessment) -> str:
    shown = []
    for score in assessment.screening.scores:
        if not score.applicable or score.value is None:
            continue
        least = "" if score.complete else "at least "
        missing = "" if score.complete else f", missing {', '.join(kind.value for kind in score.missing)}"
        shown.append(
            f"{score.name} {least}{score.value.normalize():f}{missing}"
            + (f" ({score.band})" if score.band else "")
        )
    return "Scores: " + ("; ".join(shown) or "none applicable")


def _headline(assessment: TriageAssessment) -> str:
    return assessment.evidence[0].text if assessment.evidence else "no checked evidence"


def _complaint(record: IntakeRecord) -> str:
    fact = next((fact for fact in record.facts if fact.kind.value == "chief_complaint"), None)
    return fact.text if fact else "no complaint recorded"


def _shown_level(case: Case) -> int:
    if case.review is not None:
        return case.review.level
    return case.assessment.level if case.assessment else 9
