"""``triage guidelines``."""

import json

import pytest

from ui.cli.exits import Exit


@pytest.fixture
def guidelines(triage):
    return lambda *arguments: triage("guidelines", *arguments, records=False)


def test_what_holds_for_the_patient_comes_first(guidelines):
    done = guidelines("search", "fever", "--age", "20 d", "--fact", "temp=38.5", "--json", "--limit", "3")
    assert done.code == 0
    first, *others = done.lines
    assert (first["id"], first["holds"], first["level"]) == ("esi5.b.fever-28-days", True, 2)
    assert "38.5" in first["because"]
    assert not any(other["holds"] for other in others)
    assert done.err == ""


def test_statements_about_others_are_left_out(guidelines):
    found = {
        row["id"] for row in guidelines("search", "fever", "--age", "40", "--json", "--limit", "99").lines
    }
    everybody = {row["id"] for row in guidelines("search", "fever", "--json", "--limit", "99").lines}
    assert "esi5.b.fever-28-days" in everybody - found
    assert found < everybody


def test_the_table_names_level_and_why(guidelines):
    done = guidelines("search", "ectopic", "--sex", "female")
    assert done.code == 0
    assert "esi.b.ectopic" in done.out
    assert "the age is not known" in " ".join(done.out.replace("│", " ").split())


def test_a_statement_is_shown_whole_with_its_source(guidelines):
    done = guidelines("show", "esi.b.ectopic")
    assert done.code == 0
    assert "ESI v5 (ENA 2023)" in done.out
    assert "Example, fails" in done.out
    assert json.loads(guidelines("show", "esi.b.ectopic", "--json").out)["level"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["search"], Exit.USAGE, "give words"),
        (["search", "fever", "--age", "old"], Exit.USAGE, "an age is written like"),
        (["search", "fever", "--sex", "x"], Exit.USAGE, "male"),
        (["search", "fever", "--fact", "hr"], Exit.USAGE, "NAME=VALUE"),
        (["search", "fever", "--fact", "hr=fast"], Exit.USAGE, "takes a number"),
        (["search", "fever", "--fact", "mood=low"], Exit.USAGE, "no kind of fact"),
        (["show", "esi.b.ectopik"], Exit.FAILED, "esi.b.ectopic"),
        (["show", "x"], Exit.FAILED, "triage guidelines search"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_remedy(guidelines, arguments, code, said):
    done = guidelines(*arguments)
    assert done.code == code
    assert said in done.err


def test_nothing_found_is_said_and_is_no_failure(guidelines):
    done = guidelines("search", "zzzz")
    assert done.code == 0
    assert "No statement" in done.out
