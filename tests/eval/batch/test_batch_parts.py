"""However an input is split, every unit is read once, in order, and a bad one costs no other."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.batch import BatchError, split
from eval.batch.parts import _byte_parts
from eval.batch.reading import check_layout, read_part
from eval.predictors import InputTask
from integrations.fhir.reader_settings import ReaderSettings
from integrations.samples import samples

READING = ReaderSettings()
TEXT = 'pain, "sharp"\nsince noon'


def rows(count):
    return [
        {
            "case_id": f"c{n}",
            "vignette": f"{TEXT}: {20 + n}-year-old man with ankle pain after a fall.",
        }
        for n in range(count)
    ]


def read(path, task, size):
    source, parts = split(path, task, size)
    found = [one for part in parts for one in read_part(source, part, READING)]
    assert [part.number for part in parts] == list(range(len(parts)))
    return source, found


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 20), st.integers(0, 9))
def test_parts_touch_each_other_and_cover_everything(lengths, size, header):
    ends = [header + sum(lengths[: n + 1]) for n in range(len(lengths))]
    parts = list(_byte_parts(ends, size, header))
    assert sum(part.units for part in parts) == len(lengths)
    assert parts[0].start == header
    assert parts[-1].end == ends[-1]
    for before, after in itertools.pairwise(parts):
        assert (before.end, before.first + before.units) == (after.start, after.first)
        assert before.units == size


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet", "cases.jsonl"])
def test_rows_of_data_set_files(write, name, size):
    source, found = read(write(rows(10), name), InputTask.ESI, size)
    assert source.units == 10
    assert [(one.unit, one.case_id, one.error) for one in found] == [(n, f"c{n}", None) for n in range(10)]
    assert all(one.record is not None for one in found)


def test_a_row_that_breaks_the_reader_costs_no_other(write):
    path = write(rows(6), "cases.jsonl")
    lines = path.read_text().splitlines()
    lines[2] = "{not json"
    lines[4] = json.dumps({"case_id": "c4"})
    path.write_text("\n".join(lines) + "\n")
    _, found = read(path, InputTask.ESI, 4)
    assert [one.unit for one in found] == list(range(6))
    assert [one.record is not None for one in found] == [True, True, False, True, False, True]
    assert found[2].error == "InputError"


@pytest.mark.parametrize("size", [1, 7, 100])
def test_bundles_line_by_line(ndjson, size):
    path = ndjson(20)
    lines = path.read_text().splitlines()
    lines[5] = '{"resourceType": "Bundle", '
    lines.insert(9, "")
    path.write_text("\n".join(lines))
    source, found = read(path, None, size)
    assert source.units == 20
    assert [one.unit for one in found] == list(range(20))
    assert [one.unit for one in found if one.error] == [5]
    assert found[0].case_id == "Encounter/made-0-encounter"


def test_a_folder_of_bundles(tmp_path):
    folder = tmp_path / "bundles"
    folder.mkdir()
    for sample in samples()[:5]:
        (folder / sample.file).write_text(sample.raw())
    (folder / "zz.json").write_text("{}")
    source, found = read(folder, None, 2)
    assert source.units == 6
    assert [one.record is None for one in found] == [False] * 5 + [True]


def test_what_cannot_be_split_is_named(tmp_path, write, ndjson):
    with pytest.raises(BatchError, match="--task"):
        split(write(rows(1), "cases.csv"), None, 10)
    with pytest.raises(BatchError, match="there is no"):
        split(tmp_path / "none.ndjson", None, 10)
    empty = tmp_path / "empty.ndjson"
    empty.touch()
    with pytest.raises(BatchError, match="nothing to score"):
        split(empty, None, 10)
    export = tmp_path / "Encounter.ndjson"
    export.write_text('{"resourceType": "Encounter", "id": "1"}\n')
    with pytest.raises(BatchError, match="not a Bundle"):
        split(export, None, 10)
    foreign = write([{"case_id": "1", "text": "x"}], "foreign.csv")
    source, parts = split(foreign, InputTask.ESI, 10)
    with pytest.raises(BatchError, match="missing column"):
        check_layout(source, parts[0])
