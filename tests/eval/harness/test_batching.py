"""Requests that come together are answered together, and a failing case takes no other with it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from eval.harness.batching import MicroBatcher
from eval.predictions import Prediction
from eval.predictors import ReadCase


class Model:
    name, chunk = "test", 8

    def __init__(self, broken=()):
        self.batches = []
        self.broken = set(broken)

    def predict(self, cases):
        self.batches.append([case.case_id for case in cases])
        if self.broken & set(self.batches[-1]):
            raise RuntimeError("a patient's name")
        return [Prediction(case_id=case.case_id, predicted=3) for case in cases]


async def ask_all(batcher, count):
    return await asyncio.gather(*(batcher.ask(ReadCase(str(n), None)) for n in range(count)))


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as one:
        yield one


def test_batches_are_full(thread):
    model = Model()
    told = []
    found = asyncio.run(ask_all(MicroBatcher(model, thread, told.extend), 20))
    assert [len(batch) for batch in model.batches] == [8, 8, 4]
    assert [item.case_id for item in found] == [str(n) for n in range(20)]
    assert [item.case_id for item in told] == [str(n) for n in range(20)]


def test_a_case_that_fails_is_alone_and_named_by_its_class(thread):
    found = asyncio.run(ask_all(MicroBatcher(Model(broken={"3"}), thread), 10))
    assert [item.predicted for item in found] == [3, 3, 3, None, *[3] * 6]
    assert found[3].error == "failed: RuntimeError"


def test_answers_to_other_cases_are_no_answers(thread):
    class Wrong(Model):
        def predict(self, cases):
            return [Prediction(case_id="other", predicted=1) for _ in cases]

    found = asyncio.run(ask_all(MicroBatcher(Wrong(), thread), 3))
    assert {item.predicted for item in found} == {None}
