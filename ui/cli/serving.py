"""``triage serve-model``: the triage model behind vLLM, and ``triage model build --out``: the folder it serves."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypedDict

import typer
from rich.status import Status

from triage.slm import resolve_adapter
from triage.slm.errors import ModelMissingError
from triage.slm.fetch import cache_folder, fetch_base_model, find_base_model
from triage.slm.serving import (
    DEFAULT_VENV,
    Device,
    ModelServer,
    ServedFolder,
    ServeError,
    ServeOptions,
    build_served,
    detect_device,
    ensure_key,
    served_folder,
)
from triage.slm.serving.options import Dtype
from ui.cli import common, replicas
from ui.cli.exits import Exit

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

AdapterOption = Annotated[
    str, typer.Option("--adapter", help="A shipped adapter, a folder, `default` or `none`.")
]
BaseOption = Annotated[
    Path | None,
    typer.Option("--base", help="A local folder in Hugging Face format; the embedded model without it."),
]
MergedOption = Annotated[
    bool,
    typer.Option(
        "--merged/--lora", help="The adapter in the weights (faster), or beside them as a LoRA module."
    ),
]


def write_served(out: Path, base: Path | None, adapter: str, *, merged: bool) -> ServedFolder:
    """Build the served folder, and say what it is."""
    with common.err.status(f"building {out}"):
        served = build_served(out, base or find_base_model(), resolve_adapter(adapter), merged=merged)
    size = sum((served.folder / name).stat().st_size for name in served.files) / 1e6
    common.out.print(f"{served.folder}: {size:,.0f} MB", highlight=False, soft_wrap=True)
    describe(served)
    return served


def describe(served: ServedFolder) -> None:
    """What a served folder was made from, and the name it answers to."""
    source = served.source
    how = "" if source.adapter is None else " (merged)" if source.merged else " (LoRA module)"
    for label, value in (
        ("model", f"{source.base} sha256 {source.base_sha256}"),
        ("adapter", f"{source.adapter or 'none'}{how} sha256 {source.adapter_sha256}"),
        ("prompt", source.prompt_version),
        ("served as", str(served.name)),
    ):
        common.out.print(f"{label:11} {value}", highlight=False, soft_wrap=True, markup=False)


def serve_model(
    folder: Annotated[
        Path | None,
        typer.Argument(help="From `triage model build --out`; without it one is built in the model cache."),
    ] = None,
    adapter: AdapterOption = "default",
    base: BaseOption = None,
    merged: MergedOption = True,
    host: Annotated[
        str, typer.Option(help="Where to listen; the default is this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 chooses a free one.")] = 8000,
    device: Annotated[str, typer.Option(help="`auto`, `cpu` or `cuda`.")] = "auto",
    dtype: Annotated[
        str | None, typer.Option(help="float32, bfloat16 or float16; float32 on a CPU, bfloat16 on a GPU.")
    ] = None,
    cpus: Annotated[str | None, typer.Option(help="Cores for the arithmetic, as 0-3,8; default all.")] = None,
    kv_cache_gib: Annotated[int, typer.Option(min=1, help="CPU: memory for keys and values.")] = 1,
    gpu_memory: Annotated[float, typer.Option(min=0.01, max=1, help="GPU: share of its memory.")] = 0.9,
    max_model_len: Annotated[int, typer.Option(min=256, help="Tokens of prompt and answer.")] = 2048,
    max_num_seqs: Annotated[int, typer.Option(min=1, help="Requests computed at once.")] = 16,
    adapters: Annotated[
        int,
        typer.Option(
            min=0, help="How many LoRA adapters it may load while it runs (`triage model adapters`)."
        ),
    ] = 0,
    count: Annotated[
        int,
        typer.Option(
            "--replicas",
            min=1,
            help="Several servers on the ports after --port, for a balancer on --port (docs/scaling.md).",
        ),
    ] = 1,
    compiled: Annotated[
        bool | None, typer.Option("--compile/--eager", help="Compile first; default: on a GPU only.")
    ] = None,
    venv: Annotated[Path, typer.Option(help="vLLM's own environment, made where it is not.")] = Path(
        DEFAULT_VENV
    ),
    install: Annotated[bool, typer.Option("--install/--no-install", help="Whether it may be made.")] = True,
    api_key_file: Annotated[
        Path | None, typer.Option(help="The key clients must send; made where it is not there.")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="The server's log; default in the data folder.")] = None,
    ready_seconds: Annotated[float, typer.Option(min=1, help="How long the start may take.")] = 900,
) -> None:
    """Serve the triage model with vLLM until Ctrl-C: checked by its hashes, warmed up, with an API key."""
    where = common.settings().data_dir / "serving"
    key_file = (api_key_file or where / "api-key").absolute()
    options = ServeOptions(
        host=host,
        port=port,
        max_model_len=max_model_len,
        max_num_seqs=max_num_seqs,
        dtype=_dtype(dtype),
        cpus=cpus,
        kv_cache_gib=kv_cache_gib,
        gpu_memory=gpu_memory,
        compiled=compiled,
        adapters=adapters,
    )
    merged = merged and not adapters
    with common.err.status("starting") as status:
        chosen = folder or _built(adapter, base, merged, status)
        common_to_both: _Common = {
            "device": _device(device),
            "venv": venv,
            "install": install,
            "api_key": ensure_key(key_file),
            "ready_seconds": ready_seconds,
            "report": status.update,
        }
        log = log or where / "vllm.log"
        server = (
            ModelServer(chosen, options, log=log, **common_to_both)
            if count == 1
            else replicas.several(chosen, count, options, logs=log.parent, **common_to_both)
        )
        stopped = _stop_on_signals()
        try:
            server.start()
        except ServeError as error:
            raise ServeError(f"{error} (log: {server.log})", error.log_tail) from error
        except KeyboardInterrupt:
            common.err.say("stopped", "before the server was ready", "bold yellow")
            raise typer.Exit(Exit.INTERRUPTED) from None
    try:
        if isinstance(server, ModelServer):
            _say_ready(server, key_file)
        else:
            describe(server.servers[0].served)
            replicas.say_ready(server, port, key_file, where)
        server.wait(stopped=stopped.is_set)
    except KeyboardInterrupt:
        pass
    finally:
        with common.err.status("stopping the model server"):
            server.stop()
    common.out.print("the model server and its workers have ended")


def _built(adapter: str, base: Path | None, merged: bool, status: Status) -> Path:
    status.update("building the model folder")
    try:
        weights = base or find_base_model()
    except ModelMissingError:
        status.update("fetching the base model")
        weights = fetch_base_model()
    return served_folder(cache_folder(), weights, resolve_adapter(adapter), merged=merged)


class _Common(TypedDict):
    device: Device
    venv: Path
    install: bool
    api_key: str
    ready_seconds: float
    report: Callable[[str], None]


def _say_ready(server: ModelServer, key_file: Path) -> None:
    describe(server.served)
    lines = [
        f"ready       {server.url} after {server.start_seconds:.0f} s ({server.device}); log {server.log}",
        f"            /health and /metrics without a key, /v1 with the one in {key_file}",
        f"clients     TRIAGE_MODEL__ENGINE=vllm TRIAGE_MODEL__URL={server.url} TRIAGE_MODEL__API_KEY_FILE={key_file}",
    ]
    if server.options.host not in _LOOPBACK:
        lines.append(
            "            TRIAGE_MODEL__SERVED_MANIFEST=manifest.json (copy it from the served folder to each client)"
        )
        common.err.say(
            "not encrypted",
            f"it listens on {server.options.host} and speaks plain HTTP: put a reverse proxy with TLS before it",
            "bold yellow",
        )
    for line in lines:
        common.out.print(line, highlight=False, soft_wrap=True, markup=False)
    common.out.print("Ctrl-C ends it")


def _stop_on_signals() -> threading.Event:
    """SIGTERM and Ctrl-C end the server in order, in a script's background, too; a second one changes nothing."""
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        if stopped.is_set():
            return
        stopped.set()
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


def _device(name: str) -> Device:
    match name:
        case "auto":
            return detect_device()
        case "cpu" | "cuda":
            return name
    common.err.say("--device", f"{name} is none of auto, cpu, cuda")
    raise typer.Exit(Exit.USAGE)


def _dtype(name: str | None) -> Dtype | None:
    match name:
        case None | "float32" | "bfloat16" | "float16":
            return name
    common.err.say("--dtype", f"{name} is none of float32, bfloat16, float16")
    raise typer.Exit(Exit.USAGE)
