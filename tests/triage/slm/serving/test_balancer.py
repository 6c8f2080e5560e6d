"""What stands before several servers: a real HAProxy with the configuration that is written, and small servers."""

import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from triage.slm.serving import BalancerOptions, ServeError, haproxy_config
from triage.slm.serving.process import free_port
from triage.slm.serving.replicas import free_ports

SMALL_SERVER = str(Path(__file__).with_name("small_server.py"))
SECRET = "Samplewood-Ottoline"
TWO = ("http://127.0.0.1:8001", "http://127.0.0.1:8002")


def listens(port) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Ward:
    """Two small servers behind HAProxy."""

    def __init__(self, folder: Path, program) -> None:
        self.folder = folder
        self.ports = free_ports("127.0.0.1", 0, 2)
        self.port = free_port("127.0.0.1", 0)
        self.processes = {}
        self.program = program

    def note(self, port) -> list[str]:
        file = self.folder / str(port)
        return file.read_text().splitlines() if file.exists() else []

    def start(self, port, seconds=2.0, status=200):
        note = str(self.folder / str(port))
        self.processes[port] = subprocess.Popen(
            [sys.executable, SMALL_SERVER, str(port), note, str(seconds), str(status)],
            stderr=subprocess.DEVNULL,
        )
        self.until(lambda: listens(port))

    def balance(self):
        urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        (self.folder / "haproxy.cfg").write_text(haproxy_config(urls, BalancerOptions(port=self.port)))
        command, variables = self.program
        with (self.folder / "haproxy.log").open("wb") as log:
            self.processes["balancer"] = subprocess.Popen(
                [*command, "-f", str(self.folder / "haproxy.cfg")], env=variables, stdout=log, stderr=log
            )
        self.until(lambda: self.get("/health") == 200)

    def log(self) -> str:
        return (self.folder / "haproxy.log").read_text()

    def get(self, path) -> int:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False).status_code
        except httpx.TransportError:
            return 0

    def ask(self, number, timeout=30.0):
        began = time.monotonic()
        body = {"number": number, "prompt": SECRET}
        headers = {"Authorization": "Bearer of-the-key"}
        url = f"http://127.0.0.1:{self.port}/v1"
        try:
            with httpx.Client(headers=headers, timeout=timeout, trust_env=False) as client:
                client.get(
                    f"{url}/models"
                )  # the question is not the first on its connection, as with a worker
                answer = client.post(f"{url}/completions", json=body)
        except httpx.TimeoutException:
            return 0, None, time.monotonic() - began
        port = answer.json()["port"] if answer.status_code == 200 else None
        return answer.status_code, port, time.monotonic() - began

    def up(self, port) -> bool:
        number = self.ports.index(port) + 1
        found = re.findall(rf"replica{number} is (UP|DOWN)", self.log())
        return not found or found[-1] == "UP"

    def until(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def ward(tmp_path, haproxy):
    opened = Ward(tmp_path, haproxy)
    yield opened
    opened.close()


@pytest.mark.slow
class TestRunning:
    def test_a_question_on_its_way_is_never_sent_again_and_a_new_one_goes_elsewhere(self, ward):
        first, second = ward.ports
        for port in ward.ports:
            ward.start(port)
        ward.balance()
        with ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(ward.ask, number) for number in range(4)]
            ward.until(lambda: len(ward.note(first)) == len(ward.note(second)) == 2)
            ward.processes[first].kill()
            ward.processes[first].wait()
            again = [threads.submit(ward.ask, number) for number in range(4, 8)]
            lost, new = [one.result() for one in asked], [one.result() for one in again]
        assert sorted(status for status, _, _ in lost) == [200, 200, 502, 502]
        assert {(status, port) for status, port, _ in new} == {(200, second)}
        assert all(seconds < 5 for _, _, seconds in lost + new)
        notes = ward.note(first) + ward.note(second)
        assert sorted(notes) == sorted(f"asked {number}" for number in range(8))

        ward.until(lambda: not ward.up(first))
        ward.start(first)
        ward.until(lambda: ward.up(first))
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(ward.ask, range(8, 12)))
        assert {(status, port) for status, port, _ in found} == {(200, first), (200, second)}
        ward.processes[second].kill()
        ward.processes[first].kill()
        ward.until(lambda: ward.get("/health") == 503)
        assert ward.ask(12)[0] == 503
        assert len(re.findall(r"replica1 502 ", ward.log())) == 2
        assert SECRET not in ward.log()
        assert "of-the-key" not in ward.log()
        assert "completions" not in ward.log()

    def test_a_replica_that_says_nothing_gives_its_questions_back(self, ward):
        for port in ward.ports:
            ward.start(port, seconds=3)
        ward.balance()
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(ward.ask, number) for number in range(4)]
            ward.until(lambda: sum(len(ward.note(port)) for port in ward.ports) == 4)
            ward.processes[ward.ports[0]].send_signal(signal.SIGSTOP)
            found = [one.result() for one in asked]
        assert sorted(status for status, _, _ in found) == [200, 200, 502, 502]
        assert max(seconds for _, _, seconds in found) < 13
        assert ward.ask(4)[:2] == (200, ward.ports[1])

    def test_an_answer_that_is_an_error_is_passed_on(self, ward):
        for port in ward.ports:
            ward.start(port, seconds=0, status=500)
        ward.balance()
        assert ward.ask(0)[0] == 500
        assert sum(len(ward.note(port)) for port in ward.ports) == 1

    def test_who_gives_up_is_not_worked_for(self, ward):
        for port in ward.ports:
            ward.start(port, seconds=20)
        ward.balance()
        assert ward.ask(0, timeout=1)[0] == 0
        ward.until(lambda: "given up" in ward.note(ward.ports[0]) + ward.note(ward.ports[1]), 5)

    def test_only_questions_pass_and_the_replica_sees_that_they_come_from_elsewhere(self, ward):
        for port in ward.ports:
            ward.start(port)
        ward.balance()
        for path in (
            "/metrics",
            "/ready",
            "/v1/load_lora_adapter",
            "/v1/models/../load_lora_adapter",
            "//v1/models",
        ):
            raw = socket.create_connection(("127.0.0.1", ward.port))
            with raw:
                raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                assert raw.recv(100).startswith(b"HTTP/1.1 404"), path
        seen = httpx.get(f"http://127.0.0.1:{ward.port}/v1/models", trust_env=False).json()["headers"]
        assert "x-forwarded-for" in {name.lower() for name in seen}


