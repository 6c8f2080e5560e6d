"""The file of cases: what is read, what is refused, and what never reaches a record."""

from dataclasses import replace

import pytest

from data_schemas import FactKind
from eval.predictors import LAYOUTS, CaseFile, InputError, InputTask, OptionError, ReadCase, UnreadableCase

LABELS = {"acuity", "nurse_acuity", "immedr_raw", "rationale"}


def is_label(column: str) -> bool:
    return column in LABELS or column.startswith(("post_", "design_"))


def records(path, task):
    return [
        (case.case_id, case.record if isinstance(case, ReadCase) else case.error)
        for case in CaseFile(path, task).cases()
    ]


@pytest.mark.parametrize("task", InputTask)
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_labels_present_removed_or_poisoned_give_the_same_records(task, form, rows, write):
    present = rows(task)
    removed = [{name: cell for name, cell in row.items() if not is_label(name)} for row in present]
    poisoned = [{name: "1" if is_label(name) else cell for name, cell in row.items()} for row in present]
    nonsense = [
        {name: "?? \u0000" * 3 if is_label(name) else cell for name, cell in row.items()} for row in present
    ]
    assert any(is_label(name) for name in present[0])
    expected = records(write(present, f"present.{form}"), task)
    assert records(write(removed, f"removed.{form}"), task) == expected
    assert records(write(poisoned, f"poisoned.{form}"), task) == expected
    if form != "csv":
        assert records(write(nonsense, f"nonsense.{form}"), task) == expected
    assert [case_id for case_id, _ in expected] == [row["case_id"] for row in present]


@pytest.mark.parametrize("task", InputTask)
def test_no_column_of_a_layout_is_a_label_or_an_outcome(task):
    assert not [column for column in LAYOUTS[task].columns if is_label(column)]


@pytest.mark.parametrize("task", InputTask)
def test_every_format_gives_the_same_records(task, rows, write):
    from_csv = records(write(rows(task), "a.csv"), task)
    from_jsonl = records(write(rows(task), "a.jsonl"), task)
    from_parquet = records(write(rows(task), "a.parquet"), task)
    assert from_jsonl == from_parquet

    def values(found):
        return [
            (case_id, [(f.kind, f.value, f.code) for f in r.facts] if hasattr(r, "facts") else r)
            for case_id, r in found
        ]

    assert values(from_csv) == values(from_parquet)


def test_rows_that_training_leaves_out_are_there(rows, write):
    """Dead on arrival, without a level, with impossible vital signs."""
    found = records(write(rows(InputTask.NHAMCS), "n.parquet"), InputTask.NHAMCS)
    assert [case_id for case_id, _ in found] == ["n-1", "n-2", "n-3", "n-4"]
    assert all(not isinstance(record, str) for _, record in found)
    impossible = found[3][1]
    assert impossible.number(FactKind.OXYGEN_SATURATION) is None
    assert impossible.findings


def test_a_row_that_says_nothing_is_a_failure_and_not_a_guess(rows, write):
    last = list(CaseFile(write(rows(InputTask.ESI), "e.jsonl"), InputTask.ESI).cases())[-1]
    assert isinstance(last, UnreadableCase)
    assert last.case_id == "e-3"


def test_the_diagnosis_enters_only_when_it_is_asked_for(rows, write):
    path = write(rows(InputTask.KTAS), "k.csv")
    without = CaseFile(path, InputTask.KTAS)
    assert not any("humerus" in case.record.model_dump_json() for case in without.cases())
    with_it = CaseFile(path, InputTask.KTAS, with_diagnosis=True)
    for case in with_it.cases():
        (note,) = case.record.all(FactKind.TRIAGE_NOTE)
        assert note.text == "ED diagnosis: Fracture of humerus"
        assert note.source.path == "post_diagnosis"
    assert with_it.counts["diagnoses"] == 5


