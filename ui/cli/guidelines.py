"""``triage guidelines``: look a statement up by what it is about, and read it whole with its source."""

import re
from decimal import Decimal
from difflib import get_close_matches

import typer
from pydantic import ValidationError
from rich.table import Table

from data_schemas import CANONICAL_UNITS, EsiVersion, FactKind, IntakeRecord
from triage.facts import CODE_TEXTS
from triage.guidelines import GuidelineLibrary, Hit, Statement, record_from
from triage.guidelines.examples import SHORT_NAMES
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.terminal import json_line

app = typer.Typer(no_args_is_help=True, help="The guideline statements that the rules and the model cite.")

_NUMBER = re.compile(r"^\d+(?:\.\d+)?$")
_VERSION = typer.Option(None, "--esi-version", help="Whose statements; the configured version by default.")


@app.command()
def search(
    text: str = typer.Argument("", help="Words to look for: `stroke`, `fever in infants`, `SOB`."),
    age: str | None = typer.Option(None, "--age", help="Years, or with a unit: `20 d`, `3 mo`, `65 a`."),
    sex: str | None = typer.Option(None, "--sex", help="male or female."),
    pregnancy: str | None = typer.Option(None, "--pregnancy", help="pregnant, postpartum or not-pregnant."),
    fact: list[str] = typer.Option(
        [], "--fact", help="More of the patient, repeatable: `hr=130`, `spo2=88`, `complaint=chest pain`."
    ),
    version: EsiVersion | None = _VERSION,
    limit: int = typer.Option(10, "--limit", min=1, help="How many to list."),
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output, one statement a line."),
) -> None:
    """Statements that hold for the patient described, then those about the words; other patients' are left out.

    The exit code is 0 also where nothing is found.
    """
    record = _record(age=age, sex=sex, pregnancy=pregnancy, more=fact)
    if not text.strip() and record is None:
        common.err.say("TEXT", "give words to look for, or a patient: --age, --sex, --pregnancy, --fact")
        raise typer.Exit(Exit.USAGE)
    hits = _library(version).search(text, record, limit=limit)
    if as_json:
        for hit in hits:
            print(json_line(_as_data(hit)))
        return
    if not hits:
        common.out.print("No statement is about these words.")
        return
    table = Table("Statement", "Level", "Rule", "What it says", "For this patient")
    for hit in hits:
        item = hit.statement
        table.add_row(item.id, str(item.level), item.tier.value, item.short, _standing(hit, record))
    common.out.print(table)


@app.command()
def show(
    statement_id: str = typer.Argument(..., help="As `triage guidelines search` lists it."),
    version: EsiVersion | None = _VERSION,
    as_json: bool = typer.Option(False, "--json", help="Machine-readable output."),
) -> None:
    """One statement with its source, whom it is about, its condition and its examples."""
    library = _library(version)
    item = library.by_id(statement_id)
    if item is None:
        near = ", ".join(get_close_matches(statement_id, [each.id for each in library]))
        remedy = f"the nearest are {near}" if near else "`triage guidelines search` finds them by words"
        common.err.say("no such statement", f"{statement_id} in ESI v{library.version.value}; {remedy}")
        raise typer.Exit(Exit.FAILED)
    data = item.model_dump(mode="json", by_alias=True, exclude_none=True)
    if as_json:
        print(json_line(data))
        return
    out = common.out
    out.print(
        f"[bold]{item.id}[/]  level {item.level}, decision point {item.decision_point.value}, {item.tier.value}"
    )
    out.print(item.text, highlight=False)
    out.print(f"Source: {item.source}", highlight=False)
    out.print(f"About: {_about(item)}", highlight=False)
    out.print(f"Condition: {json_line(data['condition'])}", highlight=False, markup=False, soft_wrap=True)
    for name in ("holds", "fails"):
        for example in data["examples"][name]:
            out.print(f"Example, {name}: {json_line(example)}", highlight=False, markup=False, soft_wrap=True)


def _library(version: EsiVersion | None) -> GuidelineLibrary:
    settings = common.settings()
    return GuidelineLibrary.load(version or settings.esi_version, settings.guideline_dir)


def _record(
    *, age: str | None, sex: str | None, pregnancy: str | None, more: list[str]
) -> IntakeRecord | None:
    given_codes = {"sex": sex, "pregnancy": pregnancy}
    compact: dict[str, object] = {name: code for name, code in given_codes.items() if code is not None}
    if age is not None:
        compact["age"] = f"{age.strip()} a" if _NUMBER.match(age.strip()) else age.strip()
    for pair in more:
        name, equals, given = (part.strip() for part in pair.partition("="))
        if not equals or not given:
            raise _stop("--fact", "is written NAME=VALUE: hr=130")
        kind = SHORT_NAMES.get(name) or name
        if (
            kind in CANONICAL_UNITS
            and not _NUMBER.match(given)
            and given not in CODE_TEXTS.get(FactKind(kind), {})
        ):
            raise _stop("--fact", f"{name} takes a number, not {given}")
        compact[name] = Decimal(given) if _NUMBER.match(given) else given
    if not compact:
        return None
    try:
        return record_from(compact)
    except ValidationError as error:
        raise _stop("the patient", "; ".join(item["msg"] for item in error.errors())) from None
    except ValueError as error:
        raise _stop("the patient", error) from None


def _stop(what: str, why: object) -> typer.Exit:
    common.err.say(what, why)
    return typer.Exit(Exit.USAGE)


def _standing(hit: Hit, record: IntakeRecord | None) -> str:
    if hit.match is not None:
        return f"holds: {hit.match.explanation}"
    if record is None:
        return ""
    return f"open: {hit.open_scope}" if hit.open_scope else "not shown by the facts given"


def _about(item: Statement) -> str:
    scope = item.scope
    parts = [str(scope.age) if scope.age else "any age", scope.sex or "any sex"]
    if scope.pregnancy:
        parts.append(" or ".join(scope.pregnancy))
    return ", ".join(parts) + "; ESI " + ", ".join(f"v{version.value}" for version in scope.esi)


def _as_data(hit: Hit) -> dict[str, object]:
    item = hit.statement
    return {
        "id": item.id,
        "level": item.level,
        "tier": item.tier.value,
        "text": item.text,
        "source": item.source,
        "score": hit.score,
        "holds": hit.match is not None,
        "because": None if hit.match is None else hit.match.explanation,
        "open_scope": hit.open_scope,
    }
