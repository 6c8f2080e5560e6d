"""The meter: energy follows the work, nothing is sent, nothing is left behind."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.energy import EnergyError, metered

SITE = """
import json, os, sys
log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND)

def watch(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        found = ("network", event)
    elif event == "open" and isinstance(args[0], str) and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        found = ("written", args[0])
    elif event == "subprocess.Popen":
        found = ("programs", os.path.basename(str(args[0])))
    else:
        return
    os.write(log, (json.dumps(found) + chr(10)).encode())

if os.environ.get("WATCHED") == "now":  # a child of the metered process: from its first line on
    sys.addaudithook(watch)
"""

WATCHED = """
import os, sys, sitecustomize
from eval.energy import metered
sys.addaudithook(sitecustomize.watch)
os.environ["WATCHED"] = "now"
{control}
with metered() as taken:
    sum(range(10_000_000))
assert taken.reading.seconds > 0
"""

LOCAL = {
    "lscpu",
    "uname",
    "file",
    "cat",
    "dmesg",
    "sysctl",
    "isainfo",
    "kstat",
    "sysinfo",
    "lsprop",
    "cpufreq-info",
}
LOCAL |= {"nvidia-smi", "rocm-smi", "amd-smi"}
"""Programs that say what processor or GPU there is; none of them uses a network."""

CONFIG = """[codecarbon]
output_methods = csv,api,prometheus
emissions_endpoint = http://192.0.2.1:9
api_endpoint = http://192.0.2.1:9
electricitymaps_api_token = token
co2_signal_api_token = token
save_to_file = true
force_cpu_power = 5000
pue = 9
tracking_mode = machine
"""


def watched(folder: Path, control: str = "") -> dict[str, list[str]]:
    """What a metered process and its Python children did: network, files opened to write, programs started."""
    home, site, log = folder / "home", folder / "site", folder / "log"
    home.mkdir()
    site.mkdir()
    (home / ".codecarbon.config").write_text(CONFIG)
    (site / "sitecustomize.py").write_text(SITE)
    log.touch()
    run = subprocess.run(
        [sys.executable, "-c", WATCHED.replace("{control}", control)],
        cwd=home,
        env={
            **os.environ,
            "HOME": str(home),
            "PYTHONPATH": str(site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WATCH_LOG": str(log),
            "CODECARBON_SAVE_TO_API": "true",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, list[str]] = {"network": [], "written": [], "programs": []}
    for kind, what in map(json.loads, log.read_text().splitlines()):
        seen[kind].append(what)
    return seen


def test_nothing_is_sent_or_written_whatever_a_configuration_says(tmp_path: Path) -> None:
    """By Python's audit events, in the metered process and in every Python that it starts."""
    seen = watched(tmp_path)
    assert seen["network"] == []
    assert [name for name in seen["written"] if "triage-energy-" not in name and name != "/dev/null"] == []
    assert set(seen["programs"]) <= {*LOCAL, Path(sys.executable).name}
    assert not list(tmp_path.rglob("*.csv"))


def test_the_watch_would_see_a_connection_and_a_file(tmp_path: Path) -> None:
    connect = "import socket; s = socket.socket(); s.connect_ex(('127.0.0.1', 9)); open('left', 'w').close()"
    control = f"import subprocess; subprocess.run([sys.executable, '-c', {connect!r}], check=True)"
    seen = watched(tmp_path, control)
    assert "socket.connect" in seen["network"]
    assert "left" in seen["written"]


def test_energy_follows_the_work(work_for: Callable[[float], None]) -> None:
    found = []
    for seconds in (0.6, 1.8):
        with metered() as taken:
            work_for(seconds)
        found.append(taken.reading)
    small, large = found
    if small.source == "measured":
        assert large.wh > small.wh
    else:
        assert large.wh / small.wh == pytest.approx(3, rel=0.1)
    assert large.processor_seconds / small.processor_seconds == pytest.approx(3, rel=0.1)


def test_a_modelled_watt_hour_is_power_times_share_of_processor_time(
    work_for: Callable[[float], None],
) -> None:
    """90 W of all threads, one busy for a second: 90 / threads watt-seconds. A given power is never a meter's."""
    with metered(cpu_watts=90) as taken:
        work_for(1.0)
    reading = taken.reading
    assert reading.source == "modelled"
    assert "90 W assumed" in reading.meter
    assert "modelled, not metered" in reading.meter
    expected = 90 * reading.processor_seconds / (os.cpu_count() or 1) / 3600
    assert reading.cpu_wh == pytest.approx(expected)
    assert reading.processor_seconds == pytest.approx(1.0, rel=0.1)
    assert reading.wh == reading.cpu_wh + reading.gpu_wh  # the guess for memory is not in it
    assert reading.ram_wh > 0


BUSY = "import time\nwhile time.process_time() < 0.5: pass"


@pytest.mark.parametrize("waited", [True, False])
def test_the_work_of_a_started_program_counts(waited: bool) -> None:
    """One that has ended and one that still lives."""
    code = BUSY if waited else BUSY + "\nprint('done', flush=True)\ninput()"
    with metered(cpu_watts=90) as taken:
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.wait(60) if waited else child.stdout.readline()
    child.communicate("\n")
    assert 0.45 < taken.reading.processor_seconds < 0.8  # another program's time is counted in ticks of 10 ms


def test_sleeping_costs_next_to_nothing_in_the_model(work_for: Callable[[float], None]) -> None:
    with metered(cpu_watts=90) as asleep:
        time.sleep(1)
    with metered(cpu_watts=90) as awake:
        work_for(1)
    assert asleep.reading.wh < 0.1 * awake.reading.wh


def test_the_reading_is_there_only_after_the_work() -> None:
    with metered() as taken, pytest.raises(EnergyError, match="has not ended"):
        _ = taken.reading


def test_the_error_of_the_work_comes_through() -> None:
    with pytest.raises(ZeroDivisionError), metered():
        _ = 1 / 0
