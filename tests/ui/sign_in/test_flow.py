"""Signing in and out by OpenID Connect, over real HTTP, with a real provider and the real dashboard."""

import time

import pytest
from sign_in_parts import dashboard, provider

pytestmark = pytest.mark.slow

IDLE_SECONDS, TOKEN_SECONDS = 6, 9
COOKIE = "_streamlit_user"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, issuer):
    """A dashboard where people are idle soon."""
    with dashboard(tmp_path_factory.mktemp("hasty"), issuer, idle_minutes=IDLE_SECONDS / 60) as url:
        yield url


def test_a_nurse_comes_in_as_a_nurse(person, site):
    nadia = person(site)
    tab = nadia.open()
    assert "Sign in with your hospital account" in tab.screen.html
    assert tab.screen.pages == {"Sign in"}
    to = nadia.to_provider(tab)
    asked = to.params
    assert (asked["response_type"], asked["redirect_uri"]) == ("code", f"{site}/oauth2callback")
    assert (asked["scope"], asked["prompt"]) == ("openid email profile", "login")
    assert asked["nonce"]
    assert asked["state"]
    came = nadia.answer(to, "nadia")
    assert came.headers["location"] == "/"
    cookie = next(c for c in came.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}="))
    assert "httponly" in cookie.lower()
    screen = nadia.open().screen
    assert "Who waits" in screen.html
    assert "Signed in as nadia" in screen.html
    assert {"Board", "Patient", "New arrival"} <= screen.pages
    assert "Audit" not in screen.pages
    assert "Demonstration" not in screen.html


def test_the_claim_decides_the_role(person, site):
    screen = person(site).sign_in("ahmed").screen
    assert "Audit" in screen.pages
    assert "New arrival" not in screen.pages


def test_a_header_makes_nobody_somebody_else(person, site):
    nadia = person(site)
    nadia.sign_in("nadia")
    screen = nadia.open(headers={"X-User": "ahmed"}).screen
    assert "Signed in as nadia" in screen.html
    assert "ahmed" not in screen.html


@pytest.mark.parametrize(
    ("sub", "words"),
    [
        ("paula", "has no role here"),
        ("stranger", "does not say who you are"),
        ("both", "several roles"),
        ("nameless", "does not say who you are"),
    ],
)
def test_who_has_no_place_here_is_told_why(person, site, sub, words):
    somebody = person(site)
    tab = somebody.sign_in(sub)
    assert words in tab.screen.html
    assert "Who waits" not in tab.screen.html
    assert tab.screen.pages == {"Sign in"}
    tab.run(press="Sign in as somebody else")
    somebody.follow_out(tab)
    assert COOKIE not in somebody.http.cookies


def test_who_refuses_at_the_provider_is_not_in(person, site):
    nobody = person(site)
    to = nobody.to_provider(nobody.open())
    sent = nobody.http.post(to, data={"action": "deny"})
    assert "error=access_denied" in sent.headers["location"]
    assert nobody.http.get(sent.headers["location"]).headers["location"] == "/"
    assert COOKIE not in nobody.http.cookies
    assert "Sign in with your hospital account" in nobody.open().screen.html


def test_an_answer_is_good_once_and_for_the_browser_that_asked(person, site):
    nadia, thief = person(site), person(site)
    to = nadia.to_provider(nadia.open())
    answer = nadia.http.post(to, data={"sub": "nadia"}).headers["location"]
    thief.http.get(answer)
    assert COOKIE not in thief.http.cookies
    nadia.http.get(answer)
    assert COOKIE in nadia.http.cookies
    del nadia.http.cookies[COOKIE]
    nadia.http.get(answer)
    assert COOKIE not in nadia.http.cookies


def test_a_changed_cookie_lets_nobody_in(person, site):
    nadia = person(site)
    nadia.sign_in("nadia")
    kept = nadia.http.cookies[COOKIE]
    middle = len(kept) // 3
    other = "A" if kept[middle] != "A" else "B"
    screen = nadia.open({COOKIE: kept[:middle] + other + kept[middle + 1 :]}).screen
    assert "Sign in with your hospital account" in screen.html
    assert "Who waits" not in screen.html


