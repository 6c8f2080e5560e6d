"""``triage eval citations``, ``model-citations`` and ``faithfulness``: whether the evidence can be trusted."""

import random
from pathlib import Path

import typer
from rich.progress import Progress
from rich.table import Table

from eval import EvaluationCase, Task, load_cases, sample_cases
from eval.citations import (
    CitationScore,
    OwnCitations,
    Struck,
    measure_faithfulness,
    own_citations,
    plant,
    score_planted,
)
from eval.citations.struck import LEAST_FALSE_STRUCK, MOST_TRUE_STRUCK
from integrations.settings import Settings
from triage.guidelines import GuidelineLibrary
from triage.slm import resolve_adapter
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit

_SEED = 20261122
_TASK = typer.Option(Task.SAMPLES, "--task", help="What the cases are.")
_DATA = typer.Option([], "--data", help="Labelled data files; the samples need none.")
_ADAPTER = typer.Option("default", "--adapter", help="A shipped adapter, a folder, `default` or `none`.")
_JSON = typer.Option(False, "--json", help="Machine-readable output.")


def citations(
    task: Task = _TASK,
    data: list[Path] = _DATA,
    each: int = typer.Option(100, "--each", min=1, help="True and false claims of each of the ten kinds."),
    seed: int = typer.Option(_SEED, "--seed", help="The same seed plants the same claims."),
    misses: bool = typer.Option(False, "--misses", help="Say why each claim was judged wrongly (no record)."),
    as_json: bool = _JSON,
) -> None:
    """Plant true and false citations in the cases, and say how many of each the verifier strikes.

    Ends with an error where fewer than 99 % of the false ones or more than 1 % of the true ones are struck.
    """
    settings = common.settings()
    records = [case.record for case in _cases(task, data, settings, None)]
    try:
        planted = plant(records, each=each, seed=seed, version=settings.esi_version)
        library = GuidelineLibrary.load(settings.esi_version)
        card, wrong = score_planted(planted, library)
    except ValueError as error:
        common.err.say("nothing planted", error)
        raise typer.Exit(Exit.FAILED) from None
    if as_json:
        print(card.model_dump_json())
    else:
        common.out.print(_table(card, task))
    if misses:
        for miss in wrong:
            what = "stood" if miss.verdict.stands else f"struck by {miss.verdict.struck_by}"
            kind = "false" if miss.planted.false_by else "true"
            fields = ", ".join(sorted(miss.planted.claim.model_fields_set))
            common.out.print(f"{kind} claim of {miss.planted.of} {what} ({fields})", highlight=False)
    if not card.good:
        common.err.say(
            "not good enough",
            f"at least {LEAST_FALSE_STRUCK:.0%} of the false and at most {MOST_TRUE_STRUCK:.0%} of the true claims "
            "may be struck",
        )
        raise typer.Exit(Exit.FAILED)


def model_citations(
    task: Task = _TASK,
    data: list[Path] = _DATA,
    sample: int = typer.Option(300, "--sample", min=1, help="How many cases, drawn at random."),
    adapter: str = _ADAPTER,
    as_json: bool = _JSON,
) -> None:
    """Ask the model, and say how many of its own citations stand and what the others are struck by."""
    settings = common.settings().with_adapter(adapter)
    cases = _cases(task, data, settings, sample)
    with Progress(console=common.err, transient=True) as progress:
        bar = progress.add_task("ask", total=len(cases))
        found = common.run(own_citations(cases, settings, lambda done: progress.update(bar, completed=done)))
    if as_json:
        print(found.model_dump_json())
    else:
        common.out.print(_own(found, task))


def faithfulness(
    task: Task = _TASK,
    data: list[Path] = _DATA,
    sample: int = typer.Option(300, "--sample", min=2, help="How many cases, drawn at random."),
    adapter: str = _ADAPTER,
    save: bool = typer.Option(True, "--save/--no-save", help="Keep the verdict beside the adapter."),
    as_json: bool = _JSON,
) -> None:
    """Delete cited and uncited facts: does the level depend on what is cited? Else evidence is only supporting."""
    settings = common.settings().with_adapter(adapter)
    cases = _cases(task, data, settings, sample)
    names = ", ".join(path.name for path in data) or "samples"
    with Progress(console=common.err, transient=True) as progress:
        bar = progress.add_task("delete and ask", total=len(cases))
        try:
            found = common.run(
                measure_faithfulness(
                    cases,
                    settings,
                    task=task.value,
                    data=names,
                    progress=lambda done: progress.update(bar, completed=done),
                )
            )
        except ValueError as error:
            common.err.say("not measured", error)
            raise typer.Exit(Exit.FAILED) from None
    folder = resolve_adapter(settings.model.adapter)
    if save and folder is not None:
        found.save(folder)
    if as_json:
        print(found.model_dump_json())
        return
    common.out.print(
        f"p(1-2) changes by {found.change_cited:.4f} without a cited fact, by {found.change_uncited:.4f} without an "
        f"uncited one of its class: difference {found.difference:+.4f} (95 % {found.low:+.4f} to {found.high:+.4f}, "
        f"{found.cases} cases).\nEvidence of this model: {found.label}",
        highlight=False,
    )


def _cases(task: Task, data: list[Path], settings: Settings, sample: int | None) -> list[EvaluationCase]:
    if (task is Task.SAMPLES) == bool(data):
        common.err.say("--data", "goes with every --task but samples, and only with those")
        raise typer.Exit(Exit.USAGE)
    try:
        if data:
            cases = [case for path in data for case in load_cases(task, path)]
        else:
            cases = sample_cases(settings.esi_version)
    except CorpusError as error:
        common.err.say("not read", error)
        raise typer.Exit(Exit.FAILED) from None
    if sample is None or sample >= len(cases):
        return cases
    return random.Random(_SEED).sample(cases, sample)  # noqa: S311 - repeatable, not secret


def _share(item: Struck) -> str:
    return f"{item.struck}/{item.total} = {item.share:.1%} ({item.low:.1%}-{item.high:.1%})"


def _table(card: CitationScore, task: Task) -> Table:
    table = Table(
        "Kind",
        "False ones struck",
        "by that name",
        "True ones struck",
        title=f"planted citations, {task.value}; exact 95 % intervals",
    )
    for row in card.kinds:
        table.add_row(row.kind.value, _share(row.false), str(row.by_name), _share(row.true))
    table.add_row("all", _share(card.false), str(sum(row.by_name for row in card.kinds)), _share(card.true))
    return table


def _own(found: OwnCitations, task: Task) -> Table:
    table = Table("What", "Count", title=f"the model's own citations, {task.value}, {found.cases} cases")
    table.add_row("answers that could not be read", str(found.unanswered))
    for name, item in (("statements", found.statements), ("facts", found.facts)):
        table.add_row(f"{name} struck, of those cited", "none cited" if item is None else _share(item))
    for kind, count in found.by_kind.items():
        table.add_row(f"struck by: {kind}", str(count))
    answered = found.cases - found.unanswered
    table.add_row("answers with a statement that stood", f"{found.supported}/{answered}")
    table.add_row("answers with one that argues for the level given", f"{found.for_level}/{answered}")
    return table
