"""The whole way without a mouse: all is reached with Tab, the focus is seen, the order makes sense."""

import pytest
from browser_parts import PATIENT, arrive, card, go, open_patient, sign_in, suggestion
from playwright.sync_api import expect

NAME = f"{PATIENT['Given name']} {PATIENT['Family name']}"
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), words = e.cloneNode(true);
  words.querySelectorAll('[aria-hidden=true]').forEach(hidden => hidden.remove());
  const name = e.getAttribute('aria-label') || e.labels?.[0]?.innerText || words.textContent || '';
  return {name: name.trim(), tag: e.tagName, top: box.top + scrollY, left: box.left,
          onScreen: box.bottom > 0 && box.top < innerHeight};
}"""


AROUND = """() => {
  const e = document.activeElement, box = (e.closest('label') ?? e).getBoundingClientRect();
  const x = Math.max(0, box.x - 6), y = Math.max(0, box.y - 6);
  return {x, y, width: Math.min(innerWidth - x, box.width + 12), height: Math.min(innerHeight - y, box.height + 12)};
}"""


def test_from_sign_in_to_the_decision(person, site):
    page = person()
    page.goto(site.url)
    expect(page.get_by_role("button", name="Triage nurse")).to_be_visible()
    press(page, "Triage nurse")
    expect(page.get_by_role("heading", name="Who waits")).to_be_visible()

    press(page, "New arrival")
    expect(page.get_by_role("heading", name="New arrival", level=1)).to_be_visible()
    met = tab_to(page, "Chief complaint")
    page.keyboard.type(PATIENT["Chief complaint"])
    for label in ("Given name", "Family name", "Heart rate (per min)"):
        met += tab_to(page, label)
        page.keyboard.type(PATIENT[label])
    fields = [stop for stop in met if stop["tag"] in {"INPUT", "TEXTAREA"}]
    assert fields == sorted(fields, key=lambda stop: (round(stop["top"] / 40), stop["left"]))
    page.wait_for_timeout(1500)
    page.keyboard.press("Control+Enter")
    expect(suggestion(page)).to_contain_text("urgent", timeout=60_000)

    tab_to(page, "Abdominal pain usually needs", part=True)
    press(page, "Accept level 3", part=True)
    expect(page.get_by_text("Level 3, urgent, is decided.")).to_be_visible()
    press(page, f"Open {NAME}")
    expect(page.locator(".pt-banner")).to_contain_text(NAME)


def test_accepted_with_alt_and_a(person, site):
    page = sign_in(person(), site)
    arrive(page)
    page.keyboard.press("Alt+a")
    expect(card(page, NAME)).to_contain_text("Accepted")


def test_another_level_and_its_reason(person, site):
    """Level and reason are one stop each; Space takes the first, the arrows go on from there."""
    page = sign_in(person(), site)
    arrive(page)
    press(page, "Change the level", part=True)
    tab_to(page, "1 · resuscitation")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="2 · emergent")).to_be_checked()
    tab_to(page, "Clinical judgement")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="More information than the record has")).to_be_checked()
    press(page, "Decide level 2")
    expect(page.get_by_text("Level 2, emergent, is decided.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_is_seen_wherever_it_is(person, site, scheme):
    """The picture around what has the focus is another one without it."""
    page = person(color_scheme=scheme)
    arrive(sign_in(page, site))
    go(page, "Board", "Who waits")
    unseen = without_visible_focus(page)
    open_patient(page, NAME)
    page.get_by_text("Change the level").click()
    unseen += without_visible_focus(page)
    assert not unseen


def without_visible_focus(page, most=30):
    """The names of what can have the focus without being seen to."""
    page.wait_for_timeout(1500)
    unseen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["tag"] in {"BODY", "MAIN"}:
            continue
        box = page.evaluate(AROUND)
        area = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
        with_focus = page.screenshot(clip=area)
        page.evaluate("() => { window.had = document.activeElement; window.had.blur(); }")
        if page.screenshot(clip=area) == with_focus:
            unseen.append(stop["name"])
        page.evaluate("() => window.had.focus()")
    return unseen


def press(page, name, *, part=False):
    tab_to(page, name, part=part)
    page.keyboard.press("Enter")


def tab_to(page, name, *, part=False):
    """Tab until something of this name has the focus; every stop on the way must be on the screen."""
    met = []
    for _ in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["tag"] in {"BODY", "MAIN"}:  # the page that scrolls holds all words
            continue
        met.append(stop)
        if not stop["onScreen"]:  # scrolling there takes a moment
            page.wait_for_timeout(400)
            assert page.evaluate(FOCUSED)["onScreen"], [stop["name"] for stop in met]
        if stop["name"] == name or (part and name in stop["name"]):
            return met
    raise AssertionError(f"{name} is not reached; only {[stop['name'] for stop in met]}")
