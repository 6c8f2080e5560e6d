"""Whether a statement is about this patient and this scale at all, and whether the facts cited make it hold."""

from functools import lru_cache

from data_schemas import AcuityScale, Check, Claim, EsiVersion, FactKind, IntakeRecord, Refusal
from triage.guidelines import GuidelineLibrary, Statement
from triage.guidelines.condition import AllOf, AnyOf, Coded, Condition, Score, Term
from triage.scores import all_scores
from triage.text.context import Assertion
from triage.text.terms import find_terms
from triage.verifying.reading import WORDS

_ON_ESI = frozenset({AcuityScale.ESI, AcuityScale.NHAMCS})
_PREGNANCY_TERMS = frozenset(
    {
        "pregnancy_words",
        "possible_pregnancy",
        "postpartum_words",
        "postpartum_haemorrhage",
        "labour",
        "imminent_delivery",
    }
)
_NOT_SO = frozenset({Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL})


def statement_refusals(claim: Claim, record: IntakeRecord, library: GuidelineLibrary) -> tuple[Refusal, ...]:
    """Every check of the statement that the claim fails."""
    if claim.statement_id is None:
        return ()
    versioned = _version(claim, library)
    statement = library.by_id(claim.statement_id)
    if statement is None:
        if versioned is not None:
            return (versioned,)
        other = _elsewhere(claim.statement_id, library.version)
        if other is not None:
            return (
                Refusal(
                    check=Check.SCALE,
                    why=f"{claim.statement_id} is part of ESI v{other.value}; v{library.version.value} is in use",
                ),
            )
        return (Refusal(check=Check.EXISTENCE, why="there is no such guideline statement"),)
    found = [
        refusal for refusal in (versioned, _age(statement, record), _pregnancy(statement, record)) if refusal
    ]
    if found:
        return tuple(found)
    support = library.supports(statement, record, claim.fact_ids)
    if support.ok:
        return ()
    return (Refusal(check=Check.SUPPORT, why=support.why or "the facts cited do not support it"),)


def _version(claim: Claim, library: GuidelineLibrary) -> Refusal | None:
    """Whether statement and claim are of the same scale and handbook. The shipped statements are those of the ESI."""
    if claim.scale is not None and claim.scale not in _ON_ESI:
        return Refusal(
            check=Check.SCALE,
            why=f"{claim.statement_id} is a statement of the ESI, not of the {claim.scale.value}",
        )
    if claim.esi_version is not None and claim.esi_version is not library.version:
        return Refusal(
            check=Check.SCALE,
            why=f"it quotes ESI v{claim.esi_version.value}; v{library.version.value} is in use",
        )
    return None


def _age(statement: Statement, record: IntakeRecord) -> Refusal | None:
    band, age = statement.scope.age, record.age_days
    if band is not None and (age is None or not band.holds(age)):
        why = "the age is not known" if age is None else f"the patient is {_age_words(record)}"
        return Refusal(check=Check.AGE, why=f"{statement.id} is about {band}; {why}")
    return _score_scope(statement, record, Check.AGE)


def _pregnancy(statement: Statement, record: IntakeRecord) -> Refusal | None:
    code = record.code(FactKind.PREGNANCY)
    wanted = statement.scope.pregnancy
    if wanted and code not in wanted:
        return Refusal(
            check=Check.PREGNANCY, why=f"{statement.id} is about patients who are {' or '.join(wanted)}"
        )
    if needs_pregnancy(statement.condition) and not _may_be_pregnant(record):
        return Refusal(
            check=Check.PREGNANCY,
            why=f"{statement.id} is about pregnancy or the time after birth; the record says neither",
        )
    return _score_scope(statement, record, Check.PREGNANCY)


def needs_pregnancy(condition: Condition) -> bool:
    """Whether the condition can hold only in pregnancy or after birth."""
    match condition:
        case Coded():
            return condition.code is FactKind.PREGNANCY
        case Term():
            return set(condition.term) <= _PREGNANCY_TERMS
        case AllOf():
            return any(needs_pregnancy(part) for part in condition.all)
        case AnyOf():
            return condition.at_least == 1 and all(needs_pregnancy(part) for part in condition.any)
        case _:
            return False


def _may_be_pregnant(record: IntakeRecord) -> bool:
    if record.code(FactKind.PREGNANCY) in {"pregnant", "postpartum"}:
        return True
    return any(
        match.concept in _PREGNANCY_TERMS and match.assertion not in _NOT_SO
        for fact in record.facts
        if fact.kind in WORDS
        for match in find_terms(fact.text)
    )


def _score_scope(statement: Statement, record: IntakeRecord, check: Check) -> Refusal | None:
    """Whether a score that the statement rests on is for patients of this age, and not in pregnancy."""
    if not isinstance(statement.condition, Score):
        return None
    name = statement.condition.score.lower()
    result = next((score for score in all_scores(record) if score.name.lower() == name), None)
    if result is None or result.applicable or result.why_not is None:
        return None
    by = Check.PREGNANCY if "pregnan" in result.why_not else Check.AGE
    return Refusal(check=by, why=f"{result.name} does not apply: {result.why_not}") if by is check else None


def _age_words(record: IntakeRecord) -> str:
    fact = record.first(FactKind.AGE)
    return "of unknown age" if fact is None else fact.text


def _elsewhere(statement_id: str, version: EsiVersion) -> EsiVersion | None:
    """The other handbook, where it has a statement of this id."""
    others = (other for other in EsiVersion if other is not version)
    return next((other for other in others if statement_id in _shipped_ids(other)), None)


@lru_cache(maxsize=len(EsiVersion))
def _shipped_ids(version: EsiVersion) -> frozenset[str]:
    return frozenset(statement.id for statement in GuidelineLibrary.load(version))
