"""Two vLLM replicas behind HAProxy, as `triage serve-model --replicas 2` starts them, and two workers on the queue; one
replica is killed with SIGKILL under load, comes back by itself, and answers again.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from worker_processes import Workers, ask, wait_for

from integrations.samples import samples
from integrations.sandbox import SandboxServer

REPOSITORY = Path(__file__).parents[3]
PATIENTS, LATER = 64, 8
KILLED_AFTER = 16
TIMEOUT_S = 30
"""What is shipped; one attempt may take 20 s of it."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def bundles() -> list[dict]:
    """More visits than there are samples: some come a second time, as others."""
    first = [sample.raw() for sample in samples()]
    again = [text.replace("sample-", "again-").replace("SAMPLE-", "AGAIN-") for text in first]
    return [json.loads(text) for text in (first + again)[: PATIENTS + LATER]]


def encounter(bundle: dict) -> str:
    kinds = {entry["resource"]["resourceType"]: entry["resource"]["id"] for entry in bundle["entry"]}
    return kinds["Encounter"]


@pytest.fixture
def arrivals(tmp_path):
    with SandboxServer(tmp_path / "arrivals", venv=REPOSITORY / ".venv-sekmet") as server:
        yield server


class Replicas:
    """`triage serve-model --replicas 2`, and HAProxy with the file that it wrote."""

    def __init__(self, folder: Path, haproxy) -> None:
        self.folder = folder
        self.output, self.balancer_log = folder / "serve-model.log", folder / "haproxy.log"
        command = [sys.executable, "-c", "from ui.cli import main; main()", "serve-model", "--replicas", "2"]
        command += [
            "--port",
            "0",
            "--max-num-seqs",
            "8",
            "--no-install",
            "--venv",
            str(REPOSITORY / ".venv-vllm"),
        ]
        environment = {**os.environ, "TRIAGE_DATA_DIR": str(folder)}
        with self.output.open("wb") as log:
            self.server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        self.balancer: subprocess.Popen | None = None
        self.haproxy = haproxy

    def ready(self) -> None:
        wait_for(lambda: self.server.poll() is not None or "Ctrl-C" in self.said(), 900)
        assert self.server.poll() is None, self.said()
        self.urls = re.findall(r"^replica \d +(http://\S+) after", self.said(), re.M)
        assert len(self.urls) == 2
        (self.url,) = re.findall(r"TRIAGE_MODEL__URL=(\S+)", self.said())
        program, variables = self.haproxy
        with self.balancer_log.open("wb") as log:
            self.balancer = subprocess.Popen(
                [*program, "-f", str(self.folder / "serving" / "haproxy.cfg")],
                env=variables,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: self.get(f"{self.url}/health") == 200, 30)

    def said(self) -> str:
        return self.output.read_text()

    def get(self, url: str) -> int:
        try:
            return httpx.get(url, trust_env=False, timeout=5).status_code
        except httpx.TransportError:
            return 0

    def counted(self, number: int, name: str) -> float:
        """A figure of the replica's own; 0 where it does not answer."""
        try:
            text = httpx.get(f"{self.urls[number]}/metrics", trust_env=False, timeout=10).text
        except httpx.TransportError:
            return 0.0
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(f"{name}{{")
        )

    def under_way(self, number: int) -> int:
        """Questions that the replica has had for a third of a second: the balancer has a connection for each."""

        def connections() -> set[str]:
            port, established = f":{int(self.urls[number].rsplit(':', 1)[1]):04X}", "01"
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            return {row[1] for row in rows if row[2].endswith(port) and row[3] == established}

        earlier = connections()
        time.sleep(0.33)
        return len(earlier & connections())

    def process(self, number: int) -> int:
        port = self.urls[number].rsplit(":", 1)[1]
        for file in Path(f"/proc/{self.server.pid}/task").glob("*/children"):
            for pid in file.read_text().split():
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                if "--port" in words and words[words.index("--port") + 1] == port:
                    return int(pid)
        raise AssertionError("no such replica")

    def close(self) -> None:
        if self.balancer is not None:
            self.balancer.kill()
            self.balancer.wait()
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(90)


