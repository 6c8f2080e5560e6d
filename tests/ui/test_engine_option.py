"""The model server from the command line, when it is not there."""

import socket

import pytest

from triage.slm.vllm import ServerAbsentError
from ui.cli.exits import Exit


@pytest.fixture
def nobody(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("TRIAGE_MODEL__URL", url)
    return url


def test_a_server_that_is_away_leaves_the_rules_and_says_what_to_do(triage, bundle_file, nobody):
    result = triage("assess", str(bundle_file("26")), "--engine", "vllm", "--json")
    assert result.code == Exit.RULES_ONLY
    (case,) = result.lines
    assert (case["assessment"]["mode"], case["assessment"]["mode_reason"]) == (
        "rules-only",
        "ServerAbsentError",
    )
    assert "TRIAGE_MODEL__URL" in result.err


def test_no_engine_is_a_choice_too(triage, bundle_file):
    result = triage("assess", str(bundle_file("26")), "--engine", "none", "--json")
    assert result.code == Exit.RULES_ONLY


def test_the_configuration_check_names_a_server_that_is_away(triage, nobody, monkeypatch):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "vllm")
    result = triage("config", "check", records=False)
    assert result.code == Exit.FAILED
    assert f"{nobody}: ServerAbsentError" in result.out


def test_a_wrong_address_is_a_configuration_error(triage, monkeypatch):
    monkeypatch.setenv("TRIAGE_MODEL__URL", "http://gpu.hospital.example:8000")
    result = triage("config", "show", records=False)
    assert result.code == Exit.USAGE
    assert "https" in result.err


def test_parity_needs_the_server(triage, nobody):
    with pytest.raises(ServerAbsentError):
        triage("model", "parity", "--cases", "1", records=False)
