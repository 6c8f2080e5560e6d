"""What `triage eval run` costs over the rules themselves: 2,000 made-up visits, once in a loop and once as a run.

    python benchmarks/evaluation_overhead.py [--cases 2000]

The visits are the sample patients' vignettes' layout (``case_id, vignette, acuity``), so that both sides read the same
file. Everything of the run counts: starting Python, reading, Inspect and its log, scores with intervals, the report.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from eval.predictors import CaseFile, InputTask, ReadCase
from eval.predictors.rules import RulesPredictor
from triage.training.corpus import ktas

COMPLAINTS = (
    "chest pain",
    "ankle sprain",
    "fever",
    "medication refill",
    "palpitation",
    "headache",
    "cough",
    "fall",
)


def visits(count: int) -> list[dict[str, str]]:
    """Made-up adults in the KTAS layout; no two alike."""
    rows = []
    for number in range(count):
        row = dict.fromkeys((*ktas.TRIAGE_COLUMNS, "site", "acuity", "nurse_acuity"), "")
        row |= {
            "case_id": f"made-up-{number}",
            "site": "nowhere",
            "sex": ("female", "male")[number % 2],
            "age_years": str(18 + number % 80),
            "arrival_mode": "walking",
            "injury": "no",
            "chief_complaint": COMPLAINTS[number % len(COMPLAINTS)],
            "avpu": "alert",
            "sbp": f"{100 + number % 60}.0",
            "dbp": f"{60 + number % 30}.0",
            "pulse": f"{60 + number % 71}.0",
            "resp_rate": f"{12 + number % 13}.0",
            "temp_c": f"{36 + number % 30 / 10:.1f}",
            "spo2": f"{90 + number % 11}.0",
            "acuity": str(1 + number % 5),
            "nurse_acuity": str(1 + number % 5),
        }
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    count = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "visits.csv"
        rows = visits(count)
        with data.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        rules = RulesPredictor()
        cases = [case for case in CaseFile(data, InputTask.KTAS).cases() if isinstance(case, ReadCase)]
        wall, cpu = perf_counter(), process_time()
        for case in cases:
            rules.predict([case])
        wall, cpu = perf_counter() - wall, process_time() - cpu
        command = [
            *(
                str(Path(sys.executable).with_name("triage")),
                "eval",
                "run",
                "--task",
                "ktas",
                "--model",
                "rules",
            ),
            *("--data", str(data), "--out", str(Path(folder) / "out")),
        ]
        before = os.times()
        began = perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took = perf_counter() - began
        after = os.times()
        child = after.children_user + after.children_system - before.children_user - before.children_system
    print(
        json.dumps(
            {
                "cases": count,
                "rules_ms_per_case": round(1000 * wall / count, 2),
                "run_ms_per_case": round(1000 * took / count, 2),
                "over_the_rules_ms_per_case": round(1000 * (took - wall) / count, 2),
                "over_the_rules_processor_ms_per_case": round(1000 * (child - cpu) / count, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