@pytest.fixture
def replicas(no_served_model, tmp_path, haproxy):
    folder = tmp_path / "model"
    folder.mkdir()
    opened = Replicas(folder, haproxy)
    yield opened
    opened.close()


def test_a_killed_replica_loses_no_case_and_delays_none_beyond_the_time_out(
    replicas, arrivals, database, tmp_path
):
    visits = bundles()
    for bundle in visits[:PATIENTS]:
        arrivals.load(bundle)
    replicas.ready()
    workers = Workers(
        arrivals.base_url,
        database,
        tmp_path,
        QUEUE__CONCURRENCY="4",
        QUEUE__SILENT_SECONDS="60",
        FHIR__WRITE_BACK="false",
        MODEL__ENGINE="vllm",
        MODEL__URL=replicas.url,
        MODEL__API_KEY_FILE=str(replicas.folder / "serving" / "api-key"),
        MODEL__TIMEOUT_SECONDS=str(TIMEOUT_S),
        MODEL__SECOND_LOOK_SECONDS="0",
    )
    try:
        workers.start(), workers.start()
        wait_for(lambda: all("takes jobs" in workers.log(n) for n in (0, 1)), 180)
        put = workers.triage("enqueue")
        assert f"{PATIENTS} queued" in put.stdout, put.stdout + put.stderr
        began = time.monotonic()

        def done() -> int:
            return ask(database, "SELECT count(*) FROM assessments")[0][0]

        wait_for(lambda: done() >= KILLED_AFTER, 300)
        victim = replicas.process(0)
        wait_for(lambda: replicas.under_way(0) >= 2, 120)
        os.killpg(victim, signal.SIGKILL)
        before = done()
        assert before < PATIENTS - 16
        wait_for(lambda: done() == PATIENTS, 600)
        took = time.monotonic() - began

        wait_for(lambda: replicas.get(f"{replicas.urls[0]}/ready") == 200, 400)
        wait_for(lambda: "replica1 is UP" in replicas.balancer_log.read_text(), 30)
        warm = replicas.counted(0, "vllm:request_success_total")
        for bundle in visits[PATIENTS:]:
            arrivals.load(bundle)
        later = [encounter(bundle) for bundle in visits[PATIENTS:]]
        assert f"{LATER} queued" in workers.triage("enqueue", *later).stdout
        wait_for(lambda: done() == PATIENTS + LATER, 300)
        assert replicas.counted(0, "vllm:request_success_total") > warm
        wait_for(lambda: ask(database, "SELECT count(*) FROM procrastinate_jobs") == [(0,)], 120)
    finally:
        workers.close()

    everyone = PATIENTS + LATER
    assert ask(database, "SELECT phase, count(*) FROM cases GROUP BY phase") == [
        ("awaiting-review", everyone)
    ]
    assert ask(database, "SELECT count(*), count(DISTINCT case_id) FROM assessments") == [
        (everyone, everyone)
    ]
    mode = "SELECT DISTINCT value::jsonb ->> 'mode', value::jsonb ->> 'mode_reason' FROM assessments"
    assert ask(database, mode) == [("model", None)]
    seconds = [
        found
        for (found,) in ask(
            database,
            "SELECT extract(epoch FROM a.created_at - i.created_at)::float "
            "FROM assessments a JOIN intake i ON i.id = a.id ORDER BY a.created_at",
        )
    ]
    assert max(seconds) <= TIMEOUT_S
    balanced = replicas.balancer_log.read_text()
    lost = len(re.findall(r"replica1 502", balanced))
    assert lost >= 1, "nothing was under way on the replica that was killed"
    assert "replica1 is DOWN" in balanced
    assert not re.search(r"sample-|again-|completions", balanced + replicas.said())
    print(
        f"\n{PATIENTS} cases in {took:.0f} s, killed after {before}, {lost} questions lost and asked again; seconds a "
        f"case before the kill: median {statistics.median(seconds[:before]):.1f}, longest {max(seconds[:before]):.1f}; "
        f"after it: median {statistics.median(seconds[before:PATIENTS]):.1f}, "
        f"longest {max(seconds[before:PATIENTS]):.1f}; {re.findall('is back after .*', replicas.said())}"
    )
