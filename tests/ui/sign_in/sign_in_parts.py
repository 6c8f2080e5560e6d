"""A real OpenID Connect provider, the real dashboard, and somebody at a browser without a browser.

The person's HTTP client keeps the cookies; the page comes over Streamlit's WebSocket, as the browser gets it.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import httpx
from google.protobuf import text_format
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

PEOPLE = {
    "nadia": {"preferred_username": "nadia", "realm_access": {"roles": ["offline_access", "ED-Nurses"]}},
    "ahmed": {"preferred_username": "ahmed", "realm_access": {"roles": ["ED-Auditors"]}},
    "paula": {"preferred_username": "paula", "realm_access": {"roles": ["Porters"]}},
    "both": {"preferred_username": "both", "realm_access": {"roles": ["ED-Nurses", "ED-Auditors"]}},
    "nameless": {"realm_access": {"roles": ["ED-Nurses"]}},
}
"""Invented. Their claims look as Keycloak's do."""
ROLES = {"ED-Nurses": "nurse", "ED-Auditors": "auditor"}
_DASHBOARD = "import sys; sys.argv = ['triage', 'ui', *sys.argv[1:]]; from ui.cli import main; main()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(arguments: list[str], healthy: str, out: Path, **environment: str) -> Iterator[None]:
    """A process that answers at ``healthy``, ended at the end."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TRIAGE_", "STREAMLIT_"))}
    with out.open("ab") as written:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=out.parent,
            env={**kept, **environment},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + 90
        while True:
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < end, out.read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(healthy, timeout=5, trust_env=False).status_code == 200:
                    break
            time.sleep(0.2)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def provider(folder: Path, *, token_seconds: int = 3600) -> Iterator[str]:
    """The provider, which knows the clients that register, and asks for a nonce; gives its address."""
    port = free_port()
    # By this name, because without TLS the provider answers under no other.
    url = f"http://localhost:{port}"
    users = [f"--user-claims={json.dumps({'sub': name, **claims})}" for name, claims in PEOPLE.items()]
    command = ["-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "-r", "-n"]
    with running(
        [*command, f"--token-max-age={token_seconds}", *users],
        f"{url}/.well-known/openid-configuration",
        folder / f"provider-{port}.out",
    ):
        yield url


@contextlib.contextmanager
def dashboard(
    folder: Path, issuer: str, *, idle_minutes: float = 15, client_secret: str | None = None
) -> Iterator[str]:
    """``triage ui`` as docs/dashboard.md configures it; gives its address. It is registered with the provider first."""
    port = free_port()
    folder = folder / str(port)
    folder.mkdir()
    url = f"http://127.0.0.1:{port}"
    registered = httpx.post(
        f"{issuer}/oauth2/clients", json={"redirect_uris": [f"{url}/oauth2callback"]}, trust_env=False
    ).json()
    secrets = folder / "auth.toml"
    secrets.touch(mode=0o600)
    secrets.write_text(
        f'[auth]\nredirect_uri = "{url}/oauth2callback"\ncookie_secret = "{os.urandom(24).hex()}"\n'
        f'client_id = "{registered["client_id"]}"\n'
        f'client_secret = "{client_secret or registered["client_secret"]}"\n'
        f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        '[auth.client_kwargs]\nprompt = "login"\n'
    )
    (folder / ".streamlit").mkdir()  # what the working folder might hold: it must change nothing
    (folder / ".streamlit/config.toml").write_text(
        '[server.trustedUserHeaders]\nX-User = "preferred_username"\n[client]\nshowErrorDetails = "full"\n'
    )
    with running(
        ["-c", _DASHBOARD, "--port", str(port)],
        f"{url}/_stcore/health",
        folder / "out",
        TRIAGE_DATA_DIR=str(folder / "records"),
        TRIAGE_MODEL__ENGINE="none",
        TRIAGE_UI__OIDC_SECRETS=str(secrets),
        TRIAGE_UI__ROLE_CLAIM="realm_access.roles",
        TRIAGE_UI__ROLES=json.dumps(ROLES),
        TRIAGE_UI__NAME_CLAIM="preferred_username",
        TRIAGE_UI__IDLE_MINUTES=str(idle_minutes),
    ):
        yield url


@contextlib.contextmanager
def unguarded(folder: Path) -> Iterator[str]:
    """The local mode as somebody might start it past ``triage ui``: Streamlit itself, on every address."""
    port = free_port()
    script = files("ui.dashboard").joinpath("app.py")
    command = ["-m", "streamlit", "run", str(script), "--server.headless=true", "--server.address=0.0.0.0"]
    url = f"http://127.0.0.1:{port}"
    with running(
        [*command, f"--server.port={port}", "--browser.gatherUsageStats=false"],
        f"{url}/_stcore/health",
        folder / "out",
        TRIAGE_DATA_DIR=str(folder / "records"),
        TRIAGE_MODEL__ENGINE="none",
    ):
        yield url


class Screen:
    """What one run of the page drew."""

    def __init__(self, messages: list[ForwardMsg]) -> None:
        self.text = "\n".join(text_format.MessageToString(message, as_utf8=True) for message in messages)
        self.redirect = next((m.auth_redirect.url for m in messages if m.auth_redirect.url), None)
        drawn = [m.delta.new_element for m in messages if m.HasField("delta")]
        self.html = "\n".join(element.html.body for element in drawn if element.HasField("html"))
        self.buttons = {e.button.label: e.button.id for e in drawn if e.HasField("button")}
        self.timers = [m.auto_rerun for m in messages if m.HasField("auto_rerun")]
        self.pages = {p.page_name for m in messages for p in m.navigation.app_pages}


class Tab:
    """One tab of the browser: one WebSocket, one session."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.screen = self.run()

    def run(self, *, press: str | None = None, timer: str | None = None) -> Screen:
        """Ask for a run as the browser does: by loading, by pressing a button, or by a timer."""
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string = ""
        if press is not None:
            pressed = state.widget_states.widgets.add()
            pressed.id, pressed.trigger_value = self.screen.buttons[press], True
        if timer is not None:
            state.fragment_id = timer
        self._connection.send(asked.SerializeToString())
        self.screen = Screen(self._until_finished())
        return self.screen

    def _until_finished(self) -> list[ForwardMsg]:
        messages = []
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._connection.recv(timeout=30))
            messages.append(message)
            # A timer's piece that asks for the whole page is followed by that page.
            finished = message.WhichOneof("type") == "script_finished"
            if finished and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return messages


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)
        self._open = contextlib.ExitStack()
        self._open.enter_context(self.http)

    def close(self) -> None:
        self._open.close()

    def open(
        self,
        cookies: Mapping[str, str] | None = None,
        *,
        host: str | None = None,
        source: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
    ) -> Tab:
        """A new tab, with the browser's cookies and others; under another name, from another address, by a proxy."""
        self.http.get("/_stcore/health").raise_for_status()
        kept = dict(self.http.cookies) | dict(cookies or {})
        cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
        where = host or self.url.removeprefix("http://")
        way = connect(
            f"ws://{where}/_stcore/stream",
            sock=socket.create_connection(
                ("127.0.0.1", httpx.URL(self.url).port), source_address=(source, 0)
            ),
            origin=f"http://{where}",
            subprotocols=["streamlit", kept["_streamlit_xsrf"]],
            additional_headers={"Cookie": cookie, **(headers or {})},
            max_size=None,
            proxy=None,
        )
        return Tab(self._open.enter_context(way))

    def to_provider(self, tab: Tab) -> httpx.URL:
        """Press "Sign in" and follow it; gives the address of the provider's own page."""
        address = tab.run(press="Sign in").redirect
        assert address is not None, tab.screen.text
        sent = self.http.get(address)
        assert sent.status_code == 302
        return httpx.URL(sent.headers["location"])

    def answer(self, address: httpx.URL, sub: str) -> httpx.Response:
        """Say to the provider who one is; gives the dashboard's answer to its callback."""
        said = self.http.post(address, data={"sub": sub})
        assert said.status_code == 302, said.text
        return self.http.get(said.headers["location"])

    def sign_in(self, sub: str) -> Tab:
        """The whole way; gives a tab that was opened with the cookie."""
        came = self.answer(self.to_provider(self.open()), sub)
        assert came.status_code == 302
        return self.open()

    def follow_out(self, tab: Tab) -> None:
        """Where signing out leads: the dashboard takes the cookie back, the provider ends its session."""
        assert tab.screen.redirect == "/auth/logout", tab.screen.text
        sent = self.http.get(tab.screen.redirect)
        page = self.http.get(sent.headers["location"])
        assert "/oauth2/end_session" in str(page.url)
        confirm = re.search(r'action="([^"]*end_session/confirm)"', page.text)
        assert confirm, page.text
        back = self.http.post(
            page.url.join(confirm[1]), data={"redirect_uri": page.url.params["post_logout_redirect_uri"]}
        )
        assert self.http.get(back.headers["location"]).headers["location"] == "/"
