"""Two engines on the same cases: what is called the same, and that a difference is listed."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from data_schemas import AcuityScale
from eval.parity import ParityReport, cases_of_file, compare_engines, scale_of, shipped_cases
from eval.predictors import InputTask
from integrations.settings import Settings
from triage.slm import (
    AnswerError,
    Calibration,
    EmbeddedEngine,
    EngineAnswer,
    EngineRequest,
)


@pytest.fixture(scope="module")
def base() -> Iterator[EmbeddedEngine]:
    opened = EmbeddedEngine.open()
    yield opened
    asyncio.run(opened.close())


class Shifted:
    """The real engine, with its levels turned round; one case gets no answer."""

    def __init__(self, real: EmbeddedEngine) -> None:
        self._real = real
        self.asked = 0
        self.identity = replace(real.identity, engine="shifted")

    async def answer(self, request: EngineRequest) -> EngineAnswer:
        raise AnswerError("never asked here")

    async def levels(self, requests: Sequence[EngineRequest]) -> list[EngineAnswer]:
        self.asked += 1
        if self.asked == 2:
            raise AnswerError("no answer")
        answers = await self._real.levels(requests)
        return [replace(one, level_logprobs=tuple(reversed(one.level_logprobs))) for one in answers]

    async def close(self) -> None:
        pass


def compare(first, second, **more) -> ParityReport:
    return asyncio.run(
        compare_engines(
            shipped_cases(4), first, second, Calibration.none(), Settings(), AcuityScale.ESI, **more
        )
    )


@pytest.mark.slow
def test_an_engine_agrees_with_itself(base):
    seen = []
    report = compare(base, base, whole=True, progress=seen.append)
    assert (report.cases, report.compared, seen) == (4, 4, [1, 2, 3, 4])
    assert (report.same_level, report.same_suggestion, report.same_answer) == (1, 1, 1)
    assert (report.median_difference, report.largest_difference) == (0, 0)
    assert (report.differing, report.failed) == ((), ())


def test_another_level_is_listed_with_its_gap_and_a_missing_answer_is_counted(base):
    report = compare(base, Shifted(base))
    assert (report.cases, report.compared, len(report.failed)) == (4, 3, 1)
    assert report.failed[0].error == "shifted: AnswerError"
    for row in report.rows:
        if row.error is None:
            assert row.first == pytest.approx(tuple(reversed(row.second)))
            top, second = sorted(row.first, reverse=True)[:2]
            assert row.gap == pytest.approx(top - second)
            nearest = min(abs(row.first[0] - 0.5), abs(row.first[0] + row.first[1] - 0.5))
            assert row.to_threshold == pytest.approx(nearest)
            assert row.levels == (row.first.index(max(row.first)) + 1, row.second.index(max(row.second)) + 1)
    other = [row for row in report.rows if row.levels and row.levels[0] != row.levels[1]]
    assert other
    assert {row.case_id for row in other} <= {row.case_id for row in report.differing}
    assert report.same_level == pytest.approx(1 - len(other) / 3)
    assert [row.gap for row in report.differing] == sorted(
        (row.gap for row in report.differing), reverse=True
    )
    assert "male" not in json.dumps(report.model_dump(mode="json")["rows"])


def test_the_shipped_cases_are_spread_over_samples_and_written_ones():
    few, many = shipped_cases(3), shipped_cases(80)
    assert [case.case_id for case in few] == ["01", "02", "03"]
    ids = [case.case_id for case in many]
    assert len(ids) == len(set(ids)) == 80
    assert len({name.rsplit("-", 1)[0] for name in ids if "-" in name}) >= 5
    assert len(shipped_cases(100_000)) == len({case.case_id for case in shipped_cases(100_000)})


def test_the_cases_of_a_file(write):
    rows = [{"case_id": f"c{n}", "vignette": "A 30-year-old man has a sprained ankle."} for n in range(3)]
    path = write(rows, "cases.jsonl")
    assert [case.case_id for case in cases_of_file(path, InputTask.ESI, 2)] == ["c0", "c1"]
    assert (scale_of(None), scale_of(InputTask.KTAS)) == (AcuityScale.ESI, AcuityScale.KTAS)
