"""``triage train corpus-card``; and where a hospital's FHIR reader joins the data sets that a recipe may name."""

from collections.abc import Iterator
from pathlib import Path

import typer
from rich.table import Table

from integrations.assembly import reader_settings
from integrations.fhir.export_corpus import DATASET, read_export
from triage.training.corpus import LabelledCase
from triage.training.corpus.card import CorpusCard, corpus_card
from triage.training.parts import READERS, SHIPPED
from ui.cli import common
from ui.cli.exits import Exit


def read_site_export(path: Path) -> Iterator[LabelledCase]:
    """The labelled encounters of an export, read with the site's own settings, as the agent reads them.

    Raises:
        CorpusError: nothing labelled was found, or ``export.yaml`` is wrong.
    """
    return read_export(path, settings=reader_settings(common.settings()), report=_say)


def _say(text: str) -> None:
    common.err.say("left out", text, "bold yellow")


# Training stands below the hospital side and may not import it, so this floor hands the reader in.
READERS[DATASET] = read_site_export


def card(
    dataset: str = typer.Option(..., "--dataset", help=f"One of {', '.join([*READERS, *SHIPPED])}."),
    data: Path | None = typer.Option(None, "--data", help="File or folder; what ships with us has none."),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output."),
) -> None:
    """Count a corpus: cases, level mix, what is missing, and the hashes that name it. Prints no row."""
    if dataset not in (*READERS, *SHIPPED):
        common.err.say("--dataset", f"is one of {', '.join([*READERS, *SHIPPED])}")
        raise typer.Exit(Exit.USAGE)
    if (data is None) != (dataset in SHIPPED):
        common.err.say("--data", f"{dataset} " + ("takes none" if dataset in SHIPPED else "needs one"))
        raise typer.Exit(Exit.USAGE)
    try:
        cases = SHIPPED[dataset]() if data is None else READERS[dataset](data)
        counted = corpus_card(dataset, cases, data)
    except ValueError as error:  # CorpusError: its message names file, column and remedy, never a patient
        common.err.say("not read", error)
        raise typer.Exit(Exit.FAILED) from None
    except OSError as error:
        common.err.say("not read", f"{Path(error.filename or 'the data').name}: {error.strerror}")
        raise typer.Exit(Exit.FAILED) from None
    if as_json:
        print(counted.model_dump_json())
    else:
        common.out.print(_table(counted))


def _table(counted: CorpusCard) -> Table:
    scales = ", ".join(counted.scales)
    table = Table("What", "Count", "Share", title=f"{counted.dataset}, n = {counted.cases}, {scales}")
    whole = max(counted.cases, 1)
    table.add_row("groups", str(counted.groups), "")
    for level, count in enumerate(counted.levels, start=1):
        table.add_row(f"level {level}", str(count), f"{count / whole:.3f}")
    for kind, share in counted.missing.items():
        table.add_row(f"missing {kind.value}", str(round(share * whole)), f"{share:.3f}")
    for issue, count in counted.findings.items():
        table.add_row(f"finding {issue.value}", str(count), f"{count / whole:.3f}")
    for name, (happened, known) in counted.outcomes.items():
        table.add_row(f"{name}, of {known} known", str(happened), f"{happened / known:.3f}")
    if counted.nurse_agrees is not None:
        table.add_row("nurse agrees with the label", "", f"{counted.nurse_agrees:.3f}")
    if counted.file_sha256 is not None:
        table.add_row("SHA-256", counted.file_sha256, "")
    return table
