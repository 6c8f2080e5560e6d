"""``triage model adapters``: load, unload, switch and try LoRA adapters on a running model server."""

from typing import Annotated

import typer
from pydantic import SecretStr
from rich.table import Table

from integrations.adapter_switch import RoutingError, Slot
from integrations.route_settings import DEFAULT_SLOT
from integrations.routing import adapter_store, find_adapter, switch_file
from integrations.served import served_folder_of, server_config
from integrations.settings import Settings
from triage.slm import ModelMissingError, resolve_adapter
from triage.slm.adapter_store import StoredAdapter
from triage.slm.serving.key import ensure_key
from triage.slm.vllm import AdapterNotServedError, load_adapter, server_url, unload_adapter
from ui.cli import common
from ui.cli.exits import Exit

app = typer.Typer(no_args_is_help=True, help="LoRA adapters on a running model server, without a restart.")

UrlOption = Annotated[
    str | None, typer.Option("--url", help="The model server; the default is what is configured.")
]
SlotOption = Annotated[
    str, typer.Option("--for", help="The route, by the adapter it names; without it whoever no route names.")
]
AdapterArgument = Annotated[
    str, typer.Argument(help="A loaded adapter's name, or NAME@ and its hash's beginning.")
]


@app.command("list")
def list_adapters(url: UrlOption = None) -> None:
    """What the server has, and what answers whom."""
    settings = _settings(url)
    folder, models = served_folder_of(settings.model)
    kept = {one.sha256: one for one in adapter_store(settings).all()}
    table = Table("Adapter", "SHA-256", "Calibration", "On the server")
    own = folder.source
    if own.adapter is not None:
        where = "in the weights" if own.merged else "from its start"
        table.add_row(own.adapter, (own.adapter_sha256 or "")[:12], "", where)
    for one in kept.values():
        if one.sha256 != own.adapter_sha256:
            there = "loaded" if folder.loaded_name(one.name, one.sha256) in models else "no"
            table.add_row(one.name, one.sha256[:12], "yes" if one.calibration else "none", there)
    common.out.print(table)
    switches = switch_file(settings).read()
    for slot in (DEFAULT_SLOT, *dict.fromkeys(row.adapter for row in settings.model.routes)):
        found = (switches.slots.get(slot) if switches else None) or Slot()
        configured = settings.model.adapter if slot == DEFAULT_SLOT else slot
        _say(slot, found, configured)


@app.command()
def load(
    adapter: Annotated[str, typer.Argument(help="A folder, or a shipped adapter.")], url: UrlOption = None
) -> None:
    """Check an adapter's hash, and bring it to the server under a name that carries it. Nobody is switched to it."""
    settings = _settings(url)
    folder, _ = served_folder_of(settings.model)
    if folder.source.merged:
        common.err.say(
            "adapters", "this server has an adapter in its weights: `triage serve-model --adapters N`"
        )
        raise typer.Exit(Exit.FAILED)
    source = resolve_adapter(adapter)
    if source is None:
        raise ModelMissingError("`none` is the base model, which needs no loading")
    kept = adapter_store(settings).add(source)
    name = folder.loaded_name(kept.name, kept.sha256)
    with common.err.status(f"loading {kept.name}"):
        new = load_adapter(server_config(settings.model), kept, name)
    _line(f"{'loaded' if new else 'there already'}: {name}")
    if kept.calibration is None:
        _line(
            "no calibration.json lies with it: its probabilities are shown as they are, and marked uncalibrated"
        )


@app.command()
def unload(adapter: AdapterArgument, url: UrlOption = None) -> None:
    """Take an adapter from the server, unless it is in use; answers that are under way are finished."""
    settings = _settings(url)
    kept = adapter_store(settings).find(adapter)
    used = _used(settings, kept)
    if used:
        common.err.say("in use", f"{kept.name} answers for {', '.join(used)}: switch or roll back first")
        raise typer.Exit(Exit.FAILED)
    folder, _ = served_folder_of(settings.model)
    if kept.sha256 == folder.source.adapter_sha256:
        common.err.say("adapters", f"{kept.name} is what the server was started with, and stays")
        raise typer.Exit(Exit.FAILED)
    name = folder.loaded_name(kept.name, kept.sha256)
    unload_adapter(server_config(settings.model), name)
    _line(f"unloaded: {name}")


