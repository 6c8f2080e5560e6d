"""Scoring a part, and what is on the disk afterwards. Ray is not needed for that."""

import json

import pyarrow.parquet as pq
import pytest

from data_schemas import AcuityScale, EsiVersion
from eval.batch import SCHEMA, BatchError, Options, Shards, split
from eval.batch.scoring import Scorer, unhurried
from integrations.settings import ModelSettings

OPTIONS = Options(
    levels_only=True,
    part_rows=10,
    engine="none",
    adapter="default",
    scale=AcuityScale.ESI,
    esi_version=EsiVersion.V5,
    calibration="none",
    version="1",
)


@pytest.fixture
def scorer_for(settings):
    opened = []

    def make(source, *, levels_only=True, changed=settings, patience=0.0):
        opened.append(Scorer(changed, source, levels_only=levels_only, patience=patience))
        return opened[-1]

    yield make
    for scorer in opened:
        scorer.close()


def test_levels_alone_and_whole_assessments_agree_and_bad_rows_are_counted(ndjson, scorer_for):
    path = ndjson(12)
    path.write_text(path.read_text() + "{\n")
    source, (part,) = split(path, None, 100)
    short, counted = scorer_for(source).score(part)
    whole, _ = scorer_for(source, levels_only=False).score(part)
    assert (counted.rows, counted.failures) == (13, {"IntakeError: file": 1})
    assert [row["level"] for row in short] == [row["level"] for row in whole]
    assert (short[12]["level"], short[12]["error"]) == (None, "IntakeError: file")
    for row in whole[:12]:
        assert json.loads(row["assessment"])["level"] == row["level"]
        assert row["mode"] == "rules-only"


def test_a_model_that_is_away_refuses_the_part_rather_than_rules_for_everybody(ndjson, scorer_for, settings):
    source, (part,) = split(ndjson(3), None, 10)
    away = ModelSettings(engine="vllm", url="http://127.0.0.1:1", served_model="any")
    scorer = scorer_for(source, changed=settings.model_copy(update={"model": away}))
    rows, summary = scorer.score(part)
    assert rows == []
    assert summary.refused == "ServerAbsentError"


def test_no_answer_is_cut_short_offline(settings):
    given = unhurried(settings).model
    assert given.timeout_seconds >= 120
    assert given.second_look_seconds >= 120
    off = settings.model_copy(update={"model": settings.model.model_copy(update={"second_look_seconds": 0})})
    assert unhurried(off).model.second_look_seconds == 0


def test_a_part_is_there_as_a_whole_or_not_at_all(ndjson, scorer_for, tmp_path):
    source, parts = split(ndjson(12), None, 10)
    shards = Shards(tmp_path / "out")
    shards.begin(source, OPTIONS)
    assert shards.summary(parts[0]) is None
    rows, summary = scorer_for(source).score(parts[0])
    shards.write(rows, summary)
    assert shards.summary(parts[0]) == summary
    table = pq.read_table(shards.path(0))
    assert table.column_names == list(SCHEMA)
    assert table.column("unit").to_pylist() == list(range(10))

    (shards.folder / ".part-000001-99").write_bytes(b"half")
    shards.begin(source, OPTIONS)
    assert not list(shards.folder.glob(".part*"))
    assert shards.summary(parts[0]) == summary

    shards.path(1).write_bytes(shards.path(0).read_bytes())
    with pytest.raises(BatchError, match="another part"):
        shards.summary(parts[1])
    shards.path(1).write_bytes(b"PAR1")
    with pytest.raises(BatchError, match="damaged"):
        shards.summary(parts[1])


def test_another_input_or_other_options_need_another_folder(ndjson, tmp_path):
    source, _ = split(ndjson(2), None, 10)
    shards = Shards(tmp_path / "out")
    shards.begin(source, OPTIONS)
    with pytest.raises(BatchError, match="levels_only differ"):
        shards.begin(source, OPTIONS.model_copy(update={"levels_only": False}))
    other, _ = split(ndjson(3), None, 10)
    with pytest.raises(BatchError, match="sha256, units differ"):
        shards.begin(other, OPTIONS)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(BatchError, match="holds no batch"):
        Shards(tmp_path / "mine").begin(source, OPTIONS)
