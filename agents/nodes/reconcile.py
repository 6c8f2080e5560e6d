"""Reconcile: safety floor, calibration, prediction set, and what a person must look at."""

from time import perf_counter

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.nodes.asking import asking_flag, wanted
from agents.nodes.caution import cautious
from agents.nodes.concerns import collect
from agents.nodes.looking import widened, with_look
from agents.nodes.written_signs import written_signs
from agents.ports import Calibrates, CalibratesSeveral
from agents.state import Asked, CaseState, Looked, Verified
from data_schemas import (
    VITAL_SIGNS,
    AssessmentMode,
    FactKind,
    Flag,
    IntakeRecord,
    LevelProbabilities,
    ModelAnswer,
    RuleTier,
    Screening,
    TriageAssessment,
)
from data_schemas._base import Frozen
from triage.slm.calibration import Calibration


class Suggestion(Frozen):
    """Level and prediction set. ``model_level`` is the model's, before rules moved it; None without a model."""

    level: int
    model_level: int | None
    floor: int | None
    most_urgent: int
    least_urgent: int
    probabilities: LevelProbabilities | None


async def reconcile(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """The assessment that the clinician sees."""
    began = perf_counter()
    context = runtime.context
    record, screening = state["intake"], state["screened"].screening
    asked, verified = state["asked"], state["verified"]
    # A run that an older program began has no second look.
    looked = state.get("looked", Looked(look=None, seconds=0.0))
    calibration, doubt = applicable(context.calibration, asked.answer)
    suggestion = suggest(record, screening, asked, calibration)
    ask_for = wanted(record, context.library, suggestion.level)
    concerns = collect(
        record, screening, asked, verified, suggestion.level, suggestion.model_level, calibration_doubt=doubt
    )
    concerns = with_look(concerns, record, looked.look)
    written = written_signs(record, context.screen, context.settings.esi_version, suggestion.level)
    if written is not None:
        concerns = concerns.also(written.flag, deliberate=written.level is not None)
        if written.level is not None:
            most_urgent = min(suggestion.most_urgent, written.level)
            suggestion = suggestion.model_copy(update={"most_urgent": most_urgent})
    question = asking_flag(ask_for)
    identity = None if asked.answer is None else asked.answer.identity
    if identity is not None:
        identity = identity.model_copy(update={"calibration": calibration.name})
    assessment = TriageAssessment(
        id=state["run"].assessment_id,
        scale=context.settings.scale,
        mode=AssessmentMode.RULES_ONLY if asked.answer is None else AssessmentMode.MODEL,
        mode_reason=asked.failure,
        level=suggestion.level,
        model_level=suggestion.model_level,
        floor=suggestion.floor,
        floor_statement_ids=floor_statements(screening),
        probabilities=suggestion.probabilities,
        set_most_urgent=widened(suggestion.most_urgent, looked.look),
        set_least_urgent=suggestion.least_urgent,
        path=None if asked.answer is None else asked.answer.path,
        reasons=verified.reasons,
        flags=concerns.flags if question is None else (*concerns.flags, question),
        needs_human=concerns.needs_human,
        ask_for=tuple(item.kind for item in ask_for),
        screening=screening,
        identity=identity,
        created_at=context.clock(),
        seconds=_seconds(state["screened"].seconds, asked, verified, looked, perf_counter() - began),
        second_look=looked.look,
    )
    return {"assessment": assessment}  # type: ignore[typeddict-item]


def suggest(record: IntakeRecord, screening: Screening, asked: Asked, calibration: Calibrates) -> Suggestion:
    """Level and prediction set.

    The rules can only make a suggestion more urgent: the floor in any case, a 3 of the rules where the model is not
    sure of 4 or 5 (``cautious``). Levels that a rule asks to consider enter the set and never move the level to
    them. Critical data that is missing widens the set by one level towards more urgent.
    """
    floor = screening.floor
    probabilities: LevelProbabilities | None = None
    model_level: int | None = None
    if asked.answer is None:
        level = first = last = screening.level
    else:
        calibration = calibration.for_arrival(record, screening.level)
        probabilities = calibration.apply(asked.answer.probabilities)
        model_level = calibration.decide(probabilities)
        level = cautious(model_level, screening, probabilities)
        first, last = calibration.prediction_set(probabilities)
    if floor is not None:
        level = min(level, floor)
    first = min(first, level, *screening.considered)
    last = max(last, level, *screening.considered)
    if floor is not None:
        last = min(last, floor)
    if critical_missing(record):
        first = max(1, first - 1)
    return Suggestion(
        level=level,
        model_level=model_level,
        floor=floor,
        most_urgent=first,
        least_urgent=last,
        probabilities=probabilities,
    )


def applicable(calibration: Calibrates, answer: ModelAnswer | None) -> tuple[Calibrates, Flag | None]:
    """The calibration to use for this answer, and what the clinician must know about it.

    Numbers fitted on one adapter say nothing about another one: they are not applied to its answers.
    """
    if answer is None:
        return calibration, None
    calibration = belonging(calibration, answer)
    if not calibration.fits(answer.identity.adapter_sha256):
        return Calibration.none(), Flag(
            code="calibration-mismatch",
            message="The model that answered is not the one the calibration was fitted on: its probabilities "
            "are shown as they are. Restart the service, so that model and calibration are loaded together.",
        )
    if not calibration.fitted:
        return calibration, Flag(
            code="uncalibrated",
            message="The model's probabilities are not calibrated for this scale: do not read them as risks.",
        )
    return calibration, None


def belonging(calibration: Calibrates, answer: ModelAnswer) -> Calibrates:
    """Where adapters have calibrations of their own, the one of the adapter that answered."""
    if isinstance(calibration, CalibratesSeveral):
        return calibration.of(answer.identity.adapter_sha256)
    return calibration


def critical_missing(record: IntakeRecord) -> tuple[str, ...]:
    """What nobody can triage without, by name: a complaint, and at least one vital sign."""
    missing: list[str] = []
    if record.first(FactKind.CHIEF_COMPLAINT) is None:
        missing.append("chief complaint")
    if all(record.number(kind) is None for kind in VITAL_SIGNS):
        missing.append("vital signs")
    return tuple(missing)


def floor_statements(screening: Screening) -> tuple[str, ...]:
    """The statements whose demand rules set the floor."""
    return tuple(
        dict.fromkeys(
            finding.statement.id
            for finding in screening.findings
            if finding.tier is RuleTier.DEMAND and finding.level == screening.floor
        )
    )


def _seconds(screen: float, asked: Asked, verified: Verified, looked: Looked, own: float) -> dict[str, float]:
    seconds = {"screen": screen, "assess": asked.seconds, "verify": verified.seconds, "reconcile": own}
    if looked.look is not None:
        seconds["second_look"] = looked.seconds
    if asked.answer is not None:
        seconds["model"] = asked.answer.seconds
    return seconds
