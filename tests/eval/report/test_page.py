"""The page works from a file, asks for nothing from outside, and runs nothing that a record says."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from eval.report import read_result, write_report
from eval.report.build import build
from eval.report.html import html
from eval.suite.result import SuiteResult


class Page(HTMLParser):
    """Elements with their attributes, the texts of headings, and every id."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.ids, self.headings, self.scripts, self.open = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.elements.append((tag, found))
        self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([int(tag[1]), ""])

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        if self.open and re.fullmatch("h[1-6]", self.open[-1]):
            self.headings[-1][1] += data

    def all(self, tag):
        return [found for name, found in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(result):
    return html(build(result))


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_nothing_is_asked_from_outside(page, text):
    for tag, found in page.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset", "background"):
            value = found.get(name)
            assert value is None or value.startswith("#"), (tag, name, value)
        assert tag not in {"link", "iframe", "object", "embed", "base", "img"}
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    policy = next(found["content"] for found in page.all("meta") if found.get("http-equiv"))
    assert "default-src 'none'" in policy


def test_what_a_record_says_is_text(page, text):
    assert len(page.scripts) == 1
    assert "alert('taken')" not in page.scripts[0]
    assert "&lt;script&gt;alert" in text
    assert not page.all("img")
    assert not any(name.startswith("on") for _, found in page.elements for name in found)


def test_ids_are_there_once_and_every_reference_has_its_own(page, text):
    assert len(page.ids) == len(set(page.ids))
    wanted = {
        found[name][1:]
        for _, found in page.elements
        for name in ("href",)
        if found.get(name, "").startswith("#")
    }
    wanted |= set(re.findall(r"url\(#([^)]+)\)", text))
    wanted |= {part for _, found in page.elements for part in (found.get("aria-labelledby") or "").split()}
    assert wanted <= set(page.ids)


def test_headings_step_down_one_at_a_time(page):
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_scopes(text):
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        assert "<caption" in table
        assert table.count('scope="row"') == table.count("<tr>") - 1
        assert '<th scope="col">' in table


def test_pictures_are_said_in_words(page):
    pictures = [found for tag, found in page.elements if found.get("role") == "img"]
    assert len(pictures) >= 7
    assert all(len(found["aria-label"].split()) > 6 for found in pictures)
    assert len(page.all("svg")) == len(pictures)


def test_every_part_is_there(page):
    titles = [title for _, title in page.headings]
    for wanted in (
        "Summary", "What this cannot say", "Scores", "Confusion matrices", "Curves and calibration", "Prediction sets",
        "Subgroups", "Robustness and repeatability", "Cost, time and energy", "Error browser",
        "Published figures, apart",
        "TRIPOD-LLM", "Source attributes (ONC HTI-1)", "What did not run", "How to get it again",
    ):  # fmt: skip
        assert wanted in titles


def test_the_error_browser_begins_with_the_worst(text):
    kinds = re.findall(r'<details class="case"[^>]*data-kind="([^"]+)"', text)
    order = ["1-2 put at 4-5", "under-triage", "no answer", "over-triage"]
    assert kinds == sorted(kinds, key=order.index)
    assert "<s>a reason that was struck</s>" in text
    assert "<s>a reason that stands</s>" not in text


def test_the_source_of_an_energy_figure_stands_beside_it(text):
    table = re.search(r'<table[^>]*>\s*<caption id="t-energy-table".*?</table>', text, re.DOTALL)[0]
    rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]
    assert [re.search("measured|modelled|estimate", row)[0] for row in rows] == ["modelled", "estimate"]
    assert "118 × Fine-tuned SLM" in table


def test_the_same_result_gives_the_same_bytes(result, text):
    assert html(build(SuiteResult.model_validate_json(result.model_dump_json()))) == text


def test_without_cases_nothing_of_a_case_is_written(result, tmp_path):
    for path in write_report(result, tmp_path / "out", cases=False):
        content = path.read_text()
        assert "onerror" not in content
        assert not re.search(r"\bk-\d{3}\b", content), path.name
    assert not read_result(tmp_path / "out").tasks[0].errors


def test_a_result_with_nothing_in_it_is_a_page(result):
    assert "What did not run" in html(
        build(result.model_copy(update={"tasks": (), "energy": (), "not_run": ()}))
    )