def test_signing_out_ends_it_in_every_tab_and_for_a_kept_cookie(person, site):
    nadia = person(site)
    tab, other = nadia.sign_in("nadia"), nadia.open()
    kept = {name: value for name, value in nadia.http.cookies.items() if name.startswith(COOKIE)}
    assert "Who waits" in other.screen.html
    tab.run(press="Sign out")
    assert "Who waits" not in tab.screen.html
    nadia.follow_out(tab)
    assert not [name for name in nadia.http.cookies if name.startswith(COOKIE)]
    assert "Sign in with your hospital account" in nadia.open().screen.html
    other.run()
    assert "You signed out in another window" in other.screen.html
    assert "Who waits" not in other.screen.html
    again = nadia.open(kept).screen
    assert "Who waits" not in again.html
    assert "You signed out in another window" in again.html
    assert "Who waits" in nadia.sign_in("nadia").screen.html
    assert other.run().redirect is None  # it would take the new sign-in's cookie


def test_who_is_idle_is_signed_out_and_told_why(person, hasty):
    nadia, leaver = person(hasty), person(hasty)
    leaver.sign_in("nadia")  # and closes the tab: nothing watches over it
    tab = nadia.sign_in("nadia")
    watch = max(tab.screen.timers, key=lambda timer: timer.interval).fragment_id
    assert "Who waits" in tab.screen.html
    for _ in range(3):  # timers do not count as somebody being there
        time.sleep(IDLE_SECONDS / 2.5)
        tab.run(timer=watch)
    assert tab.screen.redirect == "/auth/logout", tab.screen.text
    assert "Who waits" not in tab.screen.html
    kept = {name: value for name, value in nadia.http.cookies.items() if name.startswith(COOKIE)}
    assert "nothing was done for a while" in nadia.open(kept).screen.html
    nadia.follow_out(tab)
    assert "nothing was done for a while" in nadia.open().screen.html
    assert "nothing was done for a while" not in nadia.open().screen.html
    again = leaver.open().screen
    assert again.redirect == "/auth/logout"
    assert "nothing was done for a while" in again.html
    assert "Who waits" not in again.html


def test_who_does_something_now_and_then_stays_in_every_tab(person, hasty):
    nadia = person(hasty)
    tab, other = nadia.sign_in("nadia"), nadia.open()
    for _ in range(3):
        time.sleep(IDLE_SECONDS / 2.5)
        assert "Who waits" in tab.run().html
    assert other.run().redirect is None
    assert "Who waits" in other.screen.html


def test_an_expired_token_signs_out(person, tmp_path):
    with (
        provider(tmp_path, token_seconds=TOKEN_SECONDS) as issuer,
        dashboard(tmp_path, issuer) as site,
    ):
        nadia = person(site)
        tab, wall = nadia.sign_in("nadia"), nadia.open()
        begun = time.monotonic()
        wall.run(press="Wall screen")
        assert "Nobody waits" in wall.screen.html
        watch_of_wall = max(wall.screen.timers, key=lambda timer: timer.interval).fragment_id
        assert "Who waits" in tab.screen.html
        watch = max(tab.screen.timers, key=lambda timer: timer.interval).fragment_id
        time.sleep(max(0.0, TOKEN_SECONDS + 1 - (time.monotonic() - begun)))
        wall.run(timer=watch_of_wall)
        assert wall.screen.redirect == "/auth/logout", wall.screen.text
        tab.run(timer=watch)
        assert "has expired" in tab.screen.html
        assert "Who waits" not in tab.screen.html
        assert "Who waits" not in nadia.open().screen.html
        nadia.follow_out(wall)
        assert COOKIE not in nadia.http.cookies
        assert "Who waits" in nadia.sign_in("nadia").screen.html
        nadia.close()


def test_a_wrong_client_secret_lets_nobody_in_and_is_not_shown(person, issuer, tmp_path):
    with dashboard(tmp_path, issuer, client_secret="not-this-one-at-all") as site:
        nadia = person(site)
        came = nadia.answer(nadia.to_provider(nadia.open()), "nadia")
        assert came.headers["location"] == "/"
        assert "Sign in with your hospital account" in nadia.open().screen.html
        nadia.close()
        written = next(tmp_path.glob("*/out")).read_text()
        assert "OAuth token exchange failed" in written
        assert "not-this-one-at-all" not in written
