"""Every way in which a server can fail has a name, is repeated only where that helps, and tells nobody's secrets."""

import asyncio
import logging
import math
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from faulty_server import (
    ANSWER,
    KEY,
    LOGPROBS,
    REQUEST,
    SECRET,
    Exchange,
    closed_port,
    drips,
    error,
    hanging_up,
    says,
    well,
)

from triage.slm.errors import AnswerError, EngineBusyError, EngineError, EngineTimeoutError
from triage.slm.vllm import (
    AnotherModelError,
    AnswerCutError,
    CircuitOpenError,
    ContextTooLongError,
    LogprobsMissingError,
    ModelNotServedError,
    ServerAbsentError,
    ServerAnswerError,
    ServerFailedError,
    ServerKeyError,
    ServerLostError,
    ServerMemoryError,
    ServerRefusedError,
    ServerSlowError,
    ServerThrottledError,
    ServerUnavailableError,
)

HTML = b"<html><body>Welcome to the proxy</body></html>"
FOUR = {f"token_id:{token}": -1.0 for token in (33, 34, 35, 36)}
MASKED = {**FOUR, "token_id:37": -9999.0}
WORDS = {**FOUR, "token_id:37": "-1.0"}

FAULTS = [
    (well(after=5), ServerSlowError, 1),
    (drips(5), ServerSlowError, 1),
    (error(500, "Internal Server Error"), ServerFailedError, 1),
    (error(500, "CPU out of memory. Tried to allocate 3 GiB"), ServerMemoryError, 1),
    (error(501, "not implemented"), ServerFailedError, 1),
    (error(429, "too many"), ServerThrottledError, 3),
    (error(429, "too many", {"retry-after": "3600"}), ServerThrottledError, 1),
    (error(502, "bad gateway"), ServerUnavailableError, 3),
    (error(503, "starting"), ServerUnavailableError, 3),
    (error(503, "starting", {"retry-after": "3600"}), ServerUnavailableError, 1),
    (says(504, HTML), ServerUnavailableError, 3),
    (error(401, "Unauthorized"), ServerKeyError, 1),
    (error(403, "Forbidden"), ServerKeyError, 1),
    (error(404, "The model `x` does not exist."), ModelNotServedError, 1),
    (error(400, "grammar error"), ServerRefusedError, 1),
    (error(400, "This model's maximum context length is 2048 tokens."), ContextTooLongError, 1),
    (error(413, "too large"), ContextTooLongError, 1),
    (says(302, b"", {"location": "http://127.0.0.1:1/"}), ServerRefusedError, 1),
    (says(200, b'{"model": "', length=500), AnswerCutError, 3),
    (says(200, HTML), ServerAnswerError, 1),
    (says(200, b""), ServerAnswerError, 1),
    (says(200, b"\xff\xfe"), ServerAnswerError, 1),
    (says(200, b"[" * 100_000), ServerAnswerError, 1),
    (says(200, b"x" * (5 * 1024 * 1024)), ServerAnswerError, 1),
    (says(200, b"not gzip", {"content-encoding": "gzip"}), ServerAnswerError, 1),
    (says(200, []), ServerAnswerError, 1),
    (well(choices=[]), ServerAnswerError, 1),
    (well(choices=[{}]), ServerAnswerError, 1),
    (well(usage=None), ServerAnswerError, 1),
    (well(usage={"prompt_tokens": 3}), ServerAnswerError, 1),
    (well(finish_reason="abort"), ServerAnswerError, 1),
    (well(finish_reason="length"), AnswerError, 1),
    (well(model="another"), AnotherModelError, 1),
    (well(model=None), AnotherModelError, 1),
    (well(logprobs=None), LogprobsMissingError, 1),
    (well(top=None), LogprobsMissingError, 1),
    (well(top={}), LogprobsMissingError, 1),
    (well(top=FOUR), LogprobsMissingError, 1),
    (well(top=MASKED), LogprobsMissingError, 1),
    (well(top=WORDS), LogprobsMissingError, 1),
    (well(top={**FOUR, "token_id:37": math.nan}), LogprobsMissingError, 1),
    (well(top={**FOUR, "token_id:37": math.inf}), LogprobsMissingError, 1),
    (well(top={**FOUR, "token_id:37": True}), LogprobsMissingError, 1),
    (well(logprobs={"tokens": ["3"], "top_logprobs": [FOUR]}), ServerAnswerError, 1),
    (well(logprobs={"tokens": [], "top_logprobs": []}), ServerAnswerError, 1),
    (well(logprobs={"tokens": ["token_id:x"], "top_logprobs": [FOUR]}), ServerAnswerError, 1),
    (well(text="2\nA no B no C 2 D no\nFacts: cc"), AnswerError, 1),
    (well(text="A no"), AnswerError, 1),
]


