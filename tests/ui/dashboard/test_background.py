"""The thread that pages ask through: what ends with it ends whole, and nothing is begun that nobody will finish."""

import asyncio
import gc
import threading
from contextlib import asynccontextmanager

import anyio
import pytest

from ui.dashboard.services import Problem
from ui.dashboard.services.background import Background


class Service:
    async def retry_pending(self):
        return ()


class Opened:
    service = Service()


@asynccontextmanager
async def opens():
    yield Opened()


@pytest.fixture
def background():
    opened = Background(opens)
    yield opened
    opened.close()


async def _nothing():
    await asyncio.sleep(0)


class TestClosing:
    @pytest.mark.parametrize("_", range(5))
    def test_what_began_children_ends_them_itself(self, background, _):
        """A child that is cancelled from outside before its first step leaves a coroutine that is never awaited."""
        begun = threading.Event()

        async def work(agent):
            while True:
                async with anyio.create_task_group() as children:
                    for _ in range(20):
                        children.start_soon(_nothing)
                begun.set()

        background.start(work)
        assert begun.wait(10)
        background.close()
        gc.collect()  # tells of coroutines that nobody awaited

    def test_waits_until_it_has_put_away_what_it_had_in_hand(self, background):
        begun, done = threading.Event(), []

        async def work(agent):
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.05)
                done.append("put away")

        background.start(work)
        assert begun.wait(10)
        background.close()
        assert done == ["put away"]

    def test_what_was_begun_and_has_not_yet_taken_a_step_ends_too(self, background):
        for _ in range(50):
            background.start(lambda agent: asyncio.sleep(60))
        background.close()

    def test_the_feeds_own_task_is_left_to_the_feed(self):
        ended = []

        @asynccontextmanager
        async def fed():
            async def feed():
                try:
                    await asyncio.sleep(60)
                finally:
                    ended.append("by its owner" if closing else "from outside")

            closing = False
            running = asyncio.create_task(feed())
            try:
                yield Opened()
            finally:
                closing = True
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        opened = Background(fed)
        opened.run(lambda agent: asyncio.sleep(0, "answered"))
        opened.close()
        assert ended == ["by its owner"]

    def test_who_waits_for_an_answer_meanwhile_is_told(self, background):
        begun, told = threading.Event(), []

        async def slow(agent):
            begun.set()
            await asyncio.sleep(60)

        def ask():
            try:
                background.run(slow)
            except Problem as problem:
                told.append(problem.key)

        asking = threading.Thread(target=ask)
        asking.start()
        assert begun.wait(10)
        background.close()
        asking.join(10)
        assert told == ["service-away"]

    def test_afterwards_it_is_away(self, background):
        background.close()
        with pytest.raises(Problem) as raised:
            background.run(lambda agent: asyncio.sleep(0))
        assert raised.value.key == "service-away"


def test_gives_the_answer_and_the_error(background):
    async def broken(agent):
        raise ValueError("level")

    assert background.run(lambda agent: asyncio.sleep(0, agent)).service is Opened.service
    with pytest.raises(ValueError, match="level"):
        background.run(broken)


def test_who_waits_too_long_is_told_and_the_work_goes_on(background):
    done = threading.Event()

    async def slow(agent):
        await asyncio.sleep(0.2)
        done.set()

    with pytest.raises(Problem) as raised:
        background.run(slow, timeout=0.01)
    assert raised.value.key == "service-away"
    assert done.wait(10)
