"""axe on every page, light and dark, on a desktop and on a tablet: nothing serious or critical but what is listed."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_parts import PATIENT, Site, arrive, card, go, open_patient, settled, sign_in
from playwright.sync_api import expect

NAME = f"{PATIENT['Given name']} {PATIENT['Family name']}"
SIZES = {"desktop": {"width": 1440, "height": 900}, "tablet": {"width": 820, "height": 1180}}
STREAMLIT: tuple[tuple[str, str, str], ...] = ()
"""What Streamlit itself draws so: rule, selector of an element around it, reason. Nothing of ours may stand here."""
OURS = ".stHtml"
"""Our own markup is always below this."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def filled(site, browser):
    """One who waits and one who was decided."""
    page = browser.new_context().new_page()
    page.set_default_timeout(60_000)
    arrive(sign_in(page, site))
    page.get_by_role("button", name="Accept level 3").click()
    expect(card(page, NAME)).to_contain_text("Accepted")
    arrive(
        page, {**PATIENT, "Given name": "Odalys", "Record number": "MRN-2", "Heart rate (per min)": "131"}, ""
    )
    page.context.close()
    return site


@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_violation(person, filled, keep, scheme, size):
    found: list[str] = []

    def look(page, name):
        settled(page)
        keep(page, f"{name}-{scheme}-{size}")
        seen = violations(page)
        if seen:  # a colour that was caught while it changed is none: what stays is
            page.wait_for_timeout(1000)
            settled(page)
            seen = violations(page)
        found.extend(f"{name}: {violation}" for violation in seen)

    page = person(color_scheme=scheme, viewport=SIZES[size])
    page.goto(filled.url)
    expect(page.get_by_role("button", name="Triage nurse")).to_be_visible()
    look(page, "sign-in")
    sign_in(page, filled)
    expect(card(page, NAME)).to_be_visible()
    look(page, "board")
    open_patient(page, "Odalys")
    page.get_by_text("Change the level").click()
    page.get_by_text("Enter new or missing vital signs").click()
    look(page, "patient")
    go(page, "New arrival")
    page.get_by_role("button", name="Triage now").click()
    expect(page.get_by_text("Say in a few words why they come.").first).to_be_visible()
    look(page, "arrival")
    go(page, "Quality")
    look(page, "quality")
    go(page, "Model")
    look(page, "model")
    go(page, "Board", "Who waits")
    open_patient(page, NAME)
    look(page, "decided")
    go(page, "Board", "Who waits")
    page.get_by_text("Plain table").click()
    expect(page.locator(".bd-table")).to_be_visible()
    look(page, "table")
    page.get_by_role("button", name="Wall screen").click()
    expect(page.locator(".wl-row").first).to_be_visible()
    look(page, "wall")
    assert NAME not in page.content()

    auditor = sign_in(person(color_scheme=scheme, viewport=SIZES[size]), filled, "Auditor")
    go(auditor, "Audit")
    auditor.get_by_role("combobox", name="Recent cases").click()
    auditor.get_by_role("option").first.click()
    auditor.get_by_role("button", name="Show", exact=True).click()
    expect(auditor.locator(".ed-timeline")).to_be_visible()
    auditor.get_by_role("button", name="Check the whole chain").click()
    expect(auditor.get_by_text("The chain holds")).to_be_visible()
    look(auditor, "audit")
    assert not found, "\n".join(found)


def test_a_violation_would_be_found(person, filled):
    page = sign_in(person(), filled)
    page.evaluate(
        "document.querySelector('.stHtml').innerHTML += "
        "'<img src=x.png><p style=\"color:#ccc;background:#fff\">faint words</p>'"
    )
    assert {line.split()[0] for line in violations(page)} >= {"image-alt", "color-contrast"}


def violations(page) -> list[str]:
    """Rule, place and reason of everything serious or critical that is not allowed."""
    response = Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        f"{rule['id']} {rule['impact']} {node['target'][0]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
        if not allowed(page, rule["id"], node["target"][0])
    ]


def allowed(page, rule: str, target: str) -> bool:
    """Whether this is Streamlit's own, and listed."""
    around = [selector for listed, selector, _ in STREAMLIT if listed == rule]
    inside = "([target, s]) => !!document.querySelector(target)?.closest(s)"
    return not page.evaluate(inside, [target, OURS]) and any(
        page.evaluate(inside, [target, s]) for s in around
    )
