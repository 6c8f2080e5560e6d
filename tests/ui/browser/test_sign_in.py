"""Signing in with a hospital account, in a real Chromium: what the browser keeps, and who is sent out by its timers."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parents[1] / "sign_in"))

from sign_in_parts import dashboard, provider

IDLE_SECONDS = 12


@pytest.fixture
def site(tmp_path):
    with provider(tmp_path) as issuer, dashboard(tmp_path, issuer, idle_minutes=IDLE_SECONDS / 60) as url:
        yield url


def test_in_by_the_provider_and_out_when_idle(person, site, keep):
    page = person()
    page.goto(site)
    keep(page, "sign-in")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Authorize Client")).to_be_visible()
    page.get_by_role("button", name="nadia", exact=True).click()
    expect(page.get_by_role("heading", name="Who waits")).to_be_visible()
    assert page.url.rstrip("/") == site
    # Nobody touches it. The watch of the page finds it out, and the browser goes over both logout pages.
    page.get_by_role("button", name="End session").click(timeout=90_000)
    expect(page.get_by_text("nothing was done for a while")).to_be_visible()
    expect(page.get_by_role("heading", name="Who waits")).to_have_count(0)
    keep(page, "signed-out-idle")
    assert not [c for c in page.context.cookies() if c["name"].startswith("_streamlit_user")]
    page.reload()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
