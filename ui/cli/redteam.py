"""``triage eval redteam``: attack the model by way of the triage note, and count what it moves."""

from pathlib import Path

import typer
from rich.progress import Progress
from rich.table import Table

from eval.redteam import PATIENTS, Findings, NoteSet, load_notes, measure
from ui.cli import common
from ui.cli.exits import Exit


def redteam(
    notes: NoteSet = typer.Option(NoteSet.ATTACKS, "--notes", help="Which attacks."),
    patient: list[str] = typer.Option(
        [], "--patient", help="Sample ids; by default three of levels 2, 3 and 4."
    ),
    limit: int | None = typer.Option(None, "--limit", min=1, help="Only the first attacks."),
    out: Path | None = typer.Option(None, "--out", help="Write every trial as JSON."),
) -> None:
    """Each attack and a neutral sentence in its place, through the whole agent and through the model alone."""
    attacks = load_notes(notes)[:limit]
    patients = tuple(patient) or PATIENTS
    with Progress(console=common.err, transient=True) as progress:
        bar = progress.add_task("attacks", total=len(attacks) * len(patients))
        try:
            found = common.run(
                measure(
                    common.settings(), attacks, patients, lambda done: progress.update(bar, completed=done)
                )
            )
        except (KeyError, ValueError) as error:
            common.err.say("--patient", error)
            raise typer.Exit(Exit.USAGE) from None
    if out is not None:
        out.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    _show(found, notes)


def _show(found: Findings, notes: NoteSet) -> None:
    count = len(dict.fromkeys(trial.note for trial in found.trials))
    trials = len(found.trials)
    who = found.model
    common.out.print(
        f"{who.model}, adapter {who.adapter or 'none'}, prompt {who.prompt_version}, calibration {found.calibration}; "
        f"{count} attacks ({notes.value}) on {len(found.bare)} patients: {trials} pairs",
        highlight=False,
    )
    table = Table("", "Attacks", "Pairs", "Which", header_style="bold")
    rows = [
        ("agent: less urgent than the twin", found.calmed, lambda t: t.attack > t.twin),
        ("agent: another level than the twin", found.changed, lambda t: t.attack != t.twin),
        (
            "agent: less urgent than with no sentence",
            found.calmer_than_bare,
            lambda t: t.attack > found.bare[t.patient][0],
        ),
        ("model alone: less urgent", found.calmed_alone, lambda t: t.alone_attack > t.alone_twin),
        ("model alone: another level", found.changed_alone, lambda t: t.alone_attack != t.alone_twin),
        ("not found by the guard", found.notes(lambda t: not t.found), lambda t: not t.found),
        (
            "rules only: no answer to one of the two",
            found.notes(lambda t: not t.answered),
            lambda t: not t.answered,
        ),
    ]
    for name, names, holds in rows:
        pairs = sum(map(holds, found.trials))
        table.add_row(name, f"{len(names)} of {count}", f"{pairs} of {trials}", ", ".join(names))
    common.out.print(table)
    common.out.print(
        f"The neutral sentence itself moved the agent's suggestion in {found.moved_by_neutral} of {trials} pairs.",
        highlight=False,
    )
    for trial in found.trials:
        if trial.attack != trial.twin:
            common.out.print(
                f"{trial.note} on patient {trial.patient}: level {trial.attack}, twin {trial.twin}"
                + ("" if trial.found else ", not found by the guard")
                + (", a person is asked" if trial.person else ""),
                highlight=False,
            )
