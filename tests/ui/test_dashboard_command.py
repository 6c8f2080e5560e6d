"""``triage ui``: where it may listen, and what Streamlit is told."""

from pathlib import Path

import pytest

from integrations.settings import Settings, UiSettings
from ui.cli import dashboard
from ui.cli.exits import Exit

AUTH = """
[auth]
redirect_uri = "https://triage.hospital.example/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "c"
client_secret = "t"
server_metadata_url = "https://id.hospital.example/.well-known/openid-configuration"
"""


@pytest.fixture
def served(monkeypatch):
    """What would be served, without serving it."""
    found = []
    monkeypatch.setattr(dashboard, "serve", found.append)
    for name in ("TRIAGE_DATA_DIR", "TRIAGE_UI__DEMO"):
        monkeypatch.setenv(name, "")  # the command sets them; they are put back after the test
        monkeypatch.delenv(name)
    return found


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_accounts_it_listens_on_this_machine(triage, served, host):
    outcome = triage("ui", "--host", host, "--port", "8599")
    assert outcome.code == Exit.DONE, outcome.err
    assert served[0]["server_address"] == host
    assert served[0]["server_port"] == 8599


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "triage.hospital.example", "::"])
def test_without_accounts_no_other_machine_gets_in(triage, served, host):
    outcome = triage("ui", "--host", host)
    assert outcome.code == Exit.USAGE
    assert "TRIAGE_UI__OIDC_SECRETS" in outcome.err
    assert not served


def test_with_accounts_it_listens_where_it_is_told(triage, served, tmp_path, monkeypatch):
    secrets = tmp_path / "auth.toml"
    secrets.write_text(AUTH)
    secrets.chmod(0o640)
    monkeypatch.setenv("TRIAGE_UI__OIDC_SECRETS", str(secrets))
    assert triage("ui", "--host", "0.0.0.0").code == Exit.DONE
    assert served[0]["secrets_files"] == [str(secrets)]
    refused = triage("ui", "--demo")
    assert refused.code == Exit.USAGE
    assert "--demo" in refused.err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (None, "cannot be read"),
        ("not toml at all [", "cannot be read"),
        ("[other]\n", "redirect_uri"),
        (AUTH.replace('client_secret = "t"', ""), "client_secret"),
        (AUTH.replace("https://triage", "http://triage"), "redirect_uri that is not https"),
        (AUTH.replace("https://id", "http://id"), "server_metadata_url that is not https"),
        (AUTH.replace("/oauth2callback", "/callback"), "/oauth2callback"),
        (AUTH.replace("0123456789abcdef", "short", 1), "cookie_secret"),
    ],
)
def test_half_configured_accounts_are_refused(triage, served, tmp_path, monkeypatch, text, word):
    secrets = tmp_path / "auth.toml"
    if text is not None:
        secrets.write_text(text)
        secrets.chmod(0o600)
    monkeypatch.setenv("TRIAGE_UI__OIDC_SECRETS", str(secrets))
    outcome = triage("ui", "--host", "0.0.0.0")
    assert outcome.code == Exit.USAGE
    assert word in outcome.err
    assert not served


def test_the_example_of_the_documentation_has_no_secret_to_start_with(triage, served, tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "dashboard.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    secrets = tmp_path / "auth.toml"
    secrets.touch(mode=0o600)
    secrets.write_text(example)
    monkeypatch.setenv("TRIAGE_UI__OIDC_SECRETS", str(secrets))
    assert "cookie_secret" in triage("ui").err
    assert not served
    secrets.write_text(example.replace("CHANGE THIS", "0123456789abcdef" * 4))
    assert triage("ui").code == Exit.DONE


def test_secrets_that_everybody_may_open_are_refused(triage, served, tmp_path, monkeypatch):
    secrets = tmp_path / "auth.toml"
    secrets.write_text(AUTH)
    secrets.chmod(0o644)
    monkeypatch.setenv("TRIAGE_UI__OIDC_SECRETS", str(secrets))
    outcome = triage("ui")
    assert outcome.code == Exit.USAGE
    assert "chmod o=" in outcome.err
    assert not served


def test_a_misspelt_role_is_named(triage, served, tmp_path, monkeypatch):
    secrets = tmp_path / "auth.toml"
    secrets.write_text(AUTH)
    secrets.chmod(0o600)
    monkeypatch.setenv("TRIAGE_UI__OIDC_SECRETS", str(secrets))
    monkeypatch.setenv("TRIAGE_UI__ROLES", '{"ED-Nurses": "nurze"}')
    outcome = triage("ui")
    assert outcome.code == Exit.USAGE
    assert "nurze" in outcome.err
    assert "physician" in outcome.err
    assert not served


def test_streamlit_is_told_to_keep_to_itself():
    from streamlit import config

    flags = dashboard.options(Settings(ui=UiSettings()), "127.0.0.1", 8501)
    assert flags["client_showErrorDetails"] == "none"
    assert flags["client_disableDataExport"] is True
    assert flags["browser_gatherUsageStats"] is False
    assert flags["runner_fastReruns"] is False
    assert flags["server_enableAgentApi"] is False
    known = {name.replace(".", "_") for name in config.get_config_options()}
    assert set(flags) <= known
