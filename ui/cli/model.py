"""``triage model``: fetch the weights, build what runs, list and check what is there."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from integrations.assembly import load_calibration
from triage.slm import EmbeddedEngine, resolve_adapter, shipped_adapters
from triage.slm.build import ensure_built
from triage.slm.fetch import MODEL_NAME, cache_folder, fetch_base_model, find_base_model
from triage.slm.serving import verify as verify_served
from ui.cli import adapters, calibrate, common, parity, replicas, serving
from ui.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="The small language model: weights, adapters, calibration.")
app.command("calibrate")(calibrate.calibrate)
app.command("parity")(parity.parity)
app.command("balancer")(replicas.balancer)
app.add_typer(adapters.app, name="adapters")

_ADAPTER = typer.Option("default", "--adapter", help="A shipped adapter, a folder, `default` or `none`.")


@app.command()
def fetch() -> None:
    """Bring the base model's weights to this machine (about 100 MB, once), and check their hash."""
    with common.err.status(f"fetching {MODEL_NAME}"):
        path = fetch_base_model()
    common.out.print(f"{MODEL_NAME}: {path}", highlight=False, soft_wrap=True)


@app.command()
def build(
    adapter: str = _ADAPTER,
    out: Annotated[
        Path | None, typer.Option(help="Write the folder that vLLM serves instead, to this place.")
    ] = None,
    base: serving.BaseOption = None,
    merged: serving.MergedOption = True,
) -> None:
    """Build what runs in this process on the CPU, in the model cache; with --out the folder that vLLM serves."""
    if out is not None:
        serving.write_served(out, base, adapter, merged=merged)
        return
    if base is not None or not merged:
        common.err.say("--base, --lora", "are for a served folder: say where with --out DIR")
        raise typer.Exit(Exit.USAGE)
    with common.err.status(f"building {MODEL_NAME}"):
        built = ensure_built(find_base_model(), resolve_adapter(adapter))
    name = built.source.adapter or "no adapter"
    common.out.print(f"{MODEL_NAME} with {name}: {built.folder}", highlight=False, soft_wrap=True)


@app.command("list")
def list_models() -> None:
    """The shipped adapters, and which one answers by default."""
    default = resolve_adapter("default")
    table = Table("Adapter", "Default", "Folder")
    for name, folder in shipped_adapters().items():
        table.add_row(name, "yes" if folder == default else "", str(folder))
    table.add_row("none", "" if default else "yes", f"the base model {MODEL_NAME} alone")
    common.out.print(table)


@app.command()
def card(adapter: str = _ADAPTER) -> None:
    """The model card: intended use, data, scores, limits."""
    folder = resolve_adapter(adapter)
    path = (folder or Path()) / "README.md"
    if folder is None or not path.is_file():
        common.out.print(f"{MODEL_NAME} without an adapter: a general model that was never tuned to triage")
        return
    common.out.print(path.read_text(), markup=False, highlight=False)


@app.command()
def verify(
    adapter: str = _ADAPTER,
    folder: Annotated[Path | None, typer.Argument(help="A served folder to check instead.")] = None,
) -> None:
    """Check every hash, load the model, and say what would answer; or check a served folder, file by file."""
    if folder is not None:
        with common.err.status(f"checking {folder}"):
            served = verify_served(folder)
        serving.describe(served)
        common.out.print(f"files       {len(served.files)}, each as it was built")
        return
    built = ensure_built(find_base_model(), resolve_adapter(adapter))
    with common.err.status("loading"):
        identity = EmbeddedEngine(built).identity
    common.out.print(
        f"model       {identity.model} sha256 {identity.weights_sha256}", highlight=False, soft_wrap=True
    )
    common.out.print(
        f"adapter     {identity.adapter or 'none'} sha256 {identity.adapter_sha256}",
        highlight=False,
        soft_wrap=True,
    )
    calibration = load_calibration(common.settings().with_adapter(adapter))
    common.out.print(f"calibration {calibration.name}", highlight=False, soft_wrap=True)
    common.out.print(
        f"guarantee   {calibration.guarantee or 'no guarantee'}", highlight=False, soft_wrap=True
    )
    common.out.print(f"cache       {cache_folder()}", highlight=False, soft_wrap=True)
