"""What the model page shows, piece by piece."""

from collections.abc import Iterable, Mapping

from eval.comparison.result import Estimate
from triage.slm import CalibrationFile, ScaleCalibration
from triage.slm.source_attributes import GROUPS
from ui.dashboard.look import Safe, callout, chip, definition, panel, section, table, tag
from ui.dashboard.services import ModelFacts
from ui.dashboard.strings import text

_SCORES = ("accuracy", "quadratic_weighted_kappa", "recall_high", "under_triage", "over_triage")
MUST_NOT = ("alone", "rules", "arrival", "web", "language", "site", "device")
"""What it must not be used for, in the catalogue below ``model.never``."""


def never() -> Safe:
    """What it must not be used for."""
    lines = [tag("li", text(f"model.never.{key}")) for key in MUST_NOT]
    return callout(text("model.never.title"), tag("ul", *lines, cls="ed-list"), tone="danger")


def identity(facts: ModelFacts) -> Safe:
    """Which model it is."""
    none = text("model.none")
    return panel(
        definition(
            [
                (text("model.engine"), text(f"model.engines.{facts.engine}")),
                (text("model.adapter"), facts.adapter or none),
                (text("model.prompt"), facts.prompt_version),
                (text("model.scale"), facts.scale.value),
                (text("model.site"), facts.site or text("model.no-site")),
            ]
        ),
        tag("p", text("model.hash"), cls="ed-soft ed-hash-name"),
        tag("p", facts.adapter_sha256 or none, cls="ed-mono ed-hash"),
        title=text("model.which"),
    )


def calibration(facts: ModelFacts) -> Safe:
    """The calibration of every scale and site, and what it promises."""
    file = facts.calibration
    if file is None:
        return section(
            text("model.calibration"), callout(text("model.uncalibrated"), text("model.no-guarantee-help"))
        )
    notes: list[Safe] = []
    if facts.fits is False:
        notes.append(callout(text("model.misfit"), text("model.misfit-help"), tone="danger"))
    promised = _used(file, facts).risk
    if promised is None or promised.guarantee is None:
        notes.append(callout(text("model.no-guarantee"), text("model.no-guarantee-help")))
    columns = [
        text(f"model.columns.{name}")
        for name in ("for", "temperature", "level-1", "high", "set", "on", "promise")
    ]
    rows: list[list[object]] = []
    for site, scales in [(text("model.any-site"), file.scales), *file.sites.items()]:
        for scale, item in scales.items():
            kinds = [(text(f"model.groups.{group.value}"), its) for group, its in item.groups.items()]
            for kind, its in [(None, item), *kinds]:
                where = site if kind is None else f"{site}, {kind}"
                rows.append(_numbers(scale.value, where, its))
                if its.beside_rules is not None:
                    beside = text("model.beside-rules")
                    rows.append(_numbers(scale.value, f"{where}, {beside}", its.beside_rules))
    return section(
        text("model.calibration"),
        tag("div", *notes, cls="ed-stack"),
        table(text("model.calibration-of", name=file.name), columns, rows, cls="ed-calibration"),
    )


def evaluation(facts: ModelFacts) -> Safe:
    """The last report, or how to make one."""
    if facts.evaluation is None:
        return section(
            text("model.evaluation"),
            panel(tag("p", text("model.no-report")), tag("pre", text("model.how"), cls="ed-command")),
        )
    result = facts.evaluation.result
    columns = [text("model.row"), *(text(f"model.scores.{score}") for score in _SCORES)]
    rows = [[row.name, *(_estimate(row.scores.get(score)) for score in _SCORES)] for row in result.rows]
    return section(
        text("model.evaluation"),
        tag(
            "p",
            text("model.report", name=facts.evaluation.folder, task=result.task, n=result.cases),
            cls="ed-soft",
        ),
        table(text("model.report-caption"), columns, rows),
        tag("p", text("model.report-note", reference=result.reference), cls="ed-soft"),
    )


def attributes(answers: Mapping[str, str]) -> Iterable[tuple[str, Safe]]:
    """Each group's name with its questions and answers, numbered as in the rule."""
    number = 0
    for group, keys in GROUPS.items():
        pairs: list[Safe] = []
        for key in keys:
            number += 1
            answer = answers.get(key)
            pairs.append(
                tag(
                    "div",
                    tag("dt", tag("span", number, cls="ed-number"), text(f"model.attribute.{key}")),
                    tag("dd", answer, lang="en")
                    if answer
                    else tag("dd", chip(text("model.unanswered"), "warn")),
                )
            )
        yield text(f"model.group.{group}"), tag("dl", *pairs, cls="ed-answers")


def _used(file: CalibrationFile, facts: ModelFacts) -> ScaleCalibration:
    own = file.sites.get(facts.site or "", {}).get(facts.scale)
    return own or file.scales.get(facts.scale) or ScaleCalibration()


def _numbers(scale: str, site: str, item: ScaleCalibration) -> list[object]:
    promise = None if item.risk is None else item.risk.guarantee
    return [
        f"{scale}, {site}",
        f"{item.temperature:g}",
        f"{item.level_1_threshold:g}",
        f"{item.high_threshold:g}",
        f"{item.set_mass:g}",
        tag("span", item.fitted_on or text("model.none"), lang="en"),
        tag("span", promise, lang="en") if promise else chip(text("model.promises-nothing"), "warn"),
    ]


def _estimate(item: Estimate | None) -> str:
    if item is None or item.value is None:
        return text("model.none")
    if item.low is None or item.high is None:
        return f"{item.value:.3f}"
    return text("model.estimate", value=f"{item.value:.3f}", low=f"{item.low:.3f}", high=f"{item.high:.3f}")
