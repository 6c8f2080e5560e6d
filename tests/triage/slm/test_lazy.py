"""The engine that opens at the first question."""

import asyncio
import threading

import pytest

from triage.slm.errors import ModelMissingError
from triage.slm.lazy import LazyEngine


async def test_a_caller_that_gives_up_does_not_throw_the_opened_engine_away(engine):
    opened, free = [], threading.Event()

    def slowly():
        opened.append(1)
        free.wait(10)
        return engine

    lazy = LazyEngine(slowly)
    for _ in range(3):  # three patients, each with less time than the model needs to open
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await lazy.ready()
    free.set()
    assert await lazy.ready() is engine
    assert opened == [1]
    assert lazy.identity == engine.identity


async def test_a_failure_reaches_every_caller_and_the_next_one_tries_again(engine):
    tries = []

    def second_time():
        tries.append(1)
        if len(tries) == 1:
            raise ModelMissingError("not here yet")
        return engine

    lazy = LazyEngine(second_time)
    both = await asyncio.gather(lazy.ready(), lazy.ready(), return_exceptions=True)
    assert [type(error) for error in both] == [ModelMissingError, ModelMissingError]
    assert await lazy.ready() is engine


async def test_closing_waits_for_an_engine_that_is_being_opened():
    closed, free = [], threading.Event()

    class Opened:
        async def close(self):
            closed.append(1)

    def slowly():
        free.wait(10)
        return Opened()

    lazy = LazyEngine(slowly)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await lazy.ready()
    asyncio.get_running_loop().call_later(0.05, free.set)
    await lazy.close()
    assert closed == [1]


async def test_a_failure_is_repeated_without_trying_until_the_rest_is_over(engine):
    tries = []

    def later():
        tries.append(1)
        if len(tries) == 1:
            raise ModelMissingError("not here yet")
        return engine

    lazy = LazyEngine(later, rest_seconds=0.3)
    for _ in range(3):
        with pytest.raises(ModelMissingError, match="not here yet"):
            await lazy.ready()
    assert tries == [1]
    await asyncio.sleep(0.35)
    assert await lazy.ready() is engine
