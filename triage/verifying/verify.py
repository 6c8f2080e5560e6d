"""Verify one claim: every check, on everything it says."""

from data_schemas import Check, Claim, Direction, EsiVersion, Fact, IntakeRecord, Refusal, Verdict
from triage.guidelines import GuidelineLibrary
from triage.verifying import checks
from triage.verifying.findings import finding
from triage.verifying.scopes import statement_refusals
from triage.verifying.sentences import read_sentence
from triage.verifying.words import kind_words


def verify_claim(claim: Claim, record: IntakeRecord, library: GuidelineLibrary) -> Verdict:
    """Whether ``record`` bears out everything that ``claim`` says, and ``library`` its statement.

    Nothing is taken on trust: what the record does not say cannot be claimed of it, and a sign that was not measured
    supports nothing, "normal" least of all. The verdict names each check that failed.
    """
    missing = _existence(claim, record)
    if missing:
        return Verdict(claim=claim, refusals=missing)
    cited = [fact for fact in map(record.fact, claim.fact_ids) if fact is not None]
    refusals = list(_of_fact(claim, cited, record, library.version))
    if claim.text is not None:
        sentence = read_sentence(claim.text, cited, record)
        refusals += sentence.refusals
        for part in sentence.claims:
            # A part may speak of another fact cited than the claim's first: that is not what it is refused for.
            own = [fact for fact in map(record.fact, part.fact_ids) if fact is not None]
            refusals += _of_fact(part, own, record, library.version)
    refusals += statement_refusals(claim, record, library)
    return Verdict(claim=claim, refusals=tuple(dict.fromkeys(refusals)))


def _existence(claim: Claim, record: IntakeRecord) -> tuple[Refusal, ...]:
    """Whether what is cited is there: after a strike here nothing else can be checked."""
    if claim.encounter_key is not None and claim.encounter_key != record.encounter_key:
        return (Refusal(check=Check.PATIENT, why="it is about another visit than this patient's"),)
    absent = [fact_id for fact_id in claim.fact_ids if record.fact(fact_id) is None]
    if absent:
        return (Refusal(check=Check.EXISTENCE, why="the record has no such fact"),)
    if claim.kind is not None and claim.direction is Direction.NORMAL and record.first(claim.kind) is None:
        return (
            Refusal(
                check=Check.EXISTENCE,
                why=f"no {kind_words(claim.kind)} is recorded; what is missing is never normal",
            ),
        )
    says = (claim.value, claim.code, claim.finding, claim.observed_at, claim.source)
    if claim.fact_id is None and any(said is not None for said in says):
        return (Refusal(check=Check.EXISTENCE, why="it says something of a fact and cites none"),)
    return ()


def _of_fact(
    claim: Claim, cited: list[Fact], record: IntakeRecord, version: EsiVersion
) -> tuple[Refusal, ...]:
    fact = next((fact for fact in cited if fact.id == claim.fact_id), None)
    if fact is None and claim.kind is not None and claim.direction is Direction.NORMAL:
        fact = record.first(claim.kind)
    if fact is None:
        return ()
    pointed = checks.source(claim, record, fact)
    if pointed is not None and pointed.check is Check.PATIENT:
        return (pointed,)
    wrong = checks.wrong_fact(claim, fact)
    if wrong is not None:
        return (wrong,)
    found = (
        pointed,
        checks.value(claim, fact),
        checks.direction(claim, fact, record, version),
        finding(claim, cited, record),
        checks.time(claim, fact, record),
    )
    return tuple(refusal for refusal in found if refusal is not None)
