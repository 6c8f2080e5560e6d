"""The same cases through two engines: do they give the same levels, and how far apart are their probabilities?

A probability that differs a little is harmless until two levels are close: so every case in which a level differs is
listed with the gap between its two likeliest levels, and its distance from a threshold.
"""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from data_schemas import AcuityScale, IntakeRecord, LevelProbabilities, ModelIdentity, Screening
from data_schemas._base import Frozen
from eval.cases import sample_cases
from eval.predictors.inputs import LAYOUTS, CaseFile, InputTask, ReadCase
from integrations.assembly import rules
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import Calibration, Engine, EngineError, Triager
from triage.slm.prompt import asked_scale
from triage.training.corpus import read_authored

Five = tuple[float, float, float, float, float]

DEFAULT_CASES = 100


class ParityRow(Frozen):
    """One case. ``first`` and ``second`` are raw probabilities of levels 1 to 5.

    ``levels``: the likeliest; ``suggested``: after calibration and thresholds, before the rules' floor. ``gap``:
    between the first engine's two likeliest levels. ``to_threshold``: how far its calibrated p1 or p1 + p2 is from
    the threshold that would make it another suggestion. ``difference``: the largest of a level's probability.
    ``same_answer``: whether path and citations agree too; None where only the levels were asked. ``error``: the class
    of what prevented an answer, with the engine it came from.
    """

    case_id: str
    first: Five | None = None
    second: Five | None = None
    levels: tuple[int, int] | None = None
    suggested: tuple[int, int] | None = None
    gap: float | None = None
    to_threshold: float | None = None
    difference: float | None = None
    same_answer: bool | None = None
    error: str | None = None


class ParityReport(Frozen):
    """What two engines say to the same cases. Shares are of the ``compared`` ones; None where there are none."""

    first: ModelIdentity
    second: ModelIdentity
    scale: AcuityScale
    calibration: str
    cases: int
    compared: int
    same_level: float | None
    same_suggestion: float | None
    same_answer: float | None
    median_difference: float | None
    largest_difference: float | None
    rows: tuple[ParityRow, ...]

    @property
    def differing(self) -> tuple[ParityRow, ...]:
        """The cases with another likeliest level or another suggestion, the widest gap first."""
        found = [row for row in self.rows if row.levels and row.suggested and _differs(row)]
        return tuple(sorted(found, key=lambda row: -(row.gap or 0.0)))

    @property
    def failed(self) -> tuple[ParityRow, ...]:
        """The cases that an engine did not answer."""
        return tuple(row for row in self.rows if row.error is not None)


def shipped_cases(count: int) -> list[ReadCase]:
    """The sample patients, then the project's own written cases, evenly spread over their files."""
    chosen = [ReadCase(case.case_id, case.record) for case in sample_cases()][:count]
    written = [ReadCase(case.case_id, case.record) for case in read_authored()]
    wanted = min(count - len(chosen), len(written))
    return chosen + [written[index * len(written) // wanted] for index in range(wanted)]


def cases_of_file(path: Path, task: InputTask, count: int | None) -> list[ReadCase]:
    """The readable cases of a data file, the first ``count``.

    Raises:
        InputError: the file is not of that layout.
    """
    found = [case for case in CaseFile(path, task).cases() if isinstance(case, ReadCase)]
    return found[:count]


def scale_of(task: InputTask | None) -> AcuityScale:
    """The scale that the cases of a layout are asked on; ESI for the shipped ones."""
    return AcuityScale.ESI if task is None else asked_scale(LAYOUTS[task].scale)


async def compare_engines(
    cases: Sequence[ReadCase],
    first: Engine,
    second: Engine,
    calibration: Calibration,
    settings: Settings,
    scale: AcuityScale,
    *,
    whole: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> ParityReport:
    """Ask both about every case, one case at a time; a case that one cannot answer is counted and named.

    Args:
        cases: any.
        first: usually the embedded engine.
        second: usually the served one.
        calibration: applied to both.
        settings: rules and statements.
        scale: asked for.
        whole: compare path and citations too, which takes longer.
        progress: told the number of cases done.
    """
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    screen = rules(library)
    asked = Triager(first, library.short, scale), Triager(second, library.short, scale)
    rows = []
    for number, case in enumerate(cases, start=1):
        screening = screen(case.record, settings.esi_version)
        rows.append(await _row(case.case_id, case.record, screening, asked, calibration, whole=whole))
        progress(number)
    return _report(rows, asked, calibration, scale)


async def _row(
    case_id: str,
    record: IntakeRecord,
    screening: Screening,
    asked: tuple[Triager, Triager],
    calibration: Calibration,
    *,
    whole: bool,
) -> ParityRow:
    found: list[LevelProbabilities] = []
    answers: list[object] = []
    for triager in asked:
        try:
            if whole:
                answer = await triager.ask(record, screening)
                found.append(answer.probabilities)
                answers.append((answer.level, answer.path, answer.citations))
            else:
                found += await triager.levels([(record, screening)])
        except EngineError as error:
            return ParityRow(case_id=case_id, error=f"{triager.identity.engine}: {type(error).__name__}")
    calibration = calibration.for_arrival(record)
    one, two = found
    top, next_ = sorted(one.p, reverse=True)[:2]
    return ParityRow(
        case_id=case_id,
        first=one.p,
        second=two.p,
        levels=(_likeliest(one.p), _likeliest(two.p)),
        suggested=(calibration.decide(calibration.apply(one)), calibration.decide(calibration.apply(two))),
        gap=top - next_,
        to_threshold=_to_threshold(calibration, one),
        difference=max(abs(a - b) for a, b in zip(one.p, two.p, strict=True)),
        same_answer=answers[0] == answers[1] if whole else None,
    )


def _report(
    rows: Sequence[ParityRow], asked: tuple[Triager, Triager], calibration: Calibration, scale: AcuityScale
) -> ParityReport:
    compared = [row for row in rows if row.error is None]
    differences = [row.difference for row in compared if row.difference is not None]
    whole = [row.same_answer for row in compared if row.same_answer is not None]
    return ParityReport(
        first=asked[0].identity,
        second=asked[1].identity,
        scale=scale,
        calibration=calibration.name,
        cases=len(rows),
        compared=len(compared),
        same_level=_share([row.levels is not None and row.levels[0] == row.levels[1] for row in compared]),
        same_suggestion=_share(
            [row.suggested is not None and row.suggested[0] == row.suggested[1] for row in compared]
        ),
        same_answer=_share(whole),
        median_difference=statistics.median(differences) if differences else None,
        largest_difference=max(differences, default=None),
        rows=tuple(rows),
    )


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _likeliest(p: Five) -> int:
    return p.index(max(p)) + 1


def _to_threshold(calibration: Calibration, raw: LevelProbabilities) -> float:
    p, numbers = calibration.apply(raw).p, calibration.numbers
    return min(abs(p[0] - numbers.level_1_threshold), abs(p[0] + p[1] - numbers.high_threshold))


def _differs(row: ParityRow) -> bool:
    assert row.levels is not None
    assert row.suggested is not None
    return row.levels[0] != row.levels[1] or row.suggested[0] != row.suggested[1]