def test_by_default_it_listens_on_this_machine_alone():
    text = haproxy_config(TWO)
    assert "bind 127.0.0.1:8000\n" in text
    assert "server replica1 127.0.0.1:8001\n" in text
    assert "server replica2 127.0.0.1:8002\n" in text


def test_it_is_encrypted_for_other_machines(tmp_path):
    with pytest.raises(ServeError, match="certificate"):
        haproxy_config(TWO, BalancerOptions(host="0.0.0.0"))
    pem = tmp_path / "both.pem"
    text = haproxy_config(
        ["https://gpu1.example.org", "https://[::1]:8443"], BalancerOptions("0.0.0.0", 443, pem)
    )
    assert f"bind 0.0.0.0:443 ssl crt {pem} ssl-min-ver TLSv1.2\n" in text
    assert (
        "server replica1 gpu1.example.org:443 ssl verify required ca-file @system-ca verifyhost gpu1" in text
    )
    assert "server replica2 [::1]:8443 ssl verify required" in text
    assert "bind 0.0.0.0:80\n" in haproxy_config(TWO, BalancerOptions("0.0.0.0", 80, allow_plain_http=True))


@pytest.mark.parametrize(
    ("replicas", "words"),
    [
        ([], "at least one"),
        ([TWO[0], TWO[0]], "twice"),
        ([TWO[0], f"{TWO[0]}/v1"], "twice"),
        (["http://10.0.0.7:8000"], "https"),
        (["http://127.0.0.1:8000/model"], "path"),
        (["127.0.0.1:8000"], "http"),
        (["https://a)b"], "no host"),
        (["http://user:word@127.0.0.1:8000"], "password"),
    ],
)
def test_what_is_no_replica_is_refused(replicas, words):
    with pytest.raises(ServeError, match=words) as caught:
        haproxy_config(replicas)
    assert "user:word" not in str(caught.value)
