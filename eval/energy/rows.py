"""The models under test, metered on the same cases."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from data_schemas import AcuityScale
from eval.energy.blocks import Progress, Work, in_turns, to_row
from eval.energy.meter import EnergyError, idle_watts
from eval.predictors import LAYOUTS, InputTask, ModelName, Predictor, TriageCase, open_predictor
from eval.predictors.agent import AgentPredictor
from eval.predictors.asking import Asker
from eval.predictors.slm import SlmPredictor
from eval.suite.result import EnergyRow
from integrations.assembly import open_engine
from integrations.settings import Settings
from triage.slm import Calibration, EngineError

QUICK_CASES = 6
_GRAPH = (
    "the whole deployed graph, its records in a temporary database; a doubtful case is asked again in other words, "
    "and the tokens are of the first question alone"
)
ASKED = (ModelName.SLM, ModelName.BASE, ModelName.AGENT)
"""Rows whose language model is asked here: the tokens of their prompts and answers are counted, too."""

_FITTED = {ModelName.BOOSTING, ModelName.ENCODER, ModelName.HYBRID}
_WHAT = {
    None: "no language model",
    "level": "embedded engine, int8 weights, float32 arithmetic; the level alone, cases in batches",
    "full": "embedded engine, int8 weights, float32 arithmetic; whole answers one by one, forced text in one pass",
}


def measure(
    rows: Sequence[ModelName],
    cases: Sequence[TriageCase],
    settings: Settings,
    *,
    task: InputTask = InputTask.ESI,
    levels_only: bool = False,
    fitted: Path | None = None,
    train: Sequence[Path] = (),
    limit: int | None = QUICK_CASES,
    rounds: int = 3,
    seconds: float = 2.0,
    cpu_watts: float | None = None,
    progress: Progress = lambda row: None,
) -> tuple[EnergyRow, ...]:
    """Energy of every row on the first ``limit`` cases, in turns.

    Args:
        rows: models that ``open_predictor`` knows; boosting, encoder and hybrid with ``fitted`` or ``train``.
        cases: what was known at triage; all readable.
        settings: adapter, engine, threads.
        task: gives the scale.
        levels_only: decode just the level, in batches, as large evaluations do; else whole answers, as deployed.
        fitted: see ``open_predictor``.
        train: see ``open_predictor``.
        limit: cases metered; None is all.
        rounds: blocks of each row, at least 3.
        seconds: processor time of the shortest block.
        cpu_watts: see ``metered``.
        progress: told the row that begins.

    Raises:
        EnergyError: no case, the model is on a server (its energy is not spent here), or the meter gave nothing.
        EngineError: the language model cannot be opened.
        InputError: ``fitted`` or ``train`` do not go with a row.
    """
    chosen = list(cases)[:limit]
    if not chosen or not rows:
        raise EnergyError("there is nothing to meter: give a row and a case")
    if any(row in ASKED for row in rows) and settings.model.engine != "embedded":
        raise EnergyError(
            f"the model is configured as `{settings.model.engine}`: only one in this process can be metered; "
            "use the embedded engine (TRIAGE_MODEL__ENGINE=embedded)"
        )
    with ExitStack() as stack:
        works: list[Work] = []
        predictor: Predictor
        tokens: tuple[float | None, float | None]
        for row in rows:
            progress(f"opening {row.value}")
            if row in ASKED:
                predictor, tokens = _asked(row, chosen, settings, LAYOUTS[task].scale, levels_only)
            else:
                data = (fitted, train) if row in _FITTED else (None, ())
                predictor = open_predictor(
                    row,
                    task,
                    settings,
                    levels_only=levels_only,
                    fitted=data[0],
                    train=data[1],
                    ids={case.case_id for case in chosen},
                )
                tokens = None, None
            stack.callback(predictor.close)
            works.append(work_of(predictor, chosen, *tokens))
        done = in_turns(works, rounds=rounds, seconds=seconds, cpu_watts=cpu_watts, progress=progress)
        idle = idle_watts(cpu_watts=cpu_watts)
    return tuple(to_row(one, idle=idle) for one in done)


def open_asker(row: ModelName, settings: Settings, scale: AcuityScale) -> Asker:
    """The language model of a row of ``ASKED``.

    Raises:
        EngineError: it cannot be opened.
    """
    if row is ModelName.BASE:
        return Asker(open_engine(settings.with_adapter("none")), Calibration.none(), settings, scale)
    return Asker.open(settings, scale)


def count_tokens(asker: Asker, cases: Sequence[TriageCase]) -> list[tuple[int, int]]:
    """Tokens of prompt and answer of each case, asked once.

    Raises:
        EnergyError: a case got no answer, so that its energy would be of something else.
    """
    counted = []
    for pair in asker.screened(cases):
        try:
            answer = asker.run(asker.triager.ask(*pair))
        except EngineError as error:
            raise EnergyError(f"a case got no answer ({type(error).__name__}): leave it out") from error
        counted.append((answer.prompt_tokens, answer.answer_tokens))
    return counted


def _asked(
    row: ModelName, cases: Sequence[TriageCase], settings: Settings, scale: AcuityScale, levels_only: bool
) -> tuple[Predictor, tuple[float, float]]:
    asker = open_asker(row, settings, scale)
    try:
        counted = count_tokens(asker, cases)
    except BaseException:
        asker.close()
        raise
    prompt = sum(one for one, _ in counted) / len(cases)
    answer = 1.0 if levels_only else sum(one for _, one in counted) / len(cases)
    if row is ModelName.AGENT:
        return AgentPredictor(asker, scale, levels_only=levels_only), (prompt, answer)
    return SlmPredictor(asker, levels_only=levels_only, name=row.value), (prompt, answer)


def work_of(
    predictor: Predictor,
    cases: Sequence[TriageCase],
    prompt_tokens: float | None = None,
    decoded_tokens: float | None = None,
) -> Work:
    """All ``cases`` through ``predictor``; an unanswered one is an error, for its energy would be of less work."""

    def run() -> None:
        for start in range(0, len(cases), predictor.chunk):
            found = predictor.predict(cases[start : start + predictor.chunk])
            if any(one.predicted is None or one.rules_only for one in found):
                raise EnergyError(f"{predictor.name}: a case got no level from it: leave it out, or see why")

    decoding = None if predictor.name == ModelName.AGENT_PRIOR.value else predictor.provenance.decoding
    what = _WHAT[decoding]
    if predictor.name == ModelName.AGENT.value and decoding == "full":
        what = f"{_GRAPH}; {what}"
    return Work(
        row=predictor.name,
        run=run,
        cases=len(cases),
        what=what,
        prompt_tokens=prompt_tokens,
        decoded_tokens=decoded_tokens,
    )
