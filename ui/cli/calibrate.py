"""``triage model calibrate``: fit the probabilities, thresholds and under-triage bounds to labelled cases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from rich.progress import Progress

from data_schemas import AcuityScale, LevelProbabilities
from eval import EvaluationCase, Task, load_cases
from eval.predictors.asking import ask_levels
from integrations.assembly import CALIBRATION_FILE, open_engine, rules
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.metrics import accuracy, brier_score, expected_calibration_error, over_triage, recall_high
from triage.slm import (
    PROMPT_VERSION,
    Calibration,
    CalibrationFile,
    ModelIntegrityError,
    ScaleCalibration,
    Triager,
    resolve_adapter,
)
from triage.slm.adapter import adapter_sha256
from triage.slm.arrival_group import ArrivalGroup, arrival_group
from triage.slm.calibration import SiteName, read_calibration
from triage.slm.conformal import CONFIDENCE, Risk, cases_needed, check
from triage.slm.prompt import asked_scale
from triage.training.calibrate import (
    apply,
    apply_beside_rules,
    fit,
    fit_beside_rules,
    fit_with_bounds,
    level_row,
    suggestions,
)
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit

_CHUNK = 64
_LEAST_CONFIDENCE = 0.5
_BOUND = "Bound on under-triage among {}: the share more urgent than their whole prediction set."

Answers = tuple[NDArray[np.float64], list[int], list[int]]
"""Raw probabilities, shape [cases, 5], true levels, and the levels of the rules alone."""


def calibrate(
    task: Task = typer.Option(..., "--task", help="What the rows are: ktas, nhamcs or esi."),
    data: Path = typer.Option(..., "--data", help="Labelled rows, from a site or for a whole scale."),
    out: Path = typer.Option(..., "--out", help="The calibration file; one that is there is added to."),
    site: str | None = typer.Option(
        None, "--site", help="The hospital the rows come from; without, nothing is promised."
    ),
    under_triage: float | None = typer.Option(
        None, "--under-triage", min=0.0, max=1.0, help=_BOUND.format("levels 1-2")
    ),
    under_triage_all: float | None = typer.Option(
        None, "--under-triage-all", min=0.0, max=1.0, help=_BOUND.format("all levels")
    ),
    confidence: float = typer.Option(
        CONFIDENCE,
        "--confidence",
        help="How sure a bound is to hold with the rows drawn, 0.5 to 1; 0, or too few rows: on average over draws.",
    ),
    recall: float = typer.Option(
        0.6, "--recall", min=0.0, max=1.0, help="Least recall of levels 1-2 wanted."
    ),
    rows: int | None = typer.Option(None, "--rows", min=20, help="Use so many rows, drawn by the seed."),
    checked: int = typer.Option(0, "--check", min=0, help="Then check on so many of the other rows."),
    seed: int = typer.Option(7, "--seed", help="Which rows are drawn, and which half keeps the bounds."),
    group: ArrivalGroup | None = typer.Option(
        None,
        "--group",
        help="Fit only this kind of arrival, on the rows of its kind; the other numbers stay.",
    ),
    beside_rules: bool = typer.Option(
        False,
        "--beside-rules",
        help="Fit how the agent reads the model beside the level of the rules; the other numbers stay.",
    ),
    adapter: str = typer.Option("default", "--adapter", help="A shipped adapter, a folder or `none`."),
) -> None:
    """Fit the calibration to labelled rows: probabilities, threshold, and bounds on under-triage."""
    bounds = [
        (risk, alpha)
        for risk, alpha in ((Risk.HIGH, under_triage), (Risk.ALL, under_triage_all))
        if alpha is not None
    ]
    _refuse(bounds, confidence, site, group, beside_rules=beside_rules)
    settings = common.settings().with_adapter(adapter)
    fitting, others = _drawn(task, data, rows, checked, seed, group)
    scale = asked_scale(fitting[0].scale)
    content = _content(out, adapter)
    base = content.scales.get(scale)
    _need_numbers(
        base, scale, group, beside_rules=beside_rules
    )  # before the model is asked: that takes minutes
    with Progress(console=common.err, transient=True) as progress:
        bar = progress.add_task("model", total=len(fitting) + len(others))
        answers = common.run(
            _ask([*fitting, *others], settings, scale, lambda done: progress.update(bar, completed=done))
        )
    start = base if site is not None or group is not None else None  # few cases are drawn towards the scale's
    (raw, truth, by_rules), later = _answered(answers, fitting, 0), _answered(answers, others, len(fitting))
    unanswered = len(fitting) - len(truth)
    today = datetime.now(UTC).date()
    what = (
        f"{len(truth)} {task.value} rows"
        + (f" of {site}" if site else "")
        + (f", {group.value}" if group else "")
    )
    kept = np.ones(len(truth), dtype=np.bool_)
    try:
        if bounds:
            numbers, kept = fit_with_bounds(
                raw,
                truth,
                bounds,
                fitted_on=what,
                fitted=today,
                site=site,
                seed=seed,
                recall_wanted=recall,
                start=start,
                confidence=confidence or None,
            )
        elif beside_rules:
            numbers = fit_beside_rules(raw, truth, by_rules, fitted_on=what, recall_wanted=recall)
        else:
            numbers = fit(raw, truth, fitted_on=what, recall_wanted=recall, start=start)
    except ValueError as error:
        raise _stop("not calibrated", error) from None
    if site is None:
        content = content.model_copy(
            update={
                "scales": content.scales | {scale: _of_scale(base, numbers, group, beside_rules=beside_rules)}
            }
        )
    else:
        entry = content.sites.get(site, {}) | {scale: numbers}
        content = content.model_copy(update={"sites": content.sites | {site: entry}})
    out.write_text(content.model_dump_json(indent=1) + "\n")
    _say(f"rows         {len(truth)} of {data.name}, scale {scale.value}, seed {seed}")
    if unanswered:
        _say(f"unanswered   {unanswered} rows got no level from the model and count nowhere here")
    if beside_rules:
        _describe_beside(numbers, raw, truth, by_rules)
    else:
        where = "rows it was fitted on" if kept.all() and not bounds else "rows nothing was fitted on"
        _describe(numbers, raw[kept], [level for level, keep in zip(truth, kept, strict=True) if keep], where)
        _promise(numbers, confidence)
    if later[1] and not beside_rules:
        _check(numbers, *later[:2])
    _say(
        f"written      {out}"
        + (f"; use it: TRIAGE_MODEL__CALIBRATION={out} TRIAGE_SITE={site}" if site else "")
    )


def _refuse(
    bounds: Sequence[tuple[Risk, float]],
    confidence: float,
    site: str | None,
    group: ArrivalGroup | None,
    *,
    beside_rules: bool,
) -> None:
    """Options that do not go together, before the model is opened."""
    if any(not 0.0 < alpha < 1.0 for _, alpha in bounds):
        raise _stop("a bound", "lies between 0 and 1: --under-triage 0.10 is 10 %")
    if confidence and not _LEAST_CONFIDENCE < confidence < 1.0:
        raise _stop("--confidence", "lies between 0.5 and 1, as 0.9, or is 0: then on average over draws")
    try:
        TypeAdapter(SiteName | None).validate_python(site)
    except ValidationError:
        raise _stop("--site", "takes letters, digits, dots, dashes and underscores") from None
    if group is not None and (bounds or site is not None):
        raise _stop("--group", "is of a scale: a site and its bounds take all patients alike")
    if beside_rules and (bounds or site is not None):
        raise _stop(
            "--beside-rules", "is of a scale or a --group: a site and its bounds read the model alone"
        )


def _need_numbers(
    base: ScaleCalibration | None, scale: AcuityScale, group: ArrivalGroup | None, *, beside_rules: bool
) -> None:
    """What a group, and a reading beside the rules, must find in the file."""
    if group is not None and base is None:
        raise _stop(
            "--group", f"the scale {scale.value} has no numbers yet: calibrate it without --group first"
        )
    if beside_rules and (base is None or (group is not None and group not in base.groups)):
        raise _stop(
            "--beside-rules", "there are no numbers of the model alone yet: calibrate without it first"
        )


def _of_scale(
    base: ScaleCalibration | None,
    numbers: ScaleCalibration,
    group: ArrivalGroup | None,
    *,
    beside_rules: bool,
) -> ScaleCalibration:
    """The scale's numbers with the new ones in their place. A bound leaves no room for groups.

    What was fitted beside the rules stands on the numbers of the model alone, so it goes when those change.
    """
    if base is None:
        return numbers
    if beside_rules:
        inner = base if group is None else base.groups[group]
        numbers = ScaleCalibration.model_validate(dict(inner) | {"beside_rules": numbers})
        if group is None:
            return numbers
    if group is not None:
        return ScaleCalibration.model_validate(dict(base) | {"groups": base.groups | {group: numbers}})
    return numbers if numbers.risk is not None else numbers.model_copy(update={"groups": base.groups})


def _drawn(
    task: Task, data: Path, rows: int | None, checked: int, seed: int, group: ArrivalGroup | None
) -> tuple[list[EvaluationCase], list[EvaluationCase]]:
    """The rows to fit on and those to check on, both drawn at random."""
    if task is Task.SAMPLES:
        raise _stop("--task", "the samples are made up: calibrate on labelled rows (ktas, nhamcs, esi)")
    try:
        cases = load_cases(task, data)
    except CorpusError as error:
        common.err.say("not read", error)
        raise typer.Exit(Exit.FAILED) from None
    if not cases:
        raise _stop("no rows", f"{data.name} holds no row with a level")
    if group is not None:
        cases = [case for case in cases if arrival_group(case.record) is group]
        if not cases:
            raise _stop("--group", f"{data.name} holds no labelled row of the kind {group.value}")
    order = np.random.default_rng(seed).permutation(len(cases))
    drawn = [cases[index] for index in order]
    wanted = len(cases) if rows is None else rows
    if wanted > len(cases):
        raise _stop("--rows", f"asks for {wanted}, and {data.name} holds {len(cases)} labelled rows")
    return drawn[:wanted], drawn[wanted : wanted + checked]


async def _ask(
    cases: Sequence[EvaluationCase], settings: Settings, scale: AcuityScale, progress: Callable[[int], None]
) -> list[tuple[LevelProbabilities | None, int]]:
    """Each case's raw probabilities, None where the model gave none, and the level of the rules."""
    library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    screen, engine = rules(library), open_engine(settings)
    triager = Triager(engine, library.short, scale)
    answers: list[tuple[LevelProbabilities | None, int]] = []
    try:
        for start in range(0, len(cases), _CHUNK):
            chunk = [
                (case.record, screen(case.record, settings.esi_version))
                for case in cases[start : start + _CHUNK]
            ]
            found = await ask_levels(triager, chunk)
            answers += [
                (item if isinstance(item, LevelProbabilities) else None, screening.level)
                for item, (_, screening) in zip(found, chunk, strict=True)
            ]
            progress(len(answers))
        return answers
    finally:
        await engine.close()


