"""The command on a local Ray: hundreds of encounters in full, thousands of levels, a killed run that goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1100)]


class Batch:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.started: list[subprocess.Popen[str]] = []

    def command(self, path: Path, *more: str) -> list[str]:
        words = ["assess", "--batch", str(path), "--out", str(self.out), "--engine", "none", *more]
        return [sys.executable, "-c", "from ui.cli import main; main()", *words]

    def start(self, path: Path, *more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command(path, *more),
            # Ray gives its workers the lowest rank: on a busy machine these tests would take for ever.
            env={
                **os.environ,
                "TRIAGE_DATA_DIR": str(self.folder / "data"),
                "RAY_worker_niceness": "0",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def run(self, path: Path, *more: str) -> tuple[int, str]:
        process = self.start(path, *more)
        out, _ = process.communicate(timeout=1000)
        return process.returncode, out

    @property
    def parts(self) -> list[Path]:
        return sorted(self.out.glob("part-*.parquet"))

    def units(self) -> list[int]:
        return [unit for part in self.parts for unit in pq.read_table(part).column("unit").to_pylist()]


@pytest.fixture
def batch(tmp_path):
    opened = Batch(tmp_path)
    yield opened
    opened.close()


def test_three_hundred_in_full(batch, ndjson):
    code, out = batch.run(ndjson(300), "--part-rows", "100")
    assert code == 4, out  # rules alone, for no model is configured
    assert "300 rows of 300 units, 0 without a level; 300 new" in out
    assert batch.units() == list(range(300))
    assert all(pq.read_table(part).column("assessment").null_count == 0 for part in batch.parts)


def test_two_thousand_levels_and_a_killed_run_goes_on(batch, ndjson):
    path = ndjson(2000)
    process = batch.start(path, "--levels-only", "--part-rows", "100", "--workers", "2")
    end = time.monotonic() + 600
    while len(batch.parts) < 3:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = len(batch.parts)
    assert kept < 20
    before = {part.name: part.stat().st_mtime_ns for part in batch.parts}

    code, out = batch.run(path, "--levels-only", "--part-rows", "100", "--workers", "2")
    assert code == 4, out
    assert "2000 rows of 2000 units, 0 without a level" in out
    assert len(batch.parts) == 20
    assert batch.units() == list(range(2000))
    assert not list(batch.out.glob(".part*"))
    after = {part.name: part.stat().st_mtime_ns for part in batch.parts}
    assert len([name for name in before if after[name] == before[name]]) == len(before)
