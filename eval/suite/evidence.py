"""The errors of a row as cases to look at, the worst under-triage first, with the evidence that was cited."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from agents import RunFailedError
from data_schemas import AssessmentMode, IntakeRecord, TriageAssessment
from data_schemas._base import Frozen
from eval.harness.case_set import CaseSet
from eval.predictions import Prediction
from eval.predictors import ReadCase
from eval.predictors.asking import Asker
from eval.suite.journal import close_line
from eval.suite.result import ErrorCase, Reason
from integrations.assembly import open_agent
from triage.metrics.levels import UNREADABLE
from triage.slm.prompt import asked_scale


class Evidence(Frozen):
    """What the deployed agent said of a case, and how long the whole assessment took."""

    case_id: str
    reasons: tuple[Reason, ...] = ()
    findings: tuple[str, ...] = ()
    seconds: float | None = None
    error: str | None = None
    level: int | None = Field(
        default=None, description="The whole agent's level, for comparison with the batch's."
    )


def worst(cases: CaseSet, predictions: Sequence[Prediction], most: int) -> list[int]:
    """Places of the errors: unreadable and under-triaged ones first, by how far and how urgent the patient is."""
    truth = cases.labels.truth

    def rank(place: int) -> tuple[int, int, int]:
        given, true = predictions[place].predicted, int(truth[place])
        apart = (6 if given is None else given) - true
        return (0 if apart > 0 else 1, -abs(apart), true)

    wrong = [place for place, item in enumerate(predictions) if item.predicted != int(truth[place])]
    return sorted(wrong, key=rank)[:most]


def error_cases(
    cases: CaseSet,
    row: str,
    predictions: Sequence[Prediction],
    most: int,
    evidence: Mapping[str, Evidence],
) -> list[ErrorCase]:
    """At most ``most`` errors of a row; with reasons where there is evidence of the case."""
    found = []
    for place in worst(cases, predictions, most):
        given, case = predictions[place], cases.cases[place]
        said = evidence.get(given.case_id)
        nurse = int(cases.labels.nurse[place]) if cases.labels.nurse_differs else UNREADABLE
        found.append(
            ErrorCase(
                case_id=given.case_id,
                row=row,
                truth=int(cases.labels.truth[place]),
                predicted=given.predicted,
                most_urgent=given.most_urgent,
                least_urgent=given.least_urgent,
                nurse=None if nurse == UNREADABLE else nurse,
                probabilities=given.probabilities.p if given.probabilities else None,
                facts=facts_of(case.record) if isinstance(case, ReadCase) else (),
                reasons=said.reasons if said else (),
                findings=said.findings if said else (),
                error=given.error or (said.error if said else None),
            )
        )
    return found


def facts_of(record: IntakeRecord) -> tuple[str, ...]:
    """The facts as lines, under the ids that reasons cite, and what is missing."""
    lines = [f"{fact.id} {fact.kind.value.replace('_', ' ')}: {fact.text}" for fact in record.facts]
    if record.missing:
        lines.append("not recorded: " + ", ".join(kind.value.replace("_", " ") for kind in record.missing))
    return tuple(lines)


def gather(
    asker: Asker,
    cases: CaseSet,
    wanted: Sequence[ReadCase],
    file: Path,
    setup: str,
    done: Callable[[int], None],
) -> dict[str, Evidence]:
    """Ask the whole deployed agent about some cases, one after the other; what is in ``file`` is not asked again.

    Use from the thread in which the model was opened.
    """
    close_line(file)
    known = _read(file, setup)
    left = [case for case in wanted if case.case_id not in known]
    done(len(wanted) - len(left))
    if left:
        known |= asker.run(_assess(asker, cases, left, file, setup, done))
    return {case.case_id: known[case.case_id] for case in wanted if case.case_id in known}


async def _assess(
    asker: Asker,
    cases: CaseSet,
    wanted: Sequence[ReadCase],
    file: Path,
    setup: str,
    done: Callable[[int], None],
) -> dict[str, Evidence]:
    found = {}
    with tempfile.TemporaryDirectory(prefix="triage-evidence-") as folder:
        scale = asked_scale(cases.scale)
        settings = asker.settings.model_copy(
            update={"data_dir": Path(folder), "database_url": None, "scale": scale}
        )
        async with open_agent(settings, recover=False, model=(asker.triager, asker.calibration)) as agent:
            for case in wanted:
                try:
                    assessment = (await agent.service.assess(case.record)).assessment
                except RunFailedError as error:
                    said = Evidence(case_id=case.case_id, error=f"the run stopped: {error.error}")
                else:
                    said = _evidence(case.case_id, assessment)
                found[case.case_id] = said
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps([setup, said.model_dump(mode="json")]) + "\n")
                done(1)
    return found


def _evidence(case_id: str, assessment: TriageAssessment | None) -> Evidence:
    if assessment is None:
        return Evidence(case_id=case_id, error="no assessment was made")
    findings = [flag.message for flag in assessment.flags]
    if assessment.mode is AssessmentMode.RULES_ONLY:
        findings.insert(0, f"rules only: {assessment.mode_reason or 'the model did not answer'}")
    if assessment.floor is not None:
        findings.append(f"the rules' floor was level {assessment.floor}")
    return Evidence(
        case_id=case_id,
        level=assessment.level,
        reasons=tuple(
            Reason(
                text=reason.text,
                cites=(*reason.fact_ids, *([reason.statement.id] if reason.statement else [])),
                stands=reason.struck is None,
            )
            for reason in assessment.reasons
        ),
        findings=tuple(findings),
        seconds=sum(assessment.seconds.values()),
    )


def _read(file: Path, setup: str) -> dict[str, Evidence]:
    found: dict[str, Evidence] = {}
    if not file.exists():
        return found
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            of, content = json.loads(line)
            said = Evidence.model_validate(content)
        except (ValueError, ValidationError):
            continue
        if of == setup:
            found[said.case_id] = said
    return found
