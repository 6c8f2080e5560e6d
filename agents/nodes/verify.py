"""Verify: every citation of the model is checked against the record and the guideline; the rest is struck."""

from time import perf_counter

from langgraph.runtime import Runtime

from agents.context import AgentContext
from agents.nodes.contradictions import contradictions
from agents.state import CaseState, Verified
from data_schemas import Check, Claim, Flag, IntakeRecord, ModelAnswer, Reason, ReasonOrigin, Screening
from triage.guidelines import GuidelineLibrary, Statement
from triage.verifying import verify_claim


async def verify(state: CaseState, runtime: Runtime[AgentContext]) -> CaseState:
    """Checked reasons of the model and of the rules, and contradictions between the path and the record."""
    began = perf_counter()
    record, screening, answer = state["intake"], state["screened"].screening, state["asked"].answer
    reasons = rule_reasons(screening)
    flags: tuple[Flag, ...] = ()
    if answer is not None:
        given = model_reasons(answer, record, runtime.context.library)
        reasons = given + reasons
        flags = contradictions(answer, screening, record=record, reasons=given)
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
    """One reason for each claim, for each cited statement, and for each cited fact that none of those took up.

    A claim stands only where every part of it does; a statement only on facts the model cited itself: that the record
    would support it otherwise is no credit to the model.
    """
    cited = list(dict.fromkeys(c.fact_id for c in answer.citations if c.fact_id is not None))
    known = [fact_id for fact_id in cited if record.fact(fact_id) is not None]
    reasons: list[Reason] = [claim_reason(claim, record, library) for claim in dict.fromkeys(answer.claims)]
    used = {fact_id for reason in reasons for fact_id in reason.fact_ids}
    claimed = {claim.statement_id for claim in answer.claims}
    bare = dict.fromkeys(c.statement_id for c in answer.citations if c.statement_id is not None)
    for statement_id in (each for each in bare if each not in claimed):
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
                    struck_by=Check.EXISTENCE,
                )
            )
        elif fact_id not in used:
            reasons.append(
                Reason(origin=ReasonOrigin.MODEL, text=f"observed: {fact.text}", fact_ids=(fact_id,))
            )
    return tuple(reasons)


def claim_reason(claim: Claim, record: IntakeRecord, library: GuidelineLibrary) -> Reason:
    """One claim as a reason, struck where any part of it is not borne out."""
    statement = None if claim.statement_id is None else library.by_id(claim.statement_id)
    verdict = verify_claim(claim, record, library)
    facts = [fact for fact in map(record.fact, claim.fact_ids) if fact is not None]
    text = claim.text or (statement.text if statement is not None else None)
    if text is None:
        text = f"observed: {'; '.join(fact.text for fact in facts)}" if facts else "cited nothing"
    fact_ids = claim.fact_ids
    if verdict.stands and statement is not None:
        fact_ids = _supporting(statement, list(fact_ids), record, library)
    return Reason(
        origin=ReasonOrigin.MODEL,
        text=text,
        fact_ids=fact_ids,
        statement=None if statement is None else statement.ref,
        level=None if statement is None else statement.level,
        struck=verdict.why,
        struck_by=verdict.struck_by,
        claims=(claim,),
    )


def _statement_reason(
    statement_id: str, known: list[str], record: IntakeRecord, library: GuidelineLibrary
) -> Reason:
    reason = claim_reason(Claim(with_facts=tuple(known), statement_id=statement_id), record, library)
    known_here = reason.statement is not None
    # A bare citation says no more than the reason itself: there is no claim to keep beside it.
    return reason.model_copy(
        update={"claims": ()}
        if known_here
        else {"claims": (), "fact_ids": (), "text": f"cited {statement_id}"}
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