def _answered(
    answers: Sequence[tuple[LevelProbabilities | None, int]], cases: Sequence[EvaluationCase], start: int
) -> Answers:
    found = [
        (answer.p, case.truth, by_rules)
        for (answer, by_rules), case in zip(answers[start : start + len(cases)], cases, strict=True)
        if answer is not None
    ]
    p = np.array([p for p, _, _ in found]).reshape(-1, 5)
    return p, [truth for _, truth, _ in found], [by_rules for _, _, by_rules in found]


def _content(out: Path, adapter: str) -> CalibrationFile:
    """What the file is to hold besides: what it held, or what the adapter came with where that fits."""
    folder = resolve_adapter(adapter)
    digest = None if folder is None else adapter_sha256(folder)
    name = "base-model" if folder is None else folder.name
    shipped = None if folder is None else folder / CALIBRATION_FILE
    for path in (out, shipped):
        if path is None or not path.is_file():
            continue
        content = read_calibration(path)
        if (content.adapter_sha256, content.prompt_version) == (digest, PROMPT_VERSION):
            return content
        if path == out:
            raise ModelIntegrityError(
                f"{out.name} was fitted on another adapter or prompt, and numbers of two models cannot share a "
                "file: write to another --out"
            )
    return CalibrationFile(name=name, adapter_sha256=digest, prompt_version=PROMPT_VERSION, scales={})


