"""``triage replay`` and ``triage records``: what becomes of the records after a case."""

import getpass
from pathlib import Path
from typing import Any

import typer

from agents import CaseService, ErasureReason, ErasureReport, Export, Replay, write_export
from integrations.assembly import open_agent
from integrations.settings import Settings
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.terminal import json_line

app = typer.Typer(no_args_is_help=True, help="Keep, export and erase patients' records.")

_CASE = typer.Argument(None, help="One case, as `triage cases` lists it.")
_PATIENT = typer.Option(
    None, "--patient", help="Every case of this patient: Patient/17, or SOURCE|Patient/17."
)
_BY = typer.Option(
    getpass.getuser, "--by", help="Who does it; stands in the audit chain.", show_default="the user"
)
_DATA_DIR = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP)
_JSON = typer.Option(False, "--json", help="Machine-readable output.")


def replay(
    case_id: str = typer.Argument(help="The case, as `triage cases` lists it."),
    assessment: str | None = typer.Option(None, "--assessment", help="Another than the current assessment."),
    as_json: bool = _JSON,
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Give the stored answer again from the stored inputs, and say whether it is the same. Nothing is written."""
    settings = common.settings(data_dir)

    async def work() -> Replay:
        async with open_agent(settings, recover=False) as agent:
            case = await agent.service.get(case_id)
            if case.assessment is None:
                return await agent.service.records.replay(case_id, assessment)
        # As it was asked then: the scale and the tables are configuration, not something to differ by.
        then = {"scale": case.assessment.scale, "esi_version": case.assessment.screening.esi_version}
        async with open_agent(settings.model_copy(update=then), recover=False) as agent:
            return await agent.service.records.replay(case_id, assessment)

    result = common.run(work())
    if as_json:
        print(json_line(result.model_dump(mode="json")))
    else:
        _show_replay(result)
    raise typer.Exit(Exit.DONE if result.identical else Exit.NOT_IDENTICAL)


@app.command()
def export(
    case_id: str | None = _CASE,
    patient: str | None = _PATIENT,
    out: Path = typer.Option(..., "--out", help="The file; an existing one is not overwritten."),
    by: str = _BY,
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Write everything that is kept of one case or one patient to a JSON file, and nothing of anybody else.

    Who exports stands in the audit chain.
    """
    _one_of(case_id, patient)
    _named(by)
    if out.exists():
        common.err.say("--out", f"{out} exists and is kept: name another file")
        raise typer.Exit(Exit.USAGE)

    async def work(service: CaseService) -> Export:
        if case_id is not None:
            return await service.records.export_case(case_id, by=by)
        return await service.records.export_patient(str(patient), by=by)

    found = common.run(_with(common.settings(data_dir), work))
    if not found.cases:
        common.err.say("nothing exported", "no case of this patient is kept here")
        raise typer.Exit(Exit.FAILED)
    try:
        write_export(found, out)
    except FileExistsError:
        common.err.say("--out", f"{out} exists and is kept: name another file")
        raise typer.Exit(Exit.USAGE) from None
    common.out.print(
        f"{_count(len(found.cases))} exported to {out}; it holds patient data, readable by you only",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def erase(
    case_id: str | None = _CASE,
    patient: str | None = _PATIENT,
    reason: ErasureReason = typer.Option(..., "--reason", help="Why; stands in the audit chain."),
    by: str = _BY,
    undecided: bool = typer.Option(
        False, "--undecided", help="Also a case that waits for a decision which nobody will take."
    ),
    as_json: bool = _JSON,
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Erase one case or one patient for good. The audit chain stands, and says who erased and why."""
    _one_of(case_id, patient)
    _named(by)

    async def work(service: CaseService) -> ErasureReport:
        records = service.records
        found = (case_id,) if case_id is not None else await records.of_patient(str(patient))
        return await records.erase(found, reason=reason, by=by, undecided=undecided)

    report = common.run(_with(common.settings(data_dir), work))
    _show_erasure(report, as_json)
    raise typer.Exit(Exit.DONE if (report.erased or report.already) and not report.kept else Exit.FAILED)


@app.command()
def purge(
    older_than: int | None = typer.Option(
        None, "--older-than", min=1, help="Days since the case was closed; else TRIAGE_RETENTION_DAYS."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be erased."),
    by: str = _BY,
    as_json: bool = _JSON,
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Erase closed cases that were kept long enough; never one that waits or is still owed to the hospital's record."""
    settings = common.settings(data_dir)
    days = older_than if older_than is not None else settings.retention_days
    if days is None:
        common.err.say("how old", "give --older-than DAYS, or set TRIAGE_RETENTION_DAYS")
        raise typer.Exit(Exit.USAGE)
    _named(by)
    if dry_run:
        found = common.run(_with(settings, lambda service: service.records.due(days)))
        if as_json:
            print(json_line([case.model_dump(mode="json") for case in found]))
            return
        for case in found:
            common.out.print(f"would erase {case.case_id}, closed {case.closed_at:%Y-%m-%d}", highlight=False)
        common.out.print(f"{_count(len(found))} closed more than {days} days ago; nothing was erased")
        return
    report = common.run(_with(settings, lambda service: service.records.purge(days, by=by)))
    _show_erasure(report, as_json)
    raise typer.Exit(Exit.DONE)


@app.command()
def compact(data_dir: Path | None = _DATA_DIR) -> None:
    """Overwrite what was deleted in the databases' files, where an erasure could not."""
    left = common.run(_with(common.settings(data_dir), lambda service: service.records.compact()))
    for words in left:
        common.err.say("left", words, "bold yellow")
    common.out.print("the databases were rewritten without what was deleted")


async def _with(settings: Settings, work: Any) -> Any:
    async with open_agent(settings, recover=False) as agent:
        return await work(agent.service)


def _one_of(case_id: str | None, patient: str | None) -> None:
    if (case_id is None) == (patient is None):
        common.err.say("whose", "give one CASE, or --patient REFERENCE")
        raise typer.Exit(Exit.USAGE)


def _named(by: str) -> None:
    if not by.strip():
        common.err.say("--by", "say who does it")
        raise typer.Exit(Exit.USAGE)


def _count(cases: int) -> str:
    return "1 case" if cases == 1 else f"{cases} cases"


def _show_erasure(report: ErasureReport, as_json: bool) -> None:
    if as_json:
        print(json_line(report.model_dump(mode="json")))
        return
    for case_id in report.erased:
        common.out.print(f"erased {case_id}", highlight=False)
    for case_id in report.already:
        common.out.print(f"was erased before: {case_id}", highlight=False)
    for words in report.kept:
        common.err.say("kept", words, "bold yellow")
    common.out.print(f"{_count(len(report.erased))} erased")
    if report.older_entries:
        common.err.say(
            "note",
            f"{report.older_entries} audit entries are from before digests were salted: they keep codes and plain "
            "digests (docs/operations.md)",
            "bold yellow",
        )
    for words in report.left:
        common.err.say("left", words, "bold yellow")


def _show_replay(result: Replay) -> None:
    def line(label: str, words: str) -> None:
        common.out.say(label, words, "bold")

    if result.identical:
        common.out.say(
            "identical", f"assessment {result.assessment_id}: " + ", ".join(result.replayed), "bold green"
        )
    elif result.differences:
        common.out.say("NOT identical", f"assessment {result.assessment_id}")
    else:
        common.out.say("not all replayed", f"assessment {result.assessment_id}", "bold yellow")
    for item in result.differences:
        line(f"differs, {item.part}", f"{item.field}: {item.stored} is now {item.replayed}")
    for part, why in result.not_replayed.items():
        line(f"cannot be replayed, {part}", why)
    for change in result.changes:
        line("made with another", f"{change.what}: {change.stored}, now {change.now}")
    for note in result.notes:
        line("note", note)
