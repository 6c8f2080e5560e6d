"""Two people at one patient: the first decision holds, and the second is told whose it is and when it was."""

import re

import pytest
from browser_parts import PATIENT, arrive, card, give_reason, go, open_patient, settled, sign_in
from playwright.sync_api import expect

NAME = f"{PATIENT['Given name']} {PATIENT['Family name']}"


@pytest.mark.parametrize("second_role", ["Triage nurse", "Physician"])
def test_the_second_is_told_and_changes_nothing(person, site, second_role):
    first, second = person(), person()
    arrive(sign_in(first, site))
    sign_in(second, site, second_role)
    open_patient(second, NAME)
    second.get_by_text("Change the level").click()
    second.get_by_text("4 · less urgent").click()
    second.get_by_label("Comment", exact=True).fill("walks about, eats crisps")
    give_reason(second, "Clinical judgement")
    late = second.get_by_role("button", name="Decide level 4")
    expect(late).to_be_enabled()
    settled(second)  # the last choice has been sent; what follows is not about a page that is being drawn

    first.get_by_role("button", name="Accept level 3").click()
    expect(card(first, NAME)).to_contain_text("Accepted")
    expect(second.get_by_text("This is no longer what is on record")).to_be_visible()
    late.click()

    told = second.get_by_text(
        re.compile(r"Triage nurse .* decided first, at \d\d:\d\d\. Nothing was changed\.")
    )
    expect(told).to_be_visible()
    expect(second.get_by_text("The decision that holds is level 3.")).to_be_visible()
    expect(second.get_by_text("walks about, eats crisps")).to_be_visible()
    expect(second.get_by_role("button", name="Decide level 4")).to_have_count(0)

    go(second, "Board", "Who waits")
    for page in (first, second):
        expect(card(page, NAME)).to_contain_text("Accepted")
        expect(card(page, NAME)).to_contain_text("urgent")
        expect(card(page, NAME)).not_to_contain_text("less urgent")
