"""The report of a result, before it has a form."""

from eval.report import words
from eval.report.attributes import source_attributes
from eval.report.cost_section import cost
from eval.report.curves_section import confusions, curves, sets
from eval.report.document import Document, Section
from eval.report.groups_section import outcomes, site_labels, subgroups
from eval.report.mistakes import mistakes
from eval.report.other_sections import again, not_run, published_figures
from eval.report.robustness_section import robustness
from eval.report.scores_section import bars, scores, strata
from eval.report.summary import summary
from eval.report.tripod import tripod
from eval.suite.result import SuiteResult, TaskResult

_PARTS = (scores, bars, confusions, curves, sets, subgroups, strata, outcomes, site_labels, robustness)


def build(result: SuiteResult, *, cases: bool = True) -> Document:
    """All sections in the order of the report; ``cases``: with the error browser."""
    started = result.started
    return Document(
        title="Evaluation of emergency triage models",
        subtitle="Scores with 95 % intervals, paired comparisons, errors, and what it would take to get them again",
        facts=(
            ("Suite", result.suite),
            ("Run on", f"{started:%d} {started:%B} {started:%Y}"),
            ("Version", f"{result.versions.project} ({(result.versions.commit or 'no commit')[:12]})"),
            ("Cases", words.count(sum(task.comparison.cases for task in result.tasks))),
        ),
        sections=(
            summary(result),
            *(_task(task) for task in result.tasks),
            cost(result),
            mistakes(result, cases=cases),
            published_figures(),
            tripod(result),
            source_attributes(result),
            not_run(result),
            again(result),
        ),
        footer="Made from recorded cases, to judge models. No clinical instruction: a clinician decides every level.",
    )


def _task(task: TaskResult) -> Section:
    task = task.model_copy(update={"name": words.slug(task.name)})
    parts = tuple(section for section in (part(task) for part in _PARTS) if section)
    return Section(task.name, task.title, (), parts)
