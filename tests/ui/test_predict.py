"""``triage predict`` from the outside: files, exit codes, and what is said."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from eval.predictions import COLUMNS, read_predictions
from ui.cli.exits import Exit

REPOSITORY = Path(__file__).parents[2]
COMPLAINTS = ("chest pain", "ankle sprain", "fever", "medication refill", "palpitation", "headache")


def row(number: int) -> dict[str, str]:
    return {
        "case_id": f"k-{number}",
        "sex": "female",
        "age_years": str(20 + number % 70),
        "arrival_mode": "walking",
        "injury": "no",
        "chief_complaint": COMPLAINTS[number % len(COMPLAINTS)],
        "avpu": "alert",
        "pain_present": "no",
        "pain_0_10": "",
        "sbp": "128.0",
        "dbp": "78.0",
        "pulse": "80.0",
        "resp_rate": "16.0",
        "temp_c": "36.7",
        "spo2": "",
        "acuity": "3",
        "post_diagnosis": "Cystitis",
    }


@pytest.fixture
def ktas(tmp_path):
    def write(count: int = 4, name: str = "ktas.csv", **changes: str) -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row(0)))
            writer.writeheader()
            writer.writerows(row(number) | changes for number in range(count))
        return path

    return write


@pytest.fixture
def predict(triage, tmp_path):
    def run(data: Path, *arguments: str, model: str = "rules", out: str = "out.csv"):
        return triage(
            *("predict", "--task", "ktas", "--data", str(data), "--out", str(tmp_path / out)),
            *("--model", model, *arguments),
            records=False,
        )

    return run


def test_a_file_becomes_predictions_and_a_run_record(predict, ktas, tmp_path):
    result = predict(ktas(), model="base")
    assert result.code == Exit.DONE, result.err
    assert "4 of 4 cases have a level (KTAS, base); 0 failed" in result.out
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == ",".join(COLUMNS)
    found = read_predictions(tmp_path / "out.csv")
    assert [item.case_id for item in found] == ["k-0", "k-1", "k-2", "k-3"]
    assert all(item.predicted and item.probabilities and item.most_urgent for item in found)
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["finished"]
    assert record["setup"]["provenance"]["identity"]["weights_sha256"]
    assert record["setup"]["provenance"]["decoding"] == "full"
    assert record["command"] == "triage predict --task ktas --data ktas.csv --out out.csv --model base"


def test_labels_in_the_file_change_nothing(predict, ktas, tmp_path):
    for name, acuity in (("a", "1"), ("b", "5"), ("c", "")):
        assert predict(ktas(name=f"{name}.csv", acuity=acuity), out=f"out-{name}.csv").code == Exit.DONE
    one, two, three = (tmp_path / f"out-{name}.csv" for name in "abc")
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()


def test_many_cases_are_decoded_by_their_level_alone_unless_asked_otherwise(
    predict, ktas, tmp_path, monkeypatch
):
    monkeypatch.setattr("ui.cli.predict.LEVELS_ONLY_ABOVE", 3)

    def decoding(*arguments: str) -> str:
        assert predict(ktas(), *arguments, model="agent-prior").code == Exit.DONE
        return json.loads((tmp_path / "out.json").read_text())["setup"]["provenance"]["decoding"]

    assert decoding() == "level"
    assert decoding("--full") == "full"


def test_cases_without_a_level_are_counted_and_change_the_exit_code(triage, tmp_path):
    data = tmp_path / "esi.jsonl"
    vignettes = ("A 30-year-old man with a cut finger. HR 80.", " ")
    data.write_text(
        "".join(json.dumps({"case_id": str(i), "vignette": v}) + "\n" for i, v in enumerate(vignettes))
    )
    arguments = (
        "predict",
        "--task",
        "esi",
        "--data",
        str(data),
        "--out",
        str(tmp_path / "o.csv"),
        "--model",
        "rules",
    )
    result = triage(*arguments, records=False)
    assert result.code == Exit.SOME_UNREADABLE
    assert "1 of 2 cases have a level (ESI, rules); 1 failed" in result.out
    assert "1 x unreadable" in result.out
    assert [item.predicted is None for item in read_predictions(tmp_path / "o.csv")] == [False, True]


def test_the_diagnosis_is_announced(predict, ktas, tmp_path):
    plain = predict(ktas(), out="plain.csv")
    assert "DIAGNOSIS" not in plain.err
    result = predict(ktas(), "--with-diagnosis")
    assert result.code == Exit.DONE
    assert "WITH THE DIAGNOSIS" in result.err
    assert json.loads((tmp_path / "out.json").read_text())["notice"].startswith("WITH THE DIAGNOSIS")


def test_options_that_do_not_go_together_are_usage_errors(predict, triage, ktas, tmp_path):
    data = ktas()
    assert predict(data, "--train", str(data)).code == Exit.USAGE
    assert predict(data, model="boosting").code == Exit.USAGE
    assert predict(tmp_path / "nowhere.csv").code == Exit.USAGE
    assert predict(data, model="gpt").code == Exit.USAGE
    arguments = ("predict", "--task", "nhamcs", "--data", str(data), "--out", "o.csv", "--model", "rules")
    assert triage(*arguments, "--with-diagnosis", records=False).code == Exit.USAGE
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.txt", "case_id\n1\n", "unknown format"),
        ("a.csv", "case_id,sex\n1,male\n", "missing columns age_years"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(name, content, message, predict, tmp_path):
    (tmp_path / name).write_text(content)
    result = predict(tmp_path / name, model="base")
    assert result.code == Exit.FAILED
    assert message in result.err
    assert name in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("out*"))


def test_the_data_is_not_written_over(predict, ktas):
    data = ktas()
    before = data.read_bytes()
    result = predict(data, out=data.name)
    assert result.code == Exit.FAILED
    assert "holds no predictions" in result.err
    assert data.read_bytes() == before


def test_a_killed_run_is_gone_on_with(predict, ktas, tmp_path):
    """SIGKILL while it writes; what is on the disk stays, and the whole is what an undisturbed run gives."""
    data, out = ktas(800), tmp_path / "out.csv"
    assert predict(data, out="whole.csv").code == Exit.DONE
    command = [str(REPOSITORY / ".venv" / "bin" / "triage"), "predict", "--task", "ktas", "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--model", "rules"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not (out.exists() and out.stat().st_size > 200):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(out.read_text().splitlines()) - 1
    assert 0 < kept < 800
    refused = predict(data)
    assert refused.code == Exit.FAILED
    assert "--resume" in refused.err
    result = predict(data, "--resume")
    assert result.code == Exit.DONE, result.err
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert json.loads((tmp_path / "out.json").read_text())["parts"] == 2
