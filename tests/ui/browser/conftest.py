"""A real Chromium and the real dashboard. All of it is slow: ``make test-all``, or alone ``make test-browser``."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

from browser_parts import ARTEFACTS, Site, chromium

DESKTOP = {"width": 1440, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: Playwright keeps an event loop in this thread, which other tests must not meet."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Somebody at a screen of their own: ``person()``, ``person(color_scheme="dark", viewport=...)``."""
    contexts = []

    def sit_down(**how: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **how})
        contexts.append(context)
        context.set_default_timeout(60_000)
        return context.new_page()

    yield sit_down
    for context in contexts:
        context.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An empty dashboard with recorded answers of the model."""
    with Site(tmp_path / "site") as running:
        yield running


@pytest.fixture
def keep() -> Callable[[Page, str], None]:
    """Keep a picture of the screen as an artefact."""

    def picture(page: Page, name: str) -> None:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"{name}.png")

    return picture