@pytest.mark.parametrize("task", [InputTask.NHAMCS, InputTask.ESI])
def test_the_diagnosis_is_refused_for_other_tasks(task, rows, write):
    with pytest.raises(OptionError, match="with-diagnosis"):
        CaseFile(write(rows(task), "x.jsonl"), task, with_diagnosis=True)


def test_the_diagnosis_needs_its_column(rows, write):
    bare = [{k: v for k, v in row.items() if k != "post_diagnosis"} for row in rows(InputTask.KTAS)]
    with pytest.raises(InputError, match="missing column post_diagnosis"):
        CaseFile(write(bare, "k.csv"), InputTask.KTAS, with_diagnosis=True)


def test_a_level_named_in_the_text_is_taken_out_and_counted(write):
    rows = [{"case_id": "e-1", "vignette": "A 30-year-old man with a rash. ESI level 5. HR 70."}]
    file = CaseFile(write(rows, "e.jsonl"), InputTask.ESI)
    (case,) = file.cases()
    assert "rash" in case.record.model_dump_json()
    assert "level 5" not in case.record.model_dump_json()
    assert file.counts["levels_in_text"] == 1


@pytest.mark.parametrize("task", InputTask)
def test_a_missing_column_is_named(task, rows, write):
    column = LAYOUTS[task].columns[-1]
    bare = [{k: v for k, v in row.items() if k != column} for row in rows(task)]
    for form in ("csv", "jsonl", "parquet"):
        with pytest.raises(InputError, match=rf"missing column {column}.*never taken"):
            CaseFile(write(bare, f"x.{form}"), task)


def test_a_diagnosis_does_not_stand_in_for_a_complaint(rows, write):
    swapped = [{k: v for k, v in row.items() if k != "chief_complaint"} for row in rows(InputTask.KTAS)]
    with pytest.raises(InputError, match="chief_complaint"):
        CaseFile(write(swapped, "k.csv"), InputTask.KTAS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"case_id": "k-1"}, "cases 1 and 2 have the same case_id"),
        ({"case_id": " "}, "case 2: case_id is empty"),
        ({"case_id": "k\n2"}, "case 2: case_id holds a control character"),
    ],
)
def test_ids_must_be_there_and_differ(change, message, rows, write):
    changed = rows(InputTask.KTAS)
    changed[1].update(change)
    with pytest.raises(InputError, match=message):
        CaseFile(write(changed, "k.csv"), InputTask.KTAS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.parquet", b"", "is empty"),
        ("a.csv", b"case_id,vignette\n", "only a header"),
        ("a.jsonl", b"\n\n", "only a header"),
        ("a.xlsx", b"PK", "unknown format '.xlsx'"),
        ("a.csv", b"case_id,vignette\n1,\xff\xfe\n", "not UTF-8"),
        ("a.jsonl", b"{not json\n", "line 1: not JSON"),
        ("a.jsonl", b"[1]\n", "line 1: not a JSON object"),
        ("a.csv", b"case_id,vignette\n1,a,b\n", "record 2: not as many cells"),
        ("a.parquet", b"PAR1 this is none", "not a parquet file"),
    ],
)
def test_what_is_no_case_file_is_refused_with_its_name(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        CaseFile(path, InputTask.ESI)
    assert name in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_row_that_breaks_its_loader_is_one_failed_case_that_quotes_nobody(rows, write):
    file = CaseFile(write(rows(InputTask.KTAS), "k.csv"), InputTask.KTAS)
    to_record = file.layout.to_record

    def breaks(row):
        if row["case_id"] == "k-2":
            raise ArithmeticError(f"cannot read {row['chief_complaint']}")
        return to_record(row)

    file.layout = replace(file.layout, to_record=breaks)
    found = list(file.cases())
    assert [case.case_id for case in found] == ["k-1", "k-2", "k-3", "k-4", "k-5"]
    assert found[1] == UnreadableCase("k-2", "unreadable: ArithmeticError")
    assert sum(isinstance(case, ReadCase) for case in found) == 4