def texts(found: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    records = "".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    return "".join(traceback.format_exception(found)) + repr(found) + records


@pytest.mark.parametrize(("act", "kind", "asked"), FAULTS)
async def test_each_fault_has_its_name(server, opened, caplog, act, kind, asked):
    caplog.set_level(logging.DEBUG)
    server.script = [act]
    with pytest.raises(EngineError) as caught:
        await opened(server.url, attempts=3).answer(REQUEST)
    assert type(caught.value) is kind
    assert server.asked == asked
    said = texts(caught.value, caplog)
    assert SECRET not in said
    assert KEY not in said
    assert type(caught.value).__name__ in caplog.text or issubclass(kind, AnswerError | ServerAnswerError)


def test_the_agent_knows_the_kinds_by_their_older_names():
    assert issubclass(ServerSlowError, EngineTimeoutError)
    assert issubclass(ServerThrottledError, EngineBusyError)
    assert issubclass(LogprobsMissingError, AnswerError)


async def test_nobody_listens(opened, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ServerAbsentError) as caught:
        await opened(f"http://127.0.0.1:{closed_port()}").answer(REQUEST)
    assert SECRET not in texts(caught.value, caplog)


@pytest.mark.parametrize("half", [b"", b"HTTP/1.1 200 OK\r\ncontent-le", b"SSH-2.0-OpenSSH\r\n"])
async def test_a_connection_that_ends_without_an_answer(opened, half, caplog):
    caplog.set_level(logging.DEBUG)
    with hanging_up(half) as (url, asked):
        with pytest.raises(ServerLostError) as caught:
            await opened(url, attempts=2).answer(REQUEST)
        assert asked[0] == 2
    assert SECRET not in texts(caught.value, caplog)


@pytest.mark.parametrize(
    "first",
    [
        error(429, "x"),
        error(502, "x"),
        error(503, "x", {"retry-after": "0"}),
        error(504, "x"),
        says(200, b"{", length=50),
    ],
)
async def test_what_passes_is_asked_again_and_answered(server, opened, first):
    server.script = [first, well()]
    answer = await opened(server.url).answer(REQUEST)
    assert (answer.text, server.asked) == ("Level: " + ANSWER, 2)
    total = math.log(sum(map(math.exp, LOGPROBS)))
    assert answer.level_logprobs == pytest.approx([value - total for value in LOGPROBS], abs=1e-12)


async def test_the_pause_a_server_asks_for_is_kept(server, opened):
    def soon() -> str:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)

    for header, least in ((lambda: "1", 1.0), (soon, 0.9)):
        server.script = [error(429, "x", {"retry-after": header()}), well()]
        began = time.monotonic()
        await opened(server.url).answer(REQUEST)
        assert time.monotonic() - began >= least


async def test_all_attempts_together_have_a_limit(server, opened):
    server.script = [error(503, "x", {"retry-after": "2"})]
    began = time.monotonic()
    with pytest.raises(ServerUnavailableError):
        await opened(server.url, total_seconds=0.8, attempts=10).answer(REQUEST)
    assert time.monotonic() - began < 2
    assert server.asked == 1


async def test_a_question_too_long_is_not_asked(server, opened):
    with pytest.raises(ContextTooLongError):
        await opened(server.url, max_context=100).answer(REQUEST)
    assert server.asked == 0


async def test_a_server_that_keeps_failing_is_left_alone_and_tried_by_one(server, opened):
    server.script = [error(500, "x")]
    engine = opened(server.url, failures=3, rest_seconds=0.5)
    for _ in range(3):
        with pytest.raises(ServerFailedError):
            await engine.answer(REQUEST)
    for _ in range(5):
        with pytest.raises(CircuitOpenError, match="ServerFailedError"):
            await engine.answer(REQUEST)
    assert server.asked == 3
    await asyncio.sleep(0.55)
    server.script = [well(after=0.2)]
    results = await asyncio.gather(*(engine.answer(REQUEST) for _ in range(4)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["CircuitOpenError"] * 3 + ["EngineAnswer"]
    assert server.asked == 4
    await engine.answer(REQUEST)


async def test_eight_questions_lost_at_once_are_one_failure(server, opened):
    """A balancer answers so for one replica that died; the others answer the same questions again."""

    async def lost(exchange: Exchange) -> None:
        await asyncio.sleep(0.2)
        await error(502, "x")(exchange)

    server.script = [lost] * 8 + [well()]
    engine = opened(server.url, failures=3, concurrency=8, request_seconds=30.0)
    answers = await asyncio.gather(*(engine.answer(REQUEST) for _ in range(8)))
    assert (len(answers), server.asked) == (8, 16)

    server.asked = 0
    server.script = [lost] * 40
    for _ in range(2):
        results = await asyncio.gather(*(engine.answer(REQUEST) for _ in range(8)), return_exceptions=True)
    assert {type(result) for result in results} == {CircuitOpenError}
    assert server.asked <= 24


async def test_answers_that_are_refused_leave_the_circuit_closed(server, opened):
    server.script = [error(400, "x")]
    engine = opened(server.url, failures=2)
    for _ in range(4):
        with pytest.raises(ServerRefusedError):
            await engine.answer(REQUEST)
    assert server.asked == 4


async def test_a_cancelled_trial_leaves_the_next_question_to_try(server, opened):
    server.script = [error(500, "x")]
    engine = opened(server.url, failures=1, rest_seconds=0.1)
    with pytest.raises(ServerFailedError):
        await engine.answer(REQUEST)
    await asyncio.sleep(0.15)
    server.script = [well(after=5)]
    trial = asyncio.create_task(engine.answer(REQUEST))
    await asyncio.sleep(0.15)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    server.script = [well()]
    assert (await engine.answer(REQUEST)).text
