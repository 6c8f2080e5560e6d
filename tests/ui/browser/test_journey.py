"""The nurse's whole way, as it is gone: arrival, suggestion, evidence, decision, board, audit."""

from browser_parts import (
    PATIENT,
    PRIVATE,
    arrive,
    card,
    give_reason,
    go,
    open_patient,
    sign_in,
    suggestion,
)
from playwright.sync_api import expect

NAME = f"{PATIENT['Given name']} {PATIENT['Family name']}"


class Kept:
    """What the browser shows to others or keeps: addresses, titles, storage, cookies."""

    def __init__(self, page):
        self.page, self.seen = page, []
        page.on("request", lambda request: self.seen.append(request.url))
        page.on("framenavigated", lambda frame: self.seen.append(frame.url))

    def look(self):
        self.seen += [self.page.url, self.page.title()]
        self.seen.append(
            self.page.evaluate("JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})")
        )
        self.seen += [f"{c['name']}={c['value']}" for c in self.page.context.cookies()]
        self.seen.append(
            self.page.evaluate("indexedDB.databases().then(all => all.map(one => one.name).join())")
        )
        self.seen.append(self.page.evaluate("JSON.stringify(history.state)"))


def test_from_arrival_to_audit(person, site, keep):
    page = person()
    kept = Kept(page)
    sign_in(page, site)
    expect(page.get_by_text("Nobody waits")).to_be_visible()
    kept.look()

    arrive(page)
    kept.look()
    expect(suggestion(page)).to_contain_text("Abdominal pain usually needs laboratory tests and imaging.")

    sentence = page.locator(".pt-exhibit", has_text="Abdominal pain usually needs").first
    number = sentence.locator(".pt-number").inner_text()
    marked = page.locator(f".pt-m-{number}").first
    expect(marked).to_contain_text("abdominal pain")
    before = colour(marked)
    sentence.hover()
    assert colour(marked) != before
    keep(page, "journey-evidence")

    page.get_by_text("Change the level").click()
    page.get_by_text("2 · emergent").click()
    page.get_by_role("button", name="Decide level 2").click()
    expect(page.get_by_text("Changing the level takes a reason.").first).to_be_visible()
    page.get_by_label("Comment", exact=True).fill("rigid abdomen, looks grey")
    give_reason(page, "More information than the record has")
    page.get_by_role("button", name="Decide level 2").click()

    expect(page.get_by_text("Level 2, emergent, is decided.")).to_be_visible()
    expect(card(page, NAME)).to_contain_text("Changed from 3")
    expect(card(page, NAME)).to_contain_text("emergent")
    kept.look()
    open_patient(page, NAME)
    expect(page.get_by_text("rigid abdomen, looks grey")).to_be_visible()
    kept.look()
    case = page.locator("[class*='st-key-decide'], .ed-panel").first
    expect(case).to_be_visible()

    auditor = person()
    kept_by_auditor = Kept(auditor)
    sign_in(auditor, site, "Auditor")
    go(auditor, "Audit")
    auditor.get_by_role("combobox", name="Recent cases").click()
    auditor.get_by_role("option").first.click()
    auditor.get_by_role("button", name="Show", exact=True).click()
    auditor.get_by_role("button", name="Check the whole chain").click()  # at once: neither click is lost
    timeline = auditor.locator(".ed-timeline")
    expect(timeline).to_contain_text("More information than the record has")
    expect(timeline.get_by_text("Changed", exact=True)).to_have_count(0)
    expect(auditor.get_by_text("The chain holds")).to_be_visible()
    keep(auditor, "audit")
    kept_by_auditor.look()

    everything = "\n".join(kept.seen + kept_by_auditor.seen).lower()
    assert site.url in everything  # it did look
    assert not [word for word in PRIVATE if word in everything]


def colour(element):
    return element.evaluate("e => getComputedStyle(e).backgroundColor")


def test_from_the_board_to_an_accepted_level_3_in_two_clicks(person, site):
    arrive(sign_in(person(), site))
    page = sign_in(person(), site)
    page.evaluate(
        """() => { window.did = []; for (const kind of ['click', 'keydown'])
        document.addEventListener(kind, event => event.isTrusted && window.did.push(kind), true) }"""
    )
    open_patient(page, NAME)
    expect(suggestion(page)).to_contain_text("urgent")
    page.get_by_role("button", name="Accept level 3").click()
    expect(card(page, NAME)).to_contain_text("Accepted")
    assert page.evaluate("window.did") == ["click", "click"]