def _describe(numbers: ScaleCalibration, raw: NDArray[np.float64], truth: Sequence[int], where: str) -> None:
    calibrated = apply(numbers, raw)
    said = suggestions(numbers, calibrated)
    _say(f"fitted on    {numbers.fitted_on}; the scores are of {len(truth)} {where}")
    for name, score in (("ECE", expected_calibration_error), ("Brier", brier_score)):
        _say(f"{name:<12} {score(truth, raw):.3f} -> {score(truth, calibrated):.3f}")
    _say(
        f"thresholds   level 1 from p(1) {numbers.level_1_threshold:g}, "
        f"level 2 from p(1)+p(2) {numbers.high_threshold:g}: "
        f"recall of levels 1-2 {recall_high(truth, said):.2f}, over-triage {over_triage(truth, said):.2f}"
    )


def _describe_beside(
    numbers: ScaleCalibration, raw: NDArray[np.float64], truth: Sequence[int], by_rules: Sequence[int]
) -> None:
    calibrated = apply_beside_rules(numbers, raw, by_rules)
    said = suggestions(numbers, calibrated)
    _say(f"fitted on    {numbers.fitted_on}, beside the rules; the scores are of the rows it was fitted on")
    _say(f"ECE          {expected_calibration_error(truth, calibrated):.3f}")
    _say(
        f"thresholds   level 2 from p(1)+p(2) {numbers.high_threshold:g}: recall of levels 1-2 "
        f"{recall_high(truth, said):.2f}, over-triage {over_triage(truth, said):.2f}, accuracy "
        f"{accuracy(truth, said):.2f}; the rules alone {accuracy(truth, by_rules):.2f}"
    )


