"""What is remembered of sign-ins, and which addresses are this machine's own."""

from datetime import timedelta

import pytest
from screen_parts import NOON

from ui.dashboard.auth import sittings
from ui.dashboard.auth.addresses import asked_from_here, is_loopback
from ui.dashboard.auth.sittings import Sittings, key_of

CLAIMS = {"iss": "https://id.example", "sub": "n1", "iat": NOON.timestamp(), "nonce": "a"}


def test_two_sign_ins_of_one_person_are_two():
    assert key_of(CLAIMS) == key_of({**CLAIMS, "email": "changed@example.org"})
    assert key_of(CLAIMS) != key_of({**CLAIMS, "nonce": "b"})
    assert "n1" not in key_of(CLAIMS)


def test_use_counts_and_after_a_restart_the_time_of_issue():
    known, key = Sittings(), key_of(CLAIMS)
    assert known.last_used(key, CLAIMS) == NOON
    known.touch(key, NOON + timedelta(minutes=5))
    assert known.last_used(key, CLAIMS) == NOON + timedelta(minutes=5)
    assert Sittings().last_used(key, CLAIMS) == NOON


@pytest.mark.parametrize("iat", [None, "now", True, 1e300])
def test_nobody_knows_when_a_token_without_a_time_was_used(iat):
    assert Sittings().last_used("k", {**CLAIMS, "iat": iat}) is None


def test_what_has_ended_stays_so_and_an_explanation_is_given_once():
    known = Sittings()
    assert known.ended("k") is None
    known.end("k", "idle")
    assert known.ended("k") == "idle"
    known.explain("browser", "idle")
    assert known.explanation("other") is None
    assert known.explanation("browser") == "idle"
    assert known.explanation("browser") is None


def test_only_so_much_is_kept_and_the_newest_of_it(monkeypatch):
    monkeypatch.setattr(sittings, "_MOST", 3)
    known = Sittings()
    for number in range(5):
        known.end(str(number), "ended")
        known.touch(f"used {number}", NOON + timedelta(minutes=1))
    assert [number for number in range(5) if known.ended(str(number))] == [2, 3, 4]
    assert known.last_used("used 0", CLAIMS) == NOON
    assert known.last_used("used 4", CLAIMS) != NOON


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_own_addresses(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example"])
def test_other_addresses(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST"])
def test_asked_under_an_own_name(host):
    assert asked_from_here({"Host": host})


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1:8501", "127.0.0.1@evil.example", "[bad", ""])
def test_asked_under_another_name(host):
    assert not asked_from_here({"Host": host})


def test_asked_by_a_proxy():
    assert not asked_from_here({"Host": "localhost", "X-Forwarded-For": "10.0.0.1"})
