"""Draws the README's pictures of the dashboard: the demo's patients in a real Chromium.

    python scripts/dashboard_pictures.py          # writes docs/images/dashboard-{board,patient,wall}.png

Needs the extras ``ui`` and ``dev`` and a Chromium (CHROMIUM, or on the path).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PATIENTS = 12
SCREEN = {"width": 1360, "height": 860}
WHO = "chemo"
"""A word of the complaint of the patient whose page is shown."""


def main() -> None:
    """Start the demo, wait until all have come, take the pictures."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("this needs Chromium: apt-get install -y chromium, or name one in CHROMIUM")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        triage = Path(sys.executable).with_name("triage")
        command = [triage, "ui", "--demo", "--every", "0.5", "--limit", str(PATIENTS)]
        demo = subprocess.Popen([*command, "--port", str(port), "--data-dir", folder])  # noqa: S603 - our own
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport=SCREEN, color_scheme="light", locale="en-GB")
                page.set_default_timeout(60_000)
                take(page, f"http://127.0.0.1:{port}")
                browser.close()
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def take(page: Page, url: str) -> None:
    """The board, one patient, the wall."""
    for _ in range(60):
        try:
            page.goto(url)
            break
        except Exception:
            page.wait_for_timeout(1000)
    page.get_by_role("button", name="Triage nurse", exact=True).click()
    expect(page.locator(".bd-card")).to_have_count(PATIENTS, timeout=300_000)
    expect(page.get_by_text("Being assessed")).to_have_count(0, timeout=120_000)
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / "dashboard-board.png")
    card = page.locator(".bd-card", has_text=WHO).first
    name = card.locator(".bd-who b, .bd-who strong").first.inner_text()
    page.get_by_role("button", name=f"Open {name}").click()
    expect(page.locator(".pt-suggestion")).to_be_visible()
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / "dashboard-patient.png")
    page.locator("a:visible:has-text('Board')").first.click()
    expect(page.locator(".bd-card").first).to_be_visible()
    page.get_by_role("button", name="Wall screen").click()
    expect(page.locator(".wl-row").first).to_be_visible()
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / "dashboard-wall.png")


if __name__ == "__main__":
    main()
