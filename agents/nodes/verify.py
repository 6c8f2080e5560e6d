"""Verify: every citation of the model is checked against the record and the guideline; the rest is struck."""

from time import perf_counter

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.nodes.contradictions import contradictions
from agents.state import CaseState, Verified
from data_schemas import Flag, IntakeRecord, ModelAnswer, Reason, ReasonOrigin, Screening
from triage.guidelines import GuidelineLibrary, Statement


async def verify(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Checked reasons of the model and of the rules, and contradictions between the path and the record."""
    began = perf_counter()
    record, screening, answer = state["intake"], state["screened"].screening, state["asked"].answer
    reasons = rule_reasons(screening)
    flags: tuple[Flag, ...] = ()
    if answer is not None:
        reasons = model_reasons(answer, record, runtime.context.library) + reasons
        flags = contradictions(answer, screening)
    verified = Verified(reasons=reasons, flags=flags, seconds=perf_counter() - began)
    return {"verified": verified}  # type: ignore[typeddict-item]


def rule_reasons(screening: Screening) -> tuple[Reason, ...]:
    """One reason for each rule that holds."""
    return tuple(
        Reason(
            origin=ReasonOrigin.RULES,
            text=finding.explanation,
            fact_ids=finding.fact_ids,
            statement=finding.statement,
            level=finding.level,
        )
        for finding in screening.findings
    )


def model_reasons(answer: ModelAnswer, record: IntakeRecord, library: GuidelineLibrary) -> tuple[Reason, ...]:
    """One reason for each cited statement, and one for each cited fact that no statement took up.

    A statement stands only on facts the model cited itself; that the record would support it otherwise is
    no credit to the model.
    """
    cited = list(dict.fromkeys(c.fact_id for c in answer.citations if c.fact_id is not None))
    known = [fact_id for fact_id in cited if record.fact(fact_id) is not None]
    reasons: list[Reason] = []
    used: set[str] = set()
    for statement_id in dict.fromkeys(c.statement_id for c in answer.citations if c.statement_id is not None):
        reason = _statement_reason(statement_id, known, record, library)
        if reason.struck is None:
            used.update(reason.fact_ids)
        reasons.append(reason)
    for fact_id in cited:
        fact = record.fact(fact_id)
        if fact is None:
            reasons.append(
                Reason(
                    origin=ReasonOrigin.MODEL,
                    text=f"cited {fact_id}",
                    fact_ids=(fact_id,),
                    struck="the record has no such fact",
                )
            )
        elif fact_id not in used:
            reasons.append(
                Reason(origin=ReasonOrigin.MODEL, text=f"observed: {fact.text}", fact_ids=(fact_id,))
            )
    return tuple(reasons)


def _statement_reason(
    statement_id: str, known: list[str], record: IntakeRecord, library: GuidelineLibrary
) -> Reason:
    statement = library.by_id(statement_id)
    if statement is None:
        return Reason(
            origin=ReasonOrigin.MODEL,
            text=f"cited {statement_id}",
            fact_ids=(),
            struck="there is no such guideline statement",
        )
    support = library.supports(statement, record, tuple(known))
    if not support.ok:
        return Reason(
            origin=ReasonOrigin.MODEL,
            text=statement.text,
            fact_ids=tuple(known),
            statement=statement.ref,
            level=statement.level,
            struck=support.why or "the cited facts do not support it",
        )
    return Reason(
        origin=ReasonOrigin.MODEL,
        text=statement.text,
        fact_ids=_supporting(statement, known, record, library),
        statement=statement.ref,
        level=statement.level,
    )


def _supporting(
    statement: Statement, known: list[str], record: IntakeRecord, library: GuidelineLibrary
) -> tuple[str, ...]:
    """The cited facts that carry the statement: each that does so alone, and a least set that does together."""
    alone = {fact_id for fact_id in known if library.supports(statement, record, (fact_id,)).ok}
    least = list(known)
    for fact_id in known:
        rest = [other for other in least if other != fact_id]
        if library.supports(statement, record, tuple(rest)).ok:
            least = rest
    return tuple(fact_id for fact_id in known if fact_id in alone or fact_id in least)
