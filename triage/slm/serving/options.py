"""How vLLM is started: every flag and every variable, and why."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from triage.slm.adapter import CONFIG_FILE
from triage.slm.serving.environment import Device
from triage.slm.serving.errors import ServeError
from triage.slm.serving.manifest import ServedFolder

_INSIDE = Path(__file__).parent / "inside"
_LOG_STATISTICS_S = "600"

Dtype = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What may differ between sites.

    ``host``, ``port``: where it listens; port 0 chooses a free one. ``max_model_len``: tokens of prompt and answer
    together; the embedded engine reads as many. ``max_num_seqs``: requests computed at once, the others wait.
    ``dtype``: of the arithmetic; None is float32 on a CPU, as in the embedded engine, and bfloat16 on a GPU.
    ``cpus``: the cores for the arithmetic, as ``0-3,8``; None is all that this process may use. ``kv_cache_gib``:
    memory for keys and values on a CPU; 1 GiB holds 23,000 tokens of the 135M model. ``gpu_memory``: the share of the
    GPU's memory that vLLM takes. ``compiled``: compile the model's code before the first answer: faster answers,
    minutes more to start; None is no on a CPU and yes on a GPU. ``adapters``: how many may be computed with at once
    that are loaded while it runs, none of a rank above ``adapter_rank``; 0 is a server that loads none. ``gpu``: the
    one to use, as ``CUDA_VISIBLE_DEVICES`` names it; None leaves it to that variable.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    max_model_len: int = 2048
    max_num_seqs: int = 16
    dtype: Dtype | None = None
    cpus: str | None = None
    kv_cache_gib: int = 1
    gpu_memory: float = 0.9
    compiled: bool | None = None
    adapters: int = 0
    adapter_rank: int = 16
    gpu: str | None = None


def command(
    python: Path, served: ServedFolder, options: ServeOptions, port: int, device: Device
) -> list[str]:
    """The command line; the API key is not in it, for every user of the machine can read that.

    Raises:
        ServeError: adapters are to be loaded on top of one that is merged.
    """
    arguments = [str(python), "-P", str(_INSIDE / "run_vllm.py"), "serve", str(served.folder.absolute())]
    arguments += ["--host", options.host, "--port", str(port)]
    arguments += ["--served-model-name", str(served.base_name)]
    arguments += ["--dtype", options.dtype or ("float32" if device == "cpu" else "bfloat16")]
    arguments += ["--max-model-len", str(options.max_model_len), "--max-num-seqs", str(options.max_num_seqs)]
    # The answers to one patient share their prompt, and all prompts their first line. Blocks of 32 tokens, not the
    # CPU's 128: most prompts are shorter than two of those, and would share nothing.
    arguments += ["--enable-prefix-caching"]
    if device == "cpu":
        arguments += ["--block-size", "32"]
    else:
        arguments += ["--gpu-memory-utilization", str(options.gpu_memory)]
    if not (device == "cuda" if options.compiled is None else options.compiled):
        arguments += ["--enforce-eager"]
    # The grammar engine of the embedded model. "auto" may choose another one from release to release.
    arguments += ["--structured-outputs-config", json.dumps({"backend": "guidance"})]
    # After the grammar's mask the five levels are all that is left; before it they could be cut off by others.
    arguments += ["--max-logprobs", "20", "--logprobs-mode", "processed_logprobs"]
    # A model's own generation_config.json may ask for sampling: a question that forgets the temperature would get it.
    arguments += ["--generation-config", "vllm", "--override-generation-config", '{"temperature": 0.0}']
    arguments += ["--seed", "0"]
    # Questions hold patient data: no request log (that is vLLM's default), no access log, no API explorer.
    arguments += ["--disable-uvicorn-access-log", "--disable-fastapi-docs"]
    arguments += ["--middleware", "triage_routes.OnlyNeededRoutes"]
    if options.adapters and served.source.merged:
        raise ServeError(
            "an adapter is in the weights already, and another one on top of it would be neither: build the folder "
            "with `triage model build --out FOLDER --lora`"
        )
    if served.lora is not None or options.adapters:
        ranks = [options.adapter_rank] if options.adapters else []
        if served.lora is not None:
            ranks.append(int(json.loads((served.lora / CONFIG_FILE).read_text("utf-8"))["r"]))
        slots = options.adapters + (served.lora is not None)
        arguments += ["--enable-lora", "--max-loras", str(slots), "--max-lora-rank", str(_rank(max(ranks)))]
    if served.lora is not None:
        module = {"name": str(served.name), "path": str(served.lora.absolute())}
        arguments += ["--lora-modules", json.dumps(module)]
    return arguments


def environment(
    options: ServeOptions,
    device: Device,
    api_key: str | None,
    *,
    base_name: str = "",
    ready_file: Path | None = None,
    inherited: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The server's variables. Those of vLLM that stand around are left out: some of them log whole answers.

    Raises:
        ServeError: adapters are to be loaded while it runs, and everybody could: there is no key.
    """
    dropped = ("VLLM_", "PYTHON", "TRIAGE_")
    found = {name: value for name, value in inherited.items() if not name.startswith(dropped)}
    found |= {
        "PYTHONPATH": str(_INSIDE),  # for the middleware
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "VLLM_LOG_STATS_INTERVAL": _LOG_STATISTICS_S,
    }
    if device == "cpu":
        cpus = options.cpus or ",".join(map(str, sorted(os.sched_getaffinity(0))))
        # "auto" leaves a core idle on small machines.
        found |= {
            "VLLM_CPU_OMP_THREADS_BIND": cpus,
            "VLLM_CPU_KVCACHE_SPACE": str(options.kv_cache_gib),
            "CUDA_VISIBLE_DEVICES": "",
        }
        found.pop("OMP_NUM_THREADS", None)
    elif options.gpu is not None:
        found["CUDA_VISIBLE_DEVICES"] = options.gpu
    if ready_file is not None:
        found["TRIAGE_READY_FILE"] = str(ready_file)
    if api_key is not None:
        found["VLLM_API_KEY"] = api_key
    if options.adapters:
        if not api_key:
            raise ServeError("adapters are loaded only behind an API key: give the server one")
        # The middleware lets a request for an adapter pass from this machine only, and only with the hash in its name.
        found |= {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1", "TRIAGE_BASE_NAME": base_name}
    return found


def _rank(rank: int) -> int:
    """The smallest rank that vLLM has kernels for."""
    return next((known for known in (8, 16, 32, 64, 128, 256, 320, 512) if known >= rank), rank)
