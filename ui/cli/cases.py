"""``triage review``, ``show``, ``explain``, ``cases``, ``pending``, ``recover`` and ``audit verify``."""

import getpass
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from agents import (
    DEFAULT_MINUTES,
    DEFAULT_SOURCE,
    Alert,
    AlreadyDecidedError,
    Case,
    CasePhase,
    Changes,
    Due,
    ExpiredSuggestionError,
    HistoryStep,
    InvalidReviewError,
    NotReadyError,
    PendingWrite,
    StaleAssessmentError,
)
from data_schemas import OverrideReason, ReviewDecision, ReviewerRole, WriteState
from integrations.assembly import open_agent
from integrations.settings import Settings
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.render import board, case_panel, step_panel
from ui.cli.render_retriage import alerts_table, changes_panel, due_table, open_questions
from ui.cli.terminal import json_line

_CASE = typer.Argument(help="The case, as `triage cases` lists it.")
_DATA_DIR = typer.Option(None, "--data-dir", help=common.DATA_DIR_HELP)
_JSON = typer.Option(False, "--json", help="Machine-readable output.")

audit_app = typer.Typer(no_args_is_help=True, help="The audit chain.")


def review(
    case_id: str = _CASE,
    accept: bool = typer.Option(False, "--accept", help="Accept the suggested level."),
    override: int | None = typer.Option(None, "--override", min=1, max=5, help="Decide this level instead."),
    reason: OverrideReason | None = typer.Option(None, "--reason", help="Why; needed with --override."),
    comment: str | None = typer.Option(None, "--comment", help="Free text."),
    reviewer: str = typer.Option(getpass.getuser, "--reviewer", help="Who decides.", show_default="the user"),
    role: ReviewerRole = typer.Option(ReviewerRole.NURSE, "--role", help="In which role."),
    assessment: str | None = typer.Option(None, "--assessment", help="The assessment you looked at."),
    confirm: bool = typer.Option(
        False,
        "--confirm",
        help="You looked: needed to accept level 1 or 2, or where model and rules are at odds.",
    ),
    why_not: str | None = typer.Option(
        None, "--why-not", help="Why not the more urgent level that a rule asks to consider."
    ),
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Decide a case, exactly once. The decision goes to the record that the suggestion went to."""
    if accept == (override is not None):
        common.err.say("say which", "--accept, or --override LEVEL --reason CODE")
        raise typer.Exit(Exit.USAGE)
    decision = ReviewDecision.ACCEPT if accept else ReviewDecision.OVERRIDE
    settings = common.settings(data_dir)

    async def decide() -> Exit:
        target = await _record_of(case_id, settings)
        async with open_agent(settings, write_to=target) as agent:
            try:
                outcome = await agent.service.review(
                    case_id,
                    decision,
                    level=override,
                    reason=reason,
                    comment=comment,
                    reviewer=reviewer,
                    role=role,
                    assessment_id=assessment,
                    confirmed=confirm,
                    why_not=why_not,
                )
            except InvalidReviewError as error:
                common.err.say("not decided", error)
                return Exit.USAGE
            except (AlreadyDecidedError, StaleAssessmentError, NotReadyError) as error:
                common.err.say("not decided", error)
                if isinstance(error, StaleAssessmentError) and not isinstance(error, ExpiredSuggestionError):
                    common.err.print(
                        f"look at `triage show {case_id}`, and name it: --assessment {error.current}"
                    )
                return Exit.DECIDED
            case = await agent.service.get(case_id)
            common.out.print(case_panel(case))
            for question in open_questions(case):
                common.err.say("asked, not answered", question.text, "bold yellow")
            if isinstance(outcome, PendingWrite):
                common.err.say(
                    "decided and kept here, NOT yet in the hospital's record",
                    "it is retried; `triage pending` lists it",
                    "bold yellow",
                )
                return Exit.NOT_WRITTEN
            return Exit.DONE

    raise typer.Exit(common.run(decide()))


def show(case_id: str = _CASE, as_json: bool = _JSON, data_dir: Path | None = _DATA_DIR) -> None:
    """One case: level, evidence with its place in the record, what is missing, what changed, the decision."""

    async def work() -> tuple[Case, Changes | None, tuple[Alert, ...]]:
        async with open_agent(common.settings(data_dir), recover=False) as agent:
            service = agent.service
            return await service.get(case_id), await service.changes(case_id), await service.alerts(case_id)

    case, changes, alerts = common.run(work())
    if as_json:
        more = {
            "changes": None if changes is None else changes.model_dump(mode="json"),
            "alerts": [alert.model_dump(mode="json") for alert in alerts],
        }
        print(json_line(case.model_dump(mode="json") | more))
        return
    common.out.print(case_panel(case))
    _waiting(changes, alerts)


def _waiting(changes: Changes | None, alerts: tuple[Alert, ...]) -> None:
    if changes is not None:
        common.out.print(changes_panel(changes))
    if alerts:
        common.out.print(alerts_table(alerts))


def explain(case_id: str = _CASE, as_json: bool = _JSON, data_dir: Path | None = _DATA_DIR) -> None:
    """Every step of a case with its evidence, from the audit trail."""

    async def work() -> tuple[Case, tuple[HistoryStep, ...], Changes | None, tuple[Alert, ...]]:
        async with open_agent(common.settings(data_dir), recover=False) as agent:
            service = agent.service
            return (
                await service.get(case_id),
                await service.history(case_id),
                await service.changes(case_id),
                await service.alerts(case_id, open_only=False),
            )

    case, steps, changes, alerts = common.run(work())
    if as_json:
        print(json_line([step.model_dump(mode="json") for step in steps]))
        return
    for step in steps:
        common.out.print(step_panel(step, case))
    common.out.print(case_panel(case))
    _waiting(changes, alerts)


def list_cases(
    phase: CasePhase | None = typer.Option(None, "--phase", help="Only cases in this phase."),
    due: bool = typer.Option(False, "--due", help="Who waits, and when each is to be looked at again."),
    as_json: bool = _JSON,
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Everyone, most urgent first; who is overdue for another look is marked."""
    settings = common.settings(data_dir)

    async def work() -> tuple[tuple[Case, ...], tuple[Due, ...]]:
        async with open_agent(settings, recover=False) as agent:
            service = agent.service
            return await service.list(phases=[phase] if phase else None), await service.due()

    found, waiting = common.run(work())
    if due:
        shown = {case.id for case in found}
        waiting = tuple(item for item in waiting if item.case_id in shown)
        default = settings.reassess_minutes == DEFAULT_MINUTES
        if as_json:
            for item in waiting:
                print(json_line(item.model_dump(mode="json") | {"overdue": item.overdue}))
        else:
            source = DEFAULT_SOURCE if default else "intervals: TRIAGE_REASSESS_MINUTES"
            common.out.print(due_table(waiting, source) if waiting else "nobody waits")
        return
    if as_json:
        for case in found:
            print(json_line(case.model_dump(mode="json")))
        return
    common.out.print(board(found, waiting))


def pending(as_json: bool = _JSON, data_dir: Path | None = _DATA_DIR) -> None:
    """What the hospital's record has not confirmed yet. Nothing here is done."""

    async def work() -> Exit:
        async with open_agent(common.settings(data_dir), recover=False) as agent:
            items = await agent.service.pending()
        if as_json:
            print(json_line([item.model_dump(mode="json") for item in items]))
            return Exit.NOT_WRITTEN if items else Exit.DONE
        table = Table(title="Not confirmed by the hospital's record")
        for name in ("Case", "What", "State", "Attempts", "Next attempt", "Last error"):
            table.add_column(name)
        for item in items:
            next_at = item.next_attempt_at.isoformat(timespec="seconds")
            table.add_row(
                item.case_id,
                item.kind.value,
                item.state.value,
                str(item.attempts),
                next_at,
                escape(item.last_error or ""),
            )
        common.out.print(table if items else "nothing is pending")
        return Exit.NOT_WRITTEN if items else Exit.DONE

    raise typer.Exit(common.run(work()))


def recover(
    server: str | None = typer.Option(
        None, "--server", help="The FHIR server to deliver to; else the configured one."
    ),
    data_dir: Path | None = _DATA_DIR,
) -> None:
    """Finish what an interrupted process left: runs, decisions and proposals, each exactly once."""
    settings = common.settings(data_dir)
    if server is not None and not server.lower().startswith(("http://", "https://")):
        common.err.say("--server", "give the base URL of a FHIR server, http:// or https://")
        raise typer.Exit(Exit.USAGE)

    async def work() -> Exit:
        target = server or (settings.fhir.base_url if settings.fhir.write_back else None)
        async with open_agent(settings, write_to=target, recover=False) as agent:
            done = await agent.service.recover()
        for name in ("resumed", "delivered", "still_pending", "failed"):
            for item in getattr(done, name):
                common.out.print(f"{name.replace('_', ' ')}: {item}", highlight=False)
        if not any((done.resumed, done.delivered, done.still_pending, done.failed)):
            common.out.print("nothing was left undone")
        if done.still_pending:
            common.err.say(
                "not delivered",
                "try again when its server answers: triage recover --server URL",
                "bold yellow",
            )
        return Exit.NOT_WRITTEN if done.still_pending or done.failed else Exit.DONE

    raise typer.Exit(common.run(work()))


@audit_app.command("verify")
def audit_verify(data_dir: Path | None = _DATA_DIR) -> None:
    """Walk the whole audit chain and say whether anything was changed or removed."""

    async def work() -> Exit:
        async with open_agent(common.settings(data_dir), recover=False) as agent:
            report = await agent.service.verify_chain()
        if report.ok:
            cases = "1 case" if report.erased == 1 else f"{report.erased} cases"
            erased = f" ({cases} erased)" if report.erased else ""
            common.out.print(
                f"the chain of {report.entries} entries verifies{erased}; head {report.head}", highlight=False
            )
            return Exit.DONE
        for problem in report.problems:
            common.err.say("broken", problem)
        return Exit.BROKEN_CHAIN

    raise typer.Exit(common.run(work()))


async def _record_of(case_id: str, settings: Settings) -> str | None:
    """The server whose record a case's decision belongs to: where its suggestion was written, or the configured one."""
    async with open_agent(settings, recover=False) as agent:
        case = await agent.service.get(case_id)
    source = case.encounter_key.rsplit("|", 1)[0]
    if not source.startswith(("http://", "https://")):
        return None
    proposed = case.proposal is not None and case.proposal.state is not WriteState.NOT_CONFIGURED
    configured = settings.fhir.write_back and settings.fhir.base_url == source
    return source if proposed or configured else None