@app.command()
def switch(adapter: AdapterArgument, slot: SlotOption = DEFAULT_SLOT, url: UrlOption = None) -> None:
    """From the next question on this adapter answers; a canary ends. `rollback` goes back."""
    settings = _settings(url)
    kept = _on_the_server(settings, adapter)
    _known(settings, slot)
    switch_file(settings).switch(slot, kept.ref)
    _line(f"{slot}: {kept.ref}")


@app.command()
def canary(
    adapter: AdapterArgument,
    share: Annotated[float, typer.Option(min=0.001, max=1.0, help="Of the patients; 0.1 is a tenth.")],
    slot: SlotOption = DEFAULT_SLOT,
    url: UrlOption = None,
) -> None:
    """A share of the patients is answered by this adapter, each visit always by the same. `rollback` ends it."""
    settings = _settings(url)
    kept = _on_the_server(settings, adapter)
    _known(settings, slot)
    switch_file(settings).canary(slot, kept.ref, share)
    _line(f"{slot}: {share:.1%} of the patients meet {kept.ref}")


@app.command()
def rollback(slot: SlotOption = DEFAULT_SLOT, url: UrlOption = None) -> None:
    """End the canary; where there is none, go back to what answered before. Needs no server."""
    settings = _settings(url)
    found = switch_file(settings).roll_back(slot)
    _say(slot, found, settings.model.adapter if slot == DEFAULT_SLOT else slot)


def _settings(url: str | None) -> Settings:
    """With the server's URL, and the key that `triage serve-model` made where none is configured."""
    settings = common.settings()
    changes: dict[str, object] = {}
    if url is not None:
        try:
            changes["url"] = server_url(url, allow_plain_http=settings.model.allow_plain_http)
        except ValueError as error:
            common.err.say("--url", error)
            raise typer.Exit(Exit.USAGE) from None
    made = settings.data_dir / "serving" / "api-key"
    if settings.model.api_key is None and settings.model.api_key_file is None and made.is_file():
        changes["api_key"] = SecretStr(ensure_key(made))
    return settings.model_copy(update={"model": settings.model.model_copy(update=changes)})


def _on_the_server(settings: Settings, wanted: str) -> StoredAdapter:
    """An adapter that answers there now.

    Raises:
        EngineError: it is not known here, or not loaded there.
    """
    found = find_adapter(settings, wanted)
    if found is None:
        raise ModelMissingError("`none` is the base model, which nothing is switched to: name an adapter")
    folder, models = served_folder_of(settings.model)
    if folder.loaded_name(found.name, found.sha256) not in models:
        raise AdapterNotServedError(
            f"the model server does not have {found.name} ({found.sha256[:12]}): load it first"
        )
    return found


def _known(settings: Settings, slot: str) -> None:
    slots = (DEFAULT_SLOT, *(row.adapter for row in settings.model.routes))
    if slot not in slots:
        raise RoutingError(f"no route names {slot}: give one of {', '.join(dict.fromkeys(slots))} with --for")


def _used(settings: Settings, kept: StoredAdapter) -> list[str]:
    switches = switch_file(settings).read()
    used = []
    for slot in (DEFAULT_SLOT, *dict.fromkeys(row.adapter for row in settings.model.routes)):
        found = (switches.slots.get(slot) if switches else None) or Slot()
        names = {found.now or (settings.model.adapter if slot == DEFAULT_SLOT else slot)}
        if found.canary is not None:
            names.add(found.canary.adapter)
        for name in names:
            there = find_adapter(settings, name)
            if there is not None and there.sha256 == kept.sha256:
                used.append(slot)
    return list(dict.fromkeys(used))


def _say(slot: str, found: Slot, configured: str) -> None:
    tried = "" if found.canary is None else f"; {found.canary.share:.1%} {found.canary.adapter}"
    shipped = resolve_adapter(configured) if configured == "default" else None
    meant = configured if shipped is None else shipped.name
    _line(f"{slot}: {found.now or f'{meant} (as configured)'}{tried}")


def _line(text: str) -> None:
    common.out.print(text, highlight=False, soft_wrap=True, markup=False)
