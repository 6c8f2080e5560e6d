"""Markdown, CSV and JSON beside the page."""

import csv
import re

import pytest

from eval.report import ReportError, read_result, write_report
from eval.report.build import build
from eval.report.markdown import escaped, markdown


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    write_report(result, out)
    return out


def rows_of(folder, name):
    with (folder / "tables" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_result_comes_back(result, folder):
    assert read_result(folder) == result
    assert read_result(folder / "results.json") == result


def test_scores_come_back_from_csv_to_the_last_digit(result, folder):
    found = {(r["row"], r["score"]): r for r in rows_of(folder, "scores") if r["part"] == "all"}
    for row in result.tasks[0].comparison.rows:
        for score, estimate in row.scores.items():
            line = found[row.name, score]
            assert [line[k] for k in ("value", "low", "high")] == [
                "" if v is None else str(v) for v in (estimate.value, estimate.low, estimate.high)
            ]
            apart = row.differences.get(score)
            assert line["difference"] == ("" if apart is None or apart.value is None else str(apart.value))


def test_counts_and_doses_come_back(result, folder):
    task = result.tasks[0]
    cells = rows_of(folder, "confusion")
    for item in task.confusions:
        assert sum(int(r["cases"]) for r in cells if r["row"] == item.row) == task.comparison.cases
    doses = {(r["variant"], r["row"], r["to"]) for r in rows_of(folder, "variants") if r["to"]}
    assert doses == {(v.variant, v.row, dose) for v in task.variants for dose in v.by}
    assert {r["source"] for r in rows_of(folder, "energy")} == {"modelled", "estimate"}


def test_no_file_but_page_and_json_holds_a_case(folder):
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in {"report.html", "results.json"}:
            assert not re.search(r"\bk-\d{3}\b|onerror", path.read_text()), path.name


def test_tables_of_an_earlier_report_do_not_stay(result, folder, tmp_path):
    write_report(result, tmp_path)
    assert (tmp_path / "tables" / "energy.csv").is_file()
    write_report(result.model_copy(update={"energy": ()}), tmp_path)
    assert not (tmp_path / "tables" / "energy.csv").exists()


def test_markdown_tables_have_as_many_cells_as_columns(result, folder):
    lines = markdown(build(result)).splitlines()
    width = None
    tables = 0
    for line in lines:
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        tables += width is None
        assert width in {None, cells}
        width = cells
    assert tables >= 15
    assert all((folder / name).is_file() for name in re.findall(r"\]\((plots/[^)]+)\)", "\n".join(lines)))


def test_markdown_takes_nothing_for_its_own():
    assert escaped("a|b <b> *x* [y](z)\nnext") == r"a\|b \<b\> \*x\* \[y\](z) next"


def test_a_cell_that_a_spreadsheet_would_run_is_text(result, tmp_path):
    energy = result.energy[0].model_copy(update={"meter": "=HYPERLINK(1)"})
    write_report(result.model_copy(update={"energy": (energy,)}), tmp_path)
    assert rows_of(tmp_path, "energy")[0]["meter"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("content", ["", "{}", '{"suite": 1}', "[]"])
def test_what_is_no_result_is_refused(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(ReportError, match=r"results\.json: not a result"):
        read_result(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ReportError, match="not found"):
        read_result(tmp_path)
