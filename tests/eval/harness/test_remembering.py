"""Shared answers of the language model: each question once, by the very prompt, and across a crash."""

import asyncio

from eval.harness.remembering import RememberingEngine
from triage.slm import EngineAnswer, EngineIdentity, EngineRequest


class Counting:
    """An engine that counts. What is tested is who is asked, not what a model says."""

    def __init__(self, weights="w"):
        self.identity = EngineIdentity("test", "test", weights)
        self.asked = []

    async def levels(self, requests):
        self.asked += requests
        return [
            EngineAnswer("", (-1.0, -2.0, -3.0, -4.0, -float(len(r.prompt))), 7, 1, 0.5) for r in requests
        ]

    async def close(self):
        pass


def request(prompt):
    return EngineRequest("prefix", prompt, "lead", "regex")


def test_a_question_is_asked_once(tmp_path):
    inner = Counting()
    engine = RememberingEngine(inner, tmp_path / "levels.jsonl")
    first = asyncio.run(engine.levels([request("a"), request("bb"), request("a")]))
    again = asyncio.run(engine.levels([request("bb"), request("ccc")]))
    assert [one.prompt for one in inner.asked] == ["a", "bb", "ccc"]
    assert again[0] == first[1]
    assert engine.borrowed == 0.5
    assert (engine.asked, engine.remembered) == (3, 1)


def test_what_was_answered_outlives_a_crash_and_half_a_line(tmp_path):
    file = tmp_path / "levels.jsonl"
    asyncio.run(RememberingEngine(Counting(), file).levels([request("a"), request("bb")]))
    with file.open("a") as lines:
        lines.write('["half')
    inner = Counting()
    asyncio.run(RememberingEngine(inner, file).levels([request("a"), request("ccc")]))
    assert [one.prompt for one in inner.asked] == ["ccc"]
    inner = Counting()
    asyncio.run(RememberingEngine(inner, file).levels([request("a"), request("bb"), request("ccc")]))
    assert not inner.asked


def test_another_model_is_another_question(tmp_path):
    file = tmp_path / "levels.jsonl"
    asyncio.run(RememberingEngine(Counting(), file).levels([request("a")]))
    other = Counting(weights="others")
    asyncio.run(RememberingEngine(other, file).levels([request("a")]))
    assert len(other.asked) == 1


def test_the_file_holds_no_prompt(tmp_path):
    file = tmp_path / "levels.jsonl"
    asyncio.run(RememberingEngine(Counting(), file).levels([request("chest pain")]))
    assert "chest" not in file.read_text()
