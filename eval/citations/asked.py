"""The model's own citations: how many stand, and what the others are struck by."""

from collections import Counter
from collections.abc import Callable, Sequence

from agents.nodes.verify import model_reasons
from data_schemas._base import Frozen
from eval.cases import EvaluationCase
from eval.citations.struck import Struck, struck_share
from integrations.assembly import open_engine, rules
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import AnswerError, Triager
from triage.slm.prompt import asked_scale


class OwnCitations(Frozen):
    """What the model cited in ``cases`` answers, of which ``unanswered`` could not be read.

    ``statements`` and ``facts`` hold how many of them the verifier struck; what it leaves is all that is shown, so that
    1 - share is the share that stands before verification, and everything shown afterwards stood. ``by_kind`` counts
    strikes by their check. ``supported``: answers with a statement of the model's own that stood; ``for_level``: with
    one that argues for the level the model gave.
    """

    cases: int
    unanswered: int
    statements: Struck | None
    facts: Struck | None
    by_kind: dict[str, int]
    supported: int
    for_level: int


async def own_citations(
    cases: Sequence[EvaluationCase],
    settings: Settings,
    progress: Callable[[int], None] = lambda done: None,
) -> OwnCitations:
    """Ask the configured model about each case and verify what it cites, as the agent does.

    Raises:
        EngineError: the model cannot be opened or fails.
        ValueError: the cases are of several scales, or there is none.
    """
    scales = {asked_scale(case.scale) for case in cases}
    if len(scales) != 1:
        raise ValueError(
            "the cases of one scale at a time, please: " + (", ".join(sorted(scales)) or "there is none")
        )
    (scale,) = scales
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    screen = rules(library)
    engine = open_engine(settings)
    triager = Triager(engine, library.short, scale)
    kinds: Counter[str] = Counter()
    statements, facts = [0, 0], [0, 0]
    unanswered = supported = for_level = 0
    try:
        for done, case in enumerate(cases, start=1):
            screening = screen(case.record, settings.esi_version)
            try:
                answer = await triager.ask(case.record, screening)
            except AnswerError:
                unanswered += 1
                continue
            finally:
                progress(done)
            reasons = model_reasons(answer, case.record, library)
            statements[1] += len({c.statement_id for c in answer.citations if c.statement_id is not None})
            facts[1] += len({c.fact_id for c in answer.citations if c.fact_id is not None})
            for reason in reasons:
                if reason.struck is not None:
                    kinds["unnamed" if reason.struck_by is None else reason.struck_by.value] += 1
                    # A fact that is not there names itself; everything else struck is a statement's citation.
                    absent = bool(reason.fact_ids) and case.record.fact(reason.fact_ids[0]) is None
                    (facts if absent else statements)[0] += 1
            standing = [r for r in reasons if r.struck is None and r.statement is not None]
            supported += bool(standing)
            for_level += any(r.argues_for(screening) == answer.level for r in standing)
    finally:
        await engine.close()
    return OwnCitations(
        cases=len(cases),
        unanswered=unanswered,
        statements=struck_share(*statements) if statements[1] else None,
        facts=struck_share(*facts) if facts[1] else None,
        by_kind=dict(kinds.most_common()),
        supported=supported,
        for_level=for_level,
    )
