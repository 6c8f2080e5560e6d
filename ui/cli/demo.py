"""``triage demo``: patients arrive on a real FHIR server, and go through the whole agent with the real model."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table

from agents import AlreadyDecidedError, Case, PendingWrite, utc_now
from data_schemas import AssessmentMode, OverrideReason, ReviewDecision, ReviewerRole, WriteState
from integrations.assembly import Agent, open_agent, open_client, reader_settings
from integrations.fhir import IntakeError, read_server
from integrations.fhir.acuity_codes import ESI_CODE, ESI_CODING
from integrations.fhir.server_reader import OPEN_STATUSES
from integrations.samples import Sample, samples
from integrations.sandbox import SandboxServer, load_bundle
from integrations.settings import Settings
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.render import board, case_panel, step_panel

REVIEWER = "scripted demo clinician"
_FOLDER = Path("var/demo")


@dataclass
class _Tally:
    before: int = 0
    after: int = 0
    equal: int = 0
    differing: int = 0
    unread: int = 0


def demo(
    folder: Path = typer.Option(_FOLDER, "--dir", help="Where the demo keeps its server and records."),
    limit: int | None = typer.Option(None, "--limit", min=1, help="Only the first patients."),
    venv: Path | None = typer.Option(
        None, "--sandbox-venv", help="The environment of the sandbox FHIR server."
    ),
    engine: common.EngineName | None = typer.Option(None, "--engine", help=common.ENGINE_HELP),
) -> None:
    """Sample patients arrive, are triaged, decided by a scripted clinician, written back and read back."""
    started = time.monotonic()
    chosen = samples()[:limit]
    settings = common.with_engine(common.settings(folder / "records"), engine)
    common.out.print(Rule("A sandbox FHIR server (sekmet-fhir) starts on this machine"))
    with SandboxServer(folder / "fhir", venv=venv, port=_same_port(folder)) as server:
        (folder / "port").write_text(server.base_url.rsplit(":", 1)[1].split("/")[0])
        result = common.run(_demo(server, settings, chosen))
    common.out.print(
        f"Wall time {time.monotonic() - started:.0f} s. Records and server are kept in {folder}/."
    )
    raise typer.Exit(result)


async def _demo(server: SandboxServer, settings: Settings, chosen: tuple[Sample, ...]) -> Exit:
    out = common.out
    tally = _Tally()
    created = 0
    for sample in chosen:
        created += (await load_bundle(server.base_url, sample.bundle())).created
    out.print(f"{len(chosen)} patients on {server.base_url}: {created} resources arrived now")
    tally.before = await _acuities(server, settings)

    out.print(Rule("Each is read, screened by rules, assessed by the model, verified; a clinician decides"))
    by_key = {f"{server.base_url}|Encounter/{_encounter(sample)}": sample for sample in chosen}
    async with open_agent(settings, write_to=server.base_url) as agent:
        with contextlib.suppress(Exception):
            await agent.engine.ready()  # its error, if any, shows in each case as rules only
        cases = await _triage(server, agent, by_key)
        for case in cases:
            sample = by_key[case.encounter_key]
            out.print(case_panel(case, f"{sample.id} {sample.title}"))
            expected = sample.expected_level(settings.esi_version)
            point = sample.decision_point(settings.esi_version).value
            out.print(
                f"  Handbook: level {expected} at decision point {point} ({sample.source}): {sample.why}\n",
                style="dim",
            )
        out.print(board(cases))
        tally.after = await _acuities(server, settings)
        await _read_back(server, settings, cases, tally)
        await _audit_trail(agent, cases, out)
    _summary(cases, by_key, settings, tally, out)
    unwritten = [case for case in cases if case.final is None or case.final.state is not WriteState.WRITTEN]
    if len(cases) < len(chosen) or tally.differing or tally.unread or unwritten:
        return Exit.NOT_WRITTEN
    without = any(c.assessment is None or c.assessment.mode is AssessmentMode.RULES_ONLY for c in cases)
    return Exit.RULES_ONLY if without else Exit.DONE


async def _triage(server: SandboxServer, agent: Agent, by_key: dict[str, Sample]) -> list[Case]:
    cases: list[Case] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Visits of an earlier run are triaged by now: they are read again too, and nothing is done twice.
    statuses = (*OPEN_STATUSES, "triaged", "in-progress")
    async with open_client(agent.settings, server.base_url) as client:
        with Progress(*columns, console=common.err, transient=True) as progress:
            bar = progress.add_task("triage", total=len(by_key))
            arrivals = read_server(
                client,
                source=server.base_url,
                now=utc_now(),
                settings=reader_settings(agent.settings),
                statuses=tuple(dict.fromkeys(statuses)),
            )
            async for record in arrivals:
                if isinstance(record, IntakeError):
                    common.err.say("not read", record)
                    continue
                if record.encounter_key not in by_key:
                    continue
                case = await agent.service.assess(record)
                if case.review is None:
                    await _decide(agent, case, by_key[case.encounter_key])
                cases.append(await agent.service.get(case.id))
                progress.advance(bar)
    return cases


async def _decide(agent: Agent, case: Case, sample: Sample) -> None:
    """What a clinician who follows the handbook would do with this suggestion."""
    assert case.assessment is not None
    expected = sample.expected_level(agent.settings.esi_version)
    same = case.assessment.level == expected
    with contextlib.suppress(AlreadyDecidedError):
        outcome = await agent.service.review(
            case.id,
            ReviewDecision.ACCEPT if same else ReviewDecision.OVERRIDE,
            level=expected,
            reason=None if same else OverrideReason.CLINICAL_JUDGEMENT,
            comment=None if same else sample.why,
            reviewer=REVIEWER,
            role=ReviewerRole.DEMO,
            assessment_id=case.assessment.id,
            confirmed=True,  # the script compared it with the handbook
        )
        if isinstance(outcome, PendingWrite):
            common.err.print(f"case {case.id}: decided, not yet confirmed by the server")


async def _acuities(server: SandboxServer, settings: Settings) -> int:
    """How many acuity Observations the server holds."""
    async with open_client(settings, server.base_url) as client:
        return sum(
            [
                1
                async for found in client.search("Observation", {"code": ESI_CODE})
                if ESI_CODING.describes(found)
            ]
        )


async def _read_back(server: SandboxServer, settings: Settings, cases: list[Case], tally: _Tally) -> None:
    """Read every final Observation from the server, past our own records, and compare it with the decision."""
    common.out.print(Rule("The final Observations, read back from the FHIR server"))
    table = Table("Observation", "Status on the server", "Level on the server", "Decided", "Equal")
    async with open_client(settings, server.base_url) as client:
        for case in cases:
            receipt = next((r for r in case.final.receipts if r.resource_id), None) if case.final else None
            if receipt is None or receipt.resource_id is None or case.review is None:
                tally.unread += 1
                table.add_row("-", "not written", "-", str(case.review.level if case.review else "-"), "NO")
                continue
            stored = await client.read(receipt.resource_type, receipt.resource_id)
            body = stored.body or {}
            level = ESI_CODING.level_of(body)
            equal = level == case.review.level and body.get("status") in {"final", "amended", "corrected"}
            tally.equal += equal
            tally.differing += not equal
            name = f"{receipt.resource_type}/{receipt.resource_id}"
            table.add_row(
                name, str(body.get("status")), str(level), str(case.review.level), "yes" if equal else "NO"
            )
    common.out.print(table)


async def _audit_trail(agent: Agent, cases: list[Case], out: Console) -> None:
    if not cases:
        return
    case = min(cases, key=lambda item: (item.review.level if item.review else 9, item.encounter_key))
    out.print(Rule(f"The audit trail of case {case.id}"))
    for step in await agent.service.history(case.id):
        out.print(step_panel(step, case))
    report = await agent.service.verify_chain()
    verdict = "verifies" if report.ok else "IS BROKEN: " + "; ".join(report.problems)
    out.print(f"The chain of {report.entries} entries {verdict}. Head {report.head}", highlight=False)


def _summary(
    cases: list[Case], by_key: dict[str, Sample], settings: Settings, tally: _Tally, out: Console
) -> None:
    out.print(Rule("In short"))
    assessed = [(case, case.assessment) for case in cases if case.assessment is not None]
    expected = {case.id: by_key[case.encounter_key].expected_level(settings.esi_version) for case in cases}
    exact = sum(assessment.level == expected[case.id] for case, assessment in assessed)
    under = sum(assessment.level > expected[case.id] for case, assessment in assessed)
    times = sorted(a.seconds["assess"] for _, a in assessed if "assess" in a.seconds)
    out.print(
        f"{len(cases)} patients triaged; suggestion equal to the handbook's level in {exact}, less urgent in {under}."
    )
    if times:
        out.print(
            f"Model time per patient: median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s."
        )
    out.print(
        f"Read back from the server: {tally.equal} equal, {tally.differing} different, {tally.unread} not written."
    )
    out.print(
        f"Acuity Observations on the server: {tally.before} before, {tally.after} after (run it again: none is added)."
    )
    out.print(
        "Look closer: triage cases | show CASE | explain CASE | audit verify, each with --data-dir "
        + str(settings.data_dir)
    )


def _encounter(sample: Sample) -> str:
    for entry in sample.bundle()["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Encounter":
            return str(resource["id"])
    raise ValueError(f"{sample.file} holds no Encounter")


def _same_port(folder: Path) -> int:
    """The port of the last run: the server's links and our cases hold it."""
    try:
        return int((folder / "port").read_text())
    except (FileNotFoundError, ValueError):
        return 0
