"""TRIPOD-LLM and HTI-1: all items, filled from the run or said to be open."""

from eval.report.attributes import questions, source_attributes
from eval.report.document import Cell, Table
from eval.report.tripod import items
from triage.slm import shipped_adapters
from triage.slm.adapter import adapter_sha256
from triage.slm.source_attributes import GROUPS, KEYS, read_source_attributes
from ui.dashboard.strings import catalogue


def test_tripod_has_every_item_and_invents_none(result):
    found = {item.id: item for item in items(result)}
    assert len({item.id.rstrip("abcdefg") for item in found.values()}) == 19
    assert len(found) == 49
    for only_authors in ("2", "13", "14a", "14b", "15"):
        assert found[only_authors].state == "open"
        assert not found[only_authors].answer
    assert found["10"].state == "not applicable"
    assert "n = 160" in found["17"].answer
    assert all(bool(item.answer) is (item.state != "open") for item in found.values())


def test_the_questions_are_those_of_the_dashboard():
    english = catalogue("en")
    assert questions()["questions"] == {key: english[f"model.attribute.{key}"] for key in KEYS}
    assert questions()["groups"] == {key: english[f"model.group.{key}"] for key in GROUPS}


def test_without_the_adapters_hash_all_31_stand_open(result):
    table = next(block for block in source_attributes(result).blocks if isinstance(block, Table))
    assert len(table.rows) == 31
    assert all(isinstance(row[2], Cell) and row[2].text == "open" for row in table.rows)


def test_an_adapter_named_by_its_hash_answers_for_itself_and_the_run_adds_its_numbers(result):
    folder = shipped_adapters()["smollm2_triage"]
    task = result.tasks[0]
    models = tuple(
        model.model_copy(update={"details": {"adapter sha256": adapter_sha256(folder)}})
        if model.name == "slm"
        else model
        for model in task.models
    )
    known = result.model_copy(update={"tasks": (task.model_copy(update={"models": models}),)})
    table = next(block for block in source_attributes(known).blocks if isinstance(block, Table))
    assert [row[2] for row in table.rows] == list(read_source_attributes(folder).values())
    measured = {row[0].split(". ", 1)[1]: row[3] for row in table.rows}
    accuracy = next(r for r in task.comparison.rows if r.name == "slm").scores["accuracy"].value
    assert f"{accuracy:.3f}" in measured[questions()["questions"]["validity_external"]]
