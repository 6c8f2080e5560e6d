"""The local mode, where everybody may choose a role, opens on its own machine only, however it was started."""

import pytest
from sign_in_parts import unguarded

NOT_HERE = "no accounts, so it opens only on the machine"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with unguarded(tmp_path_factory.mktemp("local")) as url:
        yield url


@pytest.mark.parametrize("host", [None, "localhost:8501", "127.0.0.1"])
def test_here_somebody_chooses_a_role(person, local, host):
    tab = person(local).open(host=host)
    assert "Choose a role" in tab.screen.html
    tab.run(press="Triage nurse")
    assert "Who waits" in tab.screen.html
    assert "not identified" in tab.screen.html


@pytest.mark.parametrize(
    "how",
    [
        {"source": "127.0.0.77"},  # any address but the one that Streamlit takes for this machine's own
        {"headers": {"X-Forwarded-For": "10.1.2.3"}},
        {"headers": {"Forwarded": "for=10.1.2.3"}},
        {"host": "rebound.example:8501"},
    ],
)
def test_from_elsewhere_nobody_does(person, local, how):
    tab = person(local).open(**how)
    assert NOT_HERE in tab.screen.html
    assert "Choose a role" not in tab.screen.html
    assert not tab.screen.buttons
