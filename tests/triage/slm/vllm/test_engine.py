"""The engine against a server that behaves: what is sent, how many at once, what is cancelled."""

import asyncio
import math
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import ANSWER, IDENTITY, KEY, NAME, QUICK, REQUEST, closed_port, error, well

from triage.slm.errors import AnswerError, EngineBusyError, EngineError
from triage.slm.vllm import ServedModel, ServerFailedError, ServerLostError, ServerSlowError, VllmEngine
from triage.slm.vllm.tokens import after_lead


async def until(check) -> None:
    for _ in range(200):
        if check():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def test_what_is_sent(server, opened, tokens):
    answer = await opened(server.url).answer(REQUEST)
    (body,) = server.bodies
    text = REQUEST.prefix + REQUEST.prompt + REQUEST.lead
    assert body["prompt"] == tokens.tokenizer.encode(text, add_special_tokens=False).ids
    assert body["model"] == NAME
    assert body["structured_outputs"] == {"regex": REQUEST.regex.removeprefix("Level: ")}
    assert (body["temperature"], body["repetition_penalty"], body["logprob_token_ids"]) == (
        0,
        1,
        list(tokens.digits),
    )
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert answer.text == "Level: " + ANSWER
    assert answer.prompt_tokens == len(body["prompt"])
    assert answer.answer_tokens == len(tokens.tokenizer.encode(ANSWER, add_special_tokens=False).ids)
    assert math.fsum(map(math.exp, answer.level_logprobs)) == pytest.approx(1, abs=1e-12)


async def test_levels_come_in_order_and_take_half_of_the_slots(server, opened):
    requests = [replace(REQUEST, prompt=f"{'word ' * number}<|im_end|>\n") for number in range(9)]
    server.script = [well(after=0.05)]
    answers = await opened(server.url, concurrency=4).levels(requests)
    lengths = [answer.prompt_tokens for answer in answers]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 9
    assert {answer.text for answer in answers} == {""}
    assert server.most_inside == 2
    assert all("structured_outputs" not in body and body["max_tokens"] == 1 for body in server.bodies)
    assert await opened(server.url).levels([]) == []


async def test_one_failure_ends_the_other_levels(server, opened):
    server.script = [well(after=0.1), error(500, "x"), well(after=0.1)]
    with pytest.raises(ServerFailedError):
        await opened(server.url).levels([REQUEST] * 20)
    assert server.asked < 5


async def test_no_more_at_once_than_allowed(server, opened):
    server.script = [well(after=0.1)]
    engine = opened(server.url, concurrency=3, queue_seconds=5)
    answers = await asyncio.gather(*(engine.answer(REQUEST) for _ in range(8)))
    assert len(answers) == 8
    assert server.most_inside == 3


async def test_a_full_queue_says_so_at_once(server, opened):
    server.script = [well(after=0.3)]
    engine = opened(server.url, queue_size=2)
    held = [asyncio.create_task(engine.answer(REQUEST)) for _ in range(2)]
    await until(lambda: server.asked == 2)
    with pytest.raises(EngineBusyError, match="2 questions wait"):
        await engine.answer(REQUEST)
    assert server.asked == 2
    await asyncio.gather(*held)
    await engine.answer(REQUEST)


async def test_nobody_waits_too_long_for_a_slot(server, opened):
    server.script = [well(after=1.5)]
    engine = opened(server.url, concurrency=1, queue_seconds=0.1)
    held = asyncio.create_task(engine.answer(REQUEST))
    await until(lambda: server.asked == 1)
    with pytest.raises(EngineBusyError, match=r"waited 0\.1 s"):
        await engine.answer(REQUEST)
    await held
    await engine.answer(REQUEST)


async def test_a_cancelled_question_is_cancelled_at_the_server(server, opened):
    server.script = [well(after=10)]
    engine = opened(server.url, concurrency=1, request_seconds=10)
    task = asyncio.create_task(engine.answer(REQUEST))
    await until(lambda: server.inside == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: server.left == 1)
    server.script = [well()]
    await engine.answer(REQUEST)


async def test_a_slow_question_is_cancelled_at_the_server(server, opened):
    server.script = [well(after=10)]
    with pytest.raises(ServerSlowError):
        await opened(server.url).answer(REQUEST)
    await until(lambda: server.left == 1)
    assert server.asked == 1


def test_one_engine_in_several_event_loops(server, tokens):
    engine = VllmEngine(ServedModel(NAME, IDENTITY), tokens, replace(QUICK, url=server.url))

    async def ask() -> str:
        try:
            return (await engine.answer(REQUEST)).text
        finally:
            await engine._pool.lane().transport.aclose()

    assert asyncio.run(ask()) == asyncio.run(ask()) == "Level: " + ANSWER


async def test_a_closed_engine_refuses(server, opened):
    engine = opened(server.url)
    await engine.answer(REQUEST)
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await engine.answer(REQUEST)


async def test_no_proxy_of_the_environment_sees_a_patient(server, opened, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert (await opened(server.url).answer(REQUEST)).text


@pytest.mark.parametrize(
    ("lead", "regex", "rest"),
    [
        ("Level: ", r"Level: [1-5]\n", r"[1-5]\n"),
        ("Level (ESI): ", r"Level \(ESI\): [1-5]", "[1-5]"),
        ("", "[1-5]", "[1-5]"),
        ("Level: ", "(Level: )[1-5]", None),
    ],
)
def test_the_grammar_after_the_lead(lead, regex, rest):
    request = replace(REQUEST, lead=lead, regex=regex)
    if rest is None:
        with pytest.raises(AnswerError):
            after_lead(request)
    else:
        assert after_lead(request) == rest
        assert re.fullmatch(regex, lead + "3\n" * ("\\n" in rest) + "3" * ("\\n" not in rest))


SERVE = """
import sys, time
sys.path.insert(0, sys.argv[1])
from faulty_server import serving, well
from triage.slm.fetch import find_base_model
from triage.slm.vllm import Tokens
with serving(Tokens.of_gguf(find_base_model()), int(sys.argv[2])) as server:
    server.script = [well(after=float(sys.argv[3]))]
    print("ready", flush=True)
    time.sleep(300)
"""


def start(port: int, after: float) -> subprocess.Popen:
    folder = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, folder, str(port), str(after)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


async def test_a_server_killed_while_it_answers_and_started_again(opened):
    port = closed_port()
    server = await asyncio.to_thread(start, port, 60)
    engine = opened(
        f"http://127.0.0.1:{port}", request_seconds=60, total_seconds=60, attempts=2, queue_seconds=60
    )
    try:
        asked = asyncio.create_task(engine.answer(REQUEST))
        await asyncio.sleep(1)
        began = time.monotonic()
        server.kill()
        with pytest.raises(EngineError) as caught:
            await asked
        # The second attempt finds nobody there.
        assert type(caught.value).__name__ in ("ServerAbsentError", ServerLostError.__name__)
        assert time.monotonic() - began < 10
    finally:
        server.kill()
        server.communicate()
    server = await asyncio.to_thread(start, port, 0)
    try:
        assert (await engine.answer(REQUEST)).text == "Level: " + ANSWER
    finally:
        server.kill()
        server.communicate()
