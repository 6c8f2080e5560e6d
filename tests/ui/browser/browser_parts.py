"""Parts for tests with a real browser: the dashboard as a process, and what a person does on the screen."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

expect.set_options(timeout=60_000)

REPOSITORY = Path(__file__).parents[3]
ARTEFACTS = REPOSITORY / "var" / "screenshots"
RECORDED = (str(Path(__file__).with_name("serve_recorded.py")),)
COMMAND = (
    "-c",
    "import sys; sys.argv = ['triage', 'ui', '--port', *sys.argv[1:]]; from ui.cli import main; main()",
)
PATIENT = {
    "Chief complaint": "abdominal pain since yesterday",
    "Given name": "Rosalind",
    "Family name": "Sampleworth",
    "Record number": "MRN-48151",
    "Date of birth": "1984-05-17",
    "Heart rate (per min)": "88",
    "Respiratory rate (per min)": "16",
    "Systolic pressure (mmHg)": "124",
    "Diastolic pressure (mmHg)": "78",
    "Oxygen saturation (%)": "98",
}
"""Invented. What the nurse types into the form for a new arrival."""
PRIVATE = ("rosalind", "sampleworth", "48151", "1984-05-17", "abdominal")
"""Words of hers that must not be where a browser keeps things."""


def chromium() -> str:
    """Debian's Chromium, or whichever the machine has. Missing, the test fails: it must not pass by being skipped."""
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert found, "these tests need Chromium: apt-get update && apt-get install -y chromium"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, seconds=120.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.3)
    raise AssertionError("it did not happen in time")


class Site:
    """The dashboard in a process of its own, as somebody starts it. A context manager; ``url`` when it runs.

    ``how``: ``COMMAND`` for ``triage ui`` itself, ``RECORDED`` for recorded answers of the model.
    """

    def __init__(self, folder: Path, *, how=RECORDED, port: int | None = None, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.records, self.how = folder, folder / "records", how
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRIAGE_", "STREAMLIT_"))}
        self.environment = {
            **kept,
            "TRIAGE_DATA_DIR": str(self.records),
            "TRIAGE_MODEL__ENGINE": "none",
            "TRIAGE_UI__REFRESH_SECONDS": "1",
            "PYTHONPATH": str(REPOSITORY),
            **environment,
        }

    def __enter__(self) -> "Site":
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, *self.how, str(self.port)],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            until(self._healthy)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _healthy(self) -> bool:
        assert self._process.poll() is None, (self.folder / "out").read_text()
        try:
            return httpx.get(f"{self.url}/_stcore/health", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


def sign_in(page: Page, site: Site, role: str = "Triage nurse") -> Page:
    """Come in; the board is shown."""
    page.goto(site.url)
    page.get_by_role("button", name=role, exact=True).click()
    expect(page.get_by_role("heading", name="Who waits")).to_be_visible()
    return page


def go(page: Page, name: str, heading: str | None = None) -> None:
    """Another page by the navigation, which stands there once for wide screens and once for narrow ones."""
    page.locator(f"a:visible:has-text('{name}')").first.click()
    expect(page.get_by_role("heading", name=heading or name, exact=True, level=1)).to_be_visible()


def fill(page: Page, patient=PATIENT) -> None:
    """Type what the form asks for."""
    for label, value in patient.items():
        page.get_by_label(label, exact=True).fill(value)
    page.wait_for_timeout(1500)  # the last field is sent a moment after it was typed


def arrive(page: Page, patient=PATIENT, level: str = "urgent") -> None:
    """Enter an arrival and wait for its suggestion."""
    go(page, "New arrival")
    fill(page, patient)
    page.get_by_role("button", name="Triage now").click()
    expect(suggestion(page)).to_contain_text(level, timeout=60_000)


def suggestion(page: Page):
    return page.locator(".pt-suggestion")


def card(page: Page, name: str):
    """The card of somebody who waits."""
    return page.locator(".bd-card", has_text=name)


def open_patient(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Open {name}").click()
    expect(page.locator(".pt-banner")).to_contain_text(name)


def give_reason(page: Page, words: str) -> None:
    """The reason for another level: all are in view, and one click gives it."""
    page.get_by_role("radiogroup", name="Reason").get_by_text(words, exact=True).click()
    expect(page.get_by_role("radio", name=words, exact=True)).to_be_checked()


def settled(page: Page) -> None:
    """Streamlit has drawn what the last click asked for, and nothing fades in or out any more."""
    page.mouse.move(0, 0)  # where a button was there may be another one now, whose tip opens
    page.wait_for_timeout(200)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_function(
        "() => document.getAnimations().every(a => a.playState !== 'running' || "
        "a.effect.getComputedTiming().endTime === Infinity)"
    )
