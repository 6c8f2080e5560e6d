import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg


class Workers:
    """Real `triage worker` processes; ``changes`` are settings without their TRIAGE_."""

    def __init__(self, base_url: str, database: str, folder: Path, **changes: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "TRIAGE_FHIR__BASE_URL": base_url,
            "TRIAGE_FHIR__WRITE_BACK": "true",
            "TRIAGE_DATABASE_URL": database,
            "TRIAGE_DATA_DIR": str(folder / "data"),
            "TRIAGE_QUEUE__URL": database,
            "TRIAGE_QUEUE__SILENT_SECONDS": "5",
            "TRIAGE_QUEUE__CONCURRENCY": "2",
            "TRIAGE_MODEL__ENGINE": "embedded",
            "TRIAGE_MODEL__THREADS": "1",
            "TRIAGE_MODEL__TIMEOUT_SECONDS": "120",
            **{f"TRIAGE_{name}": value for name, value in changes.items()},
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from ui.cli import main; main()", *arguments]

    def start(self) -> subprocess.Popen[bytes]:
        log = (self.folder / f"worker-{len(self.running)}.log").open("wb")
        process = subprocess.Popen(
            self.command("worker"), env=self.environment, cwd=self.folder, stdout=log, stderr=log
        )
        log.close()
        self.running.append(process)
        return process

    def log(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def triage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def close(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


def ask(database: str, query: str) -> list[tuple]:
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        return connection.execute(query).fetchall()


def wait_for(reached, seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = reached()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("not reached in time")
