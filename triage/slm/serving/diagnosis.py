"""Why a server did not come up, in one sentence with the remedy, from its exit code and its log."""

import re
import signal

_LONGEST = 300
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"address already in use|error while attempting to bind",
        "its port was taken meanwhile: give another one with --port, or end the other server",
    ),
    (
        r"CUDA out of memory|torch\.OutOfMemoryError|Free memory on device",
        "the GPU has too little free memory: end other programs on it, or lower --gpu-memory",
    ),
    (
        r"KV cache is needed|No available memory for the cache blocks",
        "the memory for keys and values does not hold one question of full length: raise --kv-cache-gib "
        "(GPU: --gpu-memory), or lower --max-model-len",
    ),
    (
        r"MemoryError|Cannot allocate memory|DefaultCPUAllocator: not enough memory|std::bad_alloc",
        "this machine has too little free memory: lower --kv-cache-gib, or end other programs",
    ),
    (
        r"No space left on device",
        "a disk is full (the model folder, /tmp or /dev/shm): make room",
    ),
    (
        r"ModuleNotFoundError: No module named|ImportError:|PackageNotFoundError",
        "its virtual environment is damaged: delete it, and `triage serve-model` makes it again",
    ),
    (
        r"Model architectures .* (?:are not supported|failed to be inspected)",
        "this vLLM cannot serve that kind of model: use another base model",
    ),
    (
        r"unrecognized arguments|invalid choice|argument --",
        "this vLLM does not know one of its flags: use the pinned release (delete the environment to make it again)",
    ),
)
_NOISE = re.compile(r"^\s*(?:File \"|raise |\^|~|Traceback|During handling|The above exception)|^\s*$")
_PREFIX = re.compile(r"^\((?:\w+) pid=\d+\)\s*|^(?:ERROR|CRITICAL) [\d-]+ [\d:]+ \[[^]]*\]\s?")
_HINT = re.compile(r"Consider increasing with ulimit")  # vLLM prints it at every start
_ERROR = re.compile(
    r"(?:\b[\w.]*(?:Error|Exception)\b|\berror:|\bValue error, |terminate called|\bKilled\b).*"
)
_ECHO = re.compile(
    r"\d+ validation errors? for|(?:Engine core|WorkerProc) initialization failed|See root cause above"
)


def diagnose(code: int | None, log: str, *, was_ready: bool = False) -> str:
    """What went wrong and what mends it.

    Args:
        code: the exit code, negative for a signal; None where the process still runs but does not answer.
        log: the end of the server's log.
        was_ready: it had started, and ended later.
    """
    phase, failed = ("", "ended") if was_ready else (" while starting", "did not start")
    for line in reversed(_errors(log)):
        for pattern, remedy in _KNOWN:
            if re.search(pattern, line, re.IGNORECASE):
                return f"the model server {failed}: {remedy}; its log says: {line}"
    line = last_useful_line(log)
    quoted = f"; its log says: {line}" if line else "; its log is empty"
    if code == -signal.SIGKILL:
        return (
            f"the model server was killed{phase}, which most often means that the machine ran out of memory: "
            f"lower --kv-cache-gib, or end other programs{quoted}"
        )
    if code is None:
        return f"the model server did not become ready in time: give it more with --ready-seconds{quoted}"
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the model server ended{phase} ({how}){quoted}"


def last_useful_line(log: str) -> str:
    """The last line that names an error and is no mere echo of an earlier one; else the last line with words."""
    errors = _errors(log)
    causes = [line for line in errors if not _ECHO.search(line)]
    return (causes or errors or _lines(log) or [""])[-1]


def _errors(log: str) -> list[str]:
    return [match.group() for line in _lines(log) if (match := _ERROR.search(line))]


def _lines(log: str) -> list[str]:
    """Without the process and the time before each line, and without the frames of a traceback."""
    bare = (_PREFIX.sub("", _PREFIX.sub("", line)) for line in log.splitlines())
    return [line.strip()[:_LONGEST] for line in bare if not (_NOISE.search(line) or _HINT.search(line))]
