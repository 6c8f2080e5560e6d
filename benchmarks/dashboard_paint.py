"""How long a nurse looks at nothing: from the address to the first page, and from the choice of a role to the board.

    python benchmarks/dashboard_paint.py --waiting 30 --rounds 7

Starts ``triage ui`` by rules alone with that many sample patients waiting, and opens it in Chromium (the dev extra
and ``apt-get install chromium``). Measured, as the median and the longest of the rounds, each in a browser profile of
its own with nothing cached, and once more in the same profile:

- ``first paint``: the browser's first-contentful-paint;
- ``first page``: the sign-in page can be used;
- ``board``: from the click on a role to the first patient's card.

Times are by the clock: on a machine that others use, only their lower end tells something. ``--check`` fails where the
median first paint takes 2 s or longer.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from board import NURSE, record
from playwright.sync_api import Browser, Page, sync_playwright

from integrations.settings import ModelSettings, Settings
from ui.dashboard.services import Dashboard

BOUND_S = 2.0
_COMMAND = "import sys; sys.argv[0] = 'triage'; from ui.cli import main; main()"
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def fill(folder: Path, waiting: int) -> None:
    """Patients who wait, assessed by rules alone."""
    dashboard = Dashboard(Settings(data_dir=folder, model=ModelSettings(engine="none")))
    now = datetime.now(UTC)
    for number in range(waiting):
        dashboard.assess(NURSE, record(dashboard, number, "waiting", now - timedelta(minutes=number % 90)))
    dashboard.close()


def serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """``triage ui`` in a process of its own, ready."""
    environment = {
        **os.environ,
        "TRIAGE_DATA_DIR": str(folder),
        "TRIAGE_MODEL__ENGINE": "none",
    }
    process = subprocess.Popen([sys.executable, "-c", _COMMAND, "ui", "--port", str(port)], env=environment)
    while process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/_stcore/health", trust_env=False).status_code == 200:
                return process
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("triage ui did not start")


def visit(page: Page, url: str) -> dict[str, float]:
    """Seconds of one visit."""
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    nurse = page.get_by_role("button", name="Triage nurse")
    nurse.wait_for()
    first_page = time.perf_counter() - begun
    paint = float(page.evaluate(_PAINT)) / 1000
    begun = time.perf_counter()
    nurse.click()
    page.locator(".bd-card").first.wait_for()
    return {"first paint": paint, "first page": first_page, "board": time.perf_counter() - begun}


def measure(browser: Browser, url: str, rounds: int) -> dict[str, list[float]]:
    """Every round's times by name."""
    found = defaultdict(list)
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        for cached in ("", ", cached"):
            page = context.new_page()
            for name, seconds in visit(page, url).items():
                found[f"{name}{cached}"].append(seconds)
            page.close()
        context.close()
    return found


def main() -> int:
    """Measure, and with ``--check`` hold the bound."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--waiting", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true", help=f"fail where it takes {BOUND_S:g} s or longer")
    given = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("this needs Chromium: apt-get update && apt-get install -y chromium")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        fill(Path(folder), given.waiting)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = serve(Path(folder), port)
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            found = measure(browser, f"http://127.0.0.1:{port}", given.rounds)
            browser.close()
        finally:
            process.terminate()
            process.wait()
    print(f"{given.waiting} waiting, {given.rounds} rounds")
    for name, seconds in found.items():
        print(f"  {name:<20} median {statistics.median(seconds):5.2f} s   longest {max(seconds):5.2f} s")
    slow = statistics.median(found["first paint"]) >= BOUND_S
    return 1 if slow and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
