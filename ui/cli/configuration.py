"""``triage config``: what is configured, and whether it works."""

from pathlib import Path

import typer

from integrations.assembly import load_calibration, open_client
from integrations.served import expected, server_config, tokens
from integrations.settings import Settings
from triage.guidelines import GuidelineError, GuidelineLibrary
from triage.slm import EngineError, resolve_adapter
from triage.slm.fetch import find_base_model
from triage.slm.vllm import list_models
from ui.cli import common
from ui.cli.exits import Exit
from ui.cli.packages import conflicts

app = typer.Typer(no_args_is_help=True, help="Configuration.")


@app.command()
def show() -> None:
    """Every setting in force; secrets are hidden."""
    common.out.print_json(common.settings().model_dump_json())


@app.command()
def check() -> None:
    """Try everything that is configured, name what is wrong, and say what to do."""
    settings = common.settings()
    checks = (
        ("packages", _packages),
        ("data folder", _data_folder),
        ("guidelines", _guidelines),
        ("model", _model),
        ("FHIR server", _server),
    )
    failed = False
    for name, run in checks:
        problem, detail = run(settings)
        failed = failed or problem
        mark = "[bold red]wrong[/]" if problem else "[green]ok[/]"
        common.out.print(f"{mark} {name}: ", end="")
        common.out.print(detail, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(Exit.FAILED if failed else Exit.DONE)


def _packages(settings: Settings) -> tuple[bool, str]:
    found = conflicts()
    return bool(found), "; ".join(found) or "no foreign package takes one of our names"


def _data_folder(settings: Settings) -> tuple[bool, str]:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        probe = settings.data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return True, f"{settings.data_dir} cannot be written ({error.strerror}); set TRIAGE_DATA_DIR"
    return False, str(settings.data_dir)


def _guidelines(settings: Settings) -> tuple[bool, str]:
    try:
        library = GuidelineLibrary.load(settings.esi_version, settings.guideline_dir)
    except GuidelineError as error:
        return True, str(error)
    own = f", with those of {settings.guideline_dir}" if settings.guideline_dir else ""
    return False, f"{len(library)} statements for ESI v{settings.esi_version.value}{own}"


def _model(settings: Settings) -> tuple[bool, str]:
    if settings.model.engine == "none":
        return False, "none is configured: rules only, a clinician looks closely at every patient"
    if settings.model.engine == "vllm":
        return _served(settings)
    try:
        weights = find_base_model()
        adapter = resolve_adapter(settings.model.adapter)
        calibration = load_calibration(settings)
    except EngineError as error:
        return True, str(error)
    return False, f"{Path(weights).name}, adapter {adapter.name if adapter else 'none'}, {calibration.name}"


def _served(settings: Settings) -> tuple[bool, str]:
    url = settings.model.url
    try:
        config = server_config(settings.model)
        served, listed = expected(settings.model, list_models(config))
        tokens(settings.model)
        calibration = load_calibration(settings)
    except EngineError as error:
        return True, f"{url}: {type(error).__name__}: {error}"
    if not calibration.fits(served.identity.adapter_sha256):
        return (
            True,
            f"{url} serves {served.name}; the calibration {calibration.name} is of another: calibrate again",
        )
    limit = f"{listed.context} tokens" if listed.context else "an unknown number of tokens"
    return False, f"{url} serves {served.name}, reads {limit}; {calibration.name}"


def _server(settings: Settings) -> tuple[bool, str]:
    base = settings.fhir.base_url
    if base is None:
        return False, "none is configured (TRIAGE_FHIR__BASE_URL)"

    async def ask() -> str:
        async with open_client(settings, base) as client:
            statement = await client.capability()
        return str(statement.get("fhirVersion", "no fhirVersion"))

    try:
        version = common.run(ask())
    except Exception as error:  # whatever is wrong with the server belongs in this line, not in a traceback
        return True, f"{base}: {type(error).__name__}: {error}"
    writes = "suggestions and decisions are written back" if settings.fhir.write_back else "read only"
    return not version.startswith("4."), f"{base} speaks FHIR {version}; {writes}"
