"""``triage alerts``: who needs somebody now, and who took note."""

import getpass
from pathlib import Path

import typer

from agents import Alert, AlreadyAcknowledgedError, InvalidReviewError, UnknownAlertError
from data_schemas import ReviewerRole
from integrations.assembly import open_agent
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.render_retriage import alerts_table
from ui.cli.terminal import json_line

app = typer.Typer(no_args_is_help=True, help="Alerts: deterioration, and levels in the hospital's record.")
_DATA_DIR = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP)


@app.command("list")
def list_alerts(
    case_id: str | None = typer.Option(None, "--case", help="Only of this case."),
    everything: bool = typer.Option(False, "--all", help="Acknowledged ones too."),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output."),
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Open alerts, oldest first; the exit code is 9 while there is one, so a monitor can watch it.

    One deterioration is one row with its reasons; with --json each reason is a line of its own.
    """

    async def work() -> tuple[Alert, ...]:
        async with open_agent(common.settings(data_dir), recover=False) as agent:
            return await agent.service.alerts(case_id, open_only=not everything)

    found = common.run(work())
    if as_json:
        for alert in found:
            print(json_line(alert.model_dump(mode="json")))
    else:
        common.out.print(alerts_table(found) if found else "no alert is open")
    raise typer.Exit(Exit.ALERTS if any(alert.acknowledged is None for alert in found) else Exit.DONE)


@app.command("ack")
def acknowledge(
    alert_id: str = typer.Argument(help="The alert, as `triage alerts list` shows it."),
    by: str = typer.Option(getpass.getuser, "--by", help="Who takes note.", show_default="the user"),
    role: ReviewerRole = typer.Option(ReviewerRole.NURSE, "--role", help="In which role."),
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Take note of an alert with all its reasons, by name. It changes no level: assess and decide for that."""

    async def work() -> Exit:
        async with open_agent(common.settings(data_dir), recover=False) as agent:
            try:
                call = await agent.service.take_note(alert_id, by=by, role=role)
            except AlreadyAcknowledgedError as error:
                common.err.say("not acknowledged", error)
                return Exit.DECIDED
            except UnknownAlertError as error:
                common.err.say("not acknowledged", error)
                return Exit.FAILED
            except InvalidReviewError as error:
                common.err.say("not acknowledged", error)
                return Exit.USAGE
        common.out.print(alerts_table(call.reasons))
        return Exit.DONE

    raise typer.Exit(common.run(work()))
