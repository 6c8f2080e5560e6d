"""A provider and dashboards for the sign-in's tests. They run for a whole module: each takes seconds to start."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sign_in_parts import Person, dashboard, provider


@pytest.fixture(scope="module")
def issuer(tmp_path_factory) -> Iterator[str]:
    with provider(tmp_path_factory.mktemp("provider")) as url:
        yield url


@pytest.fixture(scope="module")
def site(tmp_path_factory, issuer) -> Iterator[str]:
    """A dashboard where nobody is idle and no token expires while a test runs."""
    with dashboard(tmp_path_factory.mktemp("site"), issuer) as url:
        yield url


@pytest.fixture
def person() -> Iterator[Callable[[str], Person]]:
    """Somebody at a browser that has not been to the dashboard: ``person(site)``."""
    people = []

    def come(url: str) -> Person:
        people.append(Person(url))
        return people[-1]

    yield come
    for somebody in people:
        somebody.close()