def _promise(numbers: ScaleCalibration, wanted: float) -> None:
    policy = numbers.risk
    if policy is None:
        _say("no guarantee (no bound was asked for: --under-triage 0.10)")
        return
    for bound in policy.bounds:
        _say(
            f"bound        {bound.risk.value} {bound.alpha:.1%}: p(more urgent than the set) stays below "
            f"{policy.threshold:.3g}; {bound.missed} of {bound.cases} rows lay above their set"
        )
        if not bound.enough:
            common.err.say(
                "too few rows",
                f"{bound.cases} of {bound.risk.value} cannot keep {bound.alpha:.1%} (needs "
                f"{cases_needed(bound.alpha)}): every set reaches level 1. Give more rows or a greater bound",
                "bold yellow",
            )
        elif wanted and bound.confidence is None:
            common.err.say(
                "few rows",
                f"{bound.cases} of {bound.risk.value} keep {bound.alpha:.1%} on average over draws of such rows, not "
                f"with {wanted:.0%} confidence (needs {cases_needed(bound.alpha, wanted)})",
                "bold yellow",
            )
    _say(f"guarantee    {policy.guarantee}" if policy.guarantee else f"no guarantee {_NOT_OF_THE_SITE}")


_NOT_OF_THE_SITE = "(no site was named: where patients or labels differ, under-triage does too; --site NAME)"


def _check(numbers: ScaleCalibration, raw: NDArray[np.float64], truth: Sequence[int]) -> None:
    """What was found on rows that were used for nothing."""
    calibration = Calibration("check", numbers)
    sets = [calibration.prediction_set(level_row(row)) for row in apply(numbers, raw)]
    width = float(np.mean([last - first + 1 for first, last in sets]))
    _say(f"checked on   {len(truth)} other rows: a set holds {width:.2f} levels on average")
    if numbers.risk is None:
        return
    given = "" if numbers.risk.guarantee else "; no guarantee"
    for finding in check(numbers.risk, [first for first, _ in sets], truth):
        _say(
            f"found        {finding.risk.value}: {finding.missed} of {finding.cases} above their set, "
            f"{finding.rate:.1%} (95 % {finding.low:.1%} to {finding.high:.1%}), bound {finding.alpha:.1%}{given}"
        )


def _say(line: str) -> None:
    common.out.print(line, markup=False, highlight=False, soft_wrap=True)


def _stop(label: str, problem: object) -> typer.Exit:
    common.err.say(label, problem)
    return typer.Exit(Exit.USAGE)
