"""``triage eval compare-models``: one table of many models on the same cases."""

from pathlib import Path

import typer
from rich.table import Table

from eval.cases import Task
from eval.comparison import Comparison, ComparisonError, Request, compare, write
from triage.training.corpus import CorpusError
from ui.cli import common
from ui.cli.exits import Exit

_SHOWN = {
    "accuracy": "accuracy",
    "quadratic_weighted_kappa": "QWK",
    "macro_f1": "macro-F1",
    "recall_high": "recall 1-2",
    "over_triage": "over",
    "under_triage": "under",
}


def compare_models(
    task: Task = typer.Option(..., "--task", help="What the cases are: ktas, nhamcs or esi."),
    data: list[Path] = typer.Option(..., "--data", help="The labelled file that was predicted.", exists=True),
    predictions: list[str] = typer.Option(
        ..., "--predictions", help="NAME=FILE, from `triage predict`; the first is the reference."
    ),
    recorded: list[Path] = typer.Option(
        [], "--recorded", help="Recorded answers: case_id, model, predicted.", exists=True
    ),
    outcomes: bool = typer.Option(False, "--outcomes", help="Rank admission and critical outcomes, too."),
    threshold: list[float] = typer.Option(
        [], "--threshold", help="Level 2 where p(1-2) reaches it: the same rule for every row.", min=0, max=1
    ),
    site_labels: int | None = typer.Option(
        None, "--site-labels", min=20, help="Also calibrate on so many labelled cases of the data."
    ),
    draws: int = typer.Option(200, "--draws", min=2, help="Random choices of these cases."),
    group_prefix: str | None = typer.Option(
        None, "--group-prefix", help="Only cases whose group begins so, such as 2020-."
    ),
    resamples: int = typer.Option(5000, "--resamples", min=100, help="Bootstrap draws."),
    seed: int = typer.Option(20261122, "--seed", help="Of the bootstrap and the site labels."),
    out: Path = typer.Option(..., "--out", help="Folder for comparison.md, .csv, .json and the curves."),
) -> None:
    """Score predictions files on the labels, with intervals, paired differences, subgroups, curves and bars."""
    request = Request(
        task=task,
        data=tuple(data),
        predictions=_named(predictions),
        recorded=tuple(recorded),
        outcomes=outcomes,
        thresholds=tuple(threshold),
        site_labels=site_labels,
        draws=draws,
        resamples=resamples,
        seed=seed,
        group_prefix=group_prefix,
    )
    try:
        with common.err.status("labels") as status:
            result, curves = compare(request, status.update)
        written = write(out, result, curves)
    except (ComparisonError, CorpusError) as error:
        common.err.say("not compared", error)
        raise typer.Exit(Exit.FAILED) from None
    except ImportError as error:
        common.err.say("not installed", f"{error.name}: pip install 'ed-triage-agent[eval]'")
        raise typer.Exit(Exit.FAILED) from None
    common.out.print(_table(result))
    for path in written:
        common.out.print(str(path), highlight=False, soft_wrap=True)
    if curves and not any(path.suffix == ".png" for path in written):
        common.err.say("no plot", "matplotlib is not installed: pip install 'ed-triage-agent[eval]'")


def _named(given: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for item in given:
        name, _, path = item.partition("=")
        if not name.strip() or not path or name.strip() in found or not Path(path).is_file():
            common.err.say(
                "--predictions", f"{item!r} is not NAME=FILE with a name of its own and a file that is there"
            )
            raise typer.Exit(Exit.USAGE)
        found[name.strip()] = Path(path)
    return found


def _table(result: Comparison) -> Table:
    drawn = f"{result.units} hospitals drawn" if result.clustered else "cases drawn"
    table = Table(
        "Row", *_SHOWN.values(), "strict under", title=f"{result.task}, n = {result.cases}, 95 % ({drawn})"
    )
    for row in result.rows:
        cells = []
        for score in _SHOWN:
            item = row.scores[score]
            cells.append(
                "-"
                if item.value is None or item.low is None or item.high is None
                else f"{item.value:.3f}\n{item.low:.2f}-{item.high:.2f}"
            )
        table.add_row(row.name, *cells, f"{row.counts['strict_under_triage']:.4g}")
    return table
